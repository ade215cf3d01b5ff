"""``python -m benchmarks.growth``: measure how costs grow, print the exponents, write the figures and the picture."""

import argparse
import logging
import sys

import msgspec

from benchmarks.growth import curves, memory, results
from benchmarks.growth.draw import draw
from benchmarks.growth.parts import PARTS, measured
from benchmarks.results import machine, text_of

SAMPLES = 7
QUICK = curves.Sizes(hosts=(10, 100, 1_000), batches=(1, 10, 30), fleets=(100, 300), filters=(1, 11, 22))
REQUESTS = (200, 400, 800)


def main() -> int:
    """Return 0 when nothing grows faster than linear, 1 when something does."""
    wanted = _parse()
    logging.disable(logging.WARNING)  # the scheduler says what is unsafe about a Placement that is played
    sizes, file = (QUICK, None) if wanted.quick else (curves.Sizes(), results.FILE)
    growth = results.kept() if wanted.only and file else results.Growth(samples=wanted.samples, machine=machine())
    for part in [wanted.only] if wanted.only else PARTS:
        growth = growth.with_curves(measured(part, sizes, wanted.samples, _tell))
        if part == "memory":
            growth = msgspec.structs.replace(growth, kept=memory.kept(REQUESTS, min(sizes.fleets)))
        if file:
            file.write_text(text_of(growth), encoding="utf-8")
    print(results.table(growth))
    if file:
        _show(growth)
    for curve in growth.too_steep:
        print(f"GROWS FASTER THAN LINEAR: {curve.name}, exponent {curve.exponent} against {curve.against}")
    return 1 if growth.too_steep else 0


def _show(growth: results.Growth) -> None:
    page = results.PAGE.read_text(encoding="utf-8")
    results.PAGE.write_text(results.within(page, growth), encoding="utf-8")
    draw(growth, results.IMAGE)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing written")
    parser.add_argument("--only", choices=PARTS, help="measure this part again and keep the figures of the others")
    return parser.parse_args()


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
