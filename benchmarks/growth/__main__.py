"""``python -m benchmarks.growth``: measure how costs grow, print the exponents, write the figures and the picture."""

import argparse
import logging
import sys
from contextlib import ExitStack

from benchmarks.growth import curves, memory, results
from benchmarks.growth.draw import draw
from benchmarks.results import machine

SAMPLES = 7
QUICK = curves.Sizes(hosts=(10, 100, 1_000), batches=(1, 10, 30), fleets=(100, 300), filters=(1, 11, 22))
REQUESTS = (200, 400, 800)


def grown(sizes: curves.Sizes, samples: int, requests: tuple[int, ...], tell: curves.Tell) -> results.Growth:
    """Measure every curve; one kind after the other, so that only its fleets are in memory."""
    found: list[results.Curve] = []
    with ExitStack() as stack:
        found += curves.measured(curves.over_hosts(sizes.hosts, stack), samples, tell)
    with ExitStack() as stack:
        found += curves.measured(list(curves.over_batches(sizes.batches, sizes.fleets, stack)), samples, tell)
    found += curves.measured(list(curves.over_filters(sizes.filters, sizes.fleets)), samples, tell)
    tell("memory")
    found.append(memory.peaks(sizes.hosts))
    kept = memory.kept(requests, min(sizes.fleets))
    return results.Growth(samples=samples, machine=machine(), curves=tuple(found), kept=kept)


def main() -> int:
    """Return 0 when nothing grows faster than linear, 1 when something does."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing written")
    wanted = parser.parse_args()
    logging.disable(logging.WARNING)  # the scheduler says what is unsafe about a Placement that is played
    growth = grown(QUICK if wanted.quick else curves.Sizes(), wanted.samples, REQUESTS, _tell)
    print(results.table(growth))
    if not wanted.quick:
        _write(growth)
    for curve in growth.too_steep:
        print(f"GROWS FASTER THAN LINEAR: {curve.name}, exponent {curve.exponent} against {curve.against}")
    return 1 if growth.too_steep else 0


def _write(growth: results.Growth) -> None:
    results.FILE.write_text(results.text_of(growth), encoding="utf-8")
    page = results.PAGE.read_text(encoding="utf-8")
    results.PAGE.write_text(results.within(page, growth), encoding="utf-8")
    draw(growth, results.IMAGE)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
