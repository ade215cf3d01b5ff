"""``python -m faults``: run the parts of the proof, print their tables, write their JSON."""

import argparse
import importlib
import logging
import sys
from pathlib import Path

from faults.report import Options, Report, table, write_json

PARTS = {
    "model": "the production code in a deterministic simulation, many seeds",
    "matrix": "every fault at every call, on the real Placement, beside Nova's scheduler",
    "cuts": "the connection cut after every byte of one batch",
    "kill": "kill -9 of a real process at every write, send and receive",
    "interrupts": "asynchronous exceptions at every bytecode boundary",
    "journal": "files of journals cut or changed, and a journal that serves many requests",
    "contention": "processes and threads that race for last slots",
    "cost": "milliseconds a request beside the bare calls to Placement",
}


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when every part is good, 1 when something failed, 130 after Ctrl-C."""
    asked = _parse(arguments)
    names = list(PARTS) if asked.part == "all" else [asked.part]
    options = Options(quick=asked.quick, seed=asked.seed, count=asked.count, only=asked.only, work=asked.work)
    reports: list[Report] = []
    try:
        for name in names:
            reports.append(_run(name, options))
            print("\n" + table(reports[-1]), flush=True)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    finally:
        write_json(reports, asked.json)
    print(f"\n{_verdict(reports)}; written to {asked.json}")
    return 0 if all(report.good for report in reports) else 1


def _run(name: str, options: Options) -> Report:
    """Run one part. Parts are imported when they run, so that each needs only what it uses itself."""
    run = importlib.import_module(f"faults.{name}").run
    report: Report = run(options)
    return report


def _verdict(reports: list[Report]) -> str:
    runs, failures = sum(report.runs for report in reports), sum(len(report.failures) for report in reports)
    empty = [report.name for report in reports if not report.runs]
    return f"{runs} runs, {failures} failures" + (f", nothing was run of: {', '.join(empty)}" if empty else "")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__, epilog=_parts())
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("part", nargs="?", default="all", choices=[*PARTS, "all"], metavar="PART")
    parser.add_argument("--quick", action="store_true", help="a slice of it, minutes instead of an hour")
    parser.add_argument("--seed", type=int, default=1, help="what random choices derive from (default: %(default)s)")
    parser.add_argument("--count", "--seeds", type=int, help="how many seeds, kills or requests, where that is open")
    parser.add_argument("--only", help="run one step alone; failures print it")
    parser.add_argument("--json", type=Path, default=Path(".faults/report.json"), help="default: %(default)s")
    parser.add_argument("--work", type=Path, default=Path(".faults"), help="where files go (default: %(default)s)")
    return parser.parse_args(arguments)


def _parts() -> str:
    return "\n".join(["parts:", *(f"  {name:12} {what}" for name, what in PARTS.items()), f"  {'all':12} all of them"])


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # every run has its fault; what they log is expected, and long
    sys.exit(main())
