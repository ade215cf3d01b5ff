"""``python -m benchmarks.soak``: 40,000 requests from four threads to Placement over TLS; 1 when anything grows.

Placement is the mock, in a process of its own; the real one takes several times as long (``--real``).
"""

import argparse
import logging
import sys
from pathlib import Path

import msgspec

from benchmarks.soak.gauges import Sample
from benchmarks.soak.mock_server import MockServer
from benchmarks.soak.run import Plan, Soak, soaked
from benchmarks.soak.stage import stage
from benchmarks.soak.verdict import NEVER_MORE, PER, TOLERATED, judged_by, parts, problems, slope
from placement_client.clock import SYSTEM_CLOCK
from placement_client.testing import PlacementServer

KEEP = 1_000


def main() -> int:
    """Return 0 when nothing grows, every request ended as it must, and nothing is left; 1 otherwise."""
    logging.disable(logging.CRITICAL)  # requests that are refused are part of the mixture
    wanted = _parse()
    plan = Plan(wanted.requests, wanted.every, wanted.warm_up, wanted.threads)
    soak, began = Soak(), SYSTEM_CLOCK.monotonic()
    with PlacementServer() if wanted.real else MockServer() as server, stage(server, KEEP) as ready:
        print("  ".join(f"{name:>11}" for name in Sample.__struct_fields__))
        for one in soaked(ready, plan, soak):
            print("  ".join(f"{value:>11,}" for value in msgspec.structs.astuple(one)), flush=True)
        seconds = SYSTEM_CLOCK.monotonic() - began
        found = [*problems(soak.samples, plan.warm_up), *soak.wrong_ends(), *ready.residue()]
    print(_in_words(soak, plan, seconds))
    if wanted.json:
        wanted.json.write_bytes(msgspec.json.format(msgspec.json.encode(soak.samples), indent=1) + b"\n")
    for text in found:
        print(f"FAILED: {text}")
    print("Something grows or went wrong." if found else "Nothing grows.")
    return 1 if found else 0


def _in_words(soak: Soak, plan: Plan, seconds: float) -> str:
    _, after = parts(soak.samples, plan.warm_up)
    kinds = sorted(soak.ends.items())
    grown = [
        f"{name} by {slope(judged_by(after, name), name):,.0f} (tolerated {most:,})" for name, most in TOLERATED.items()
    ]
    most = [f"{max(getattr(one, name) for one in after)} {name}" for name in NEVER_MORE]
    return "\n".join(
        [
            f"\n{plan.requests:,} requests in {seconds:,.0f} s from {plan.threads} threads:",
            *(f"  {count:6,}  {kind}: {end}" for (kind, end), count in kinds),
            f"after {plan.warm_up:,}, in {PER:,} requests: {', '.join(grown)}; at most {', '.join(most)}.",
        ]
    )


def _parse() -> argparse.Namespace:
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=usual.requests)
    parser.add_argument("--every", type=int, default=usual.every, help="requests between two samples")
    parser.add_argument("--warm-up", type=int, default=usual.warm_up)
    parser.add_argument("--threads", type=int, default=usual.threads)
    parser.add_argument("--real", action="store_true", help="a real Placement in place of the mock")
    parser.add_argument("--json", type=Path, help="where the samples go")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
