"""``python -m benchmarks.speed``: how fast we are beside Nova, in one run, and which bars that reaches.

Nova comes from PyPI into a virtual environment of its own. A bar that is not reached is said, and no failure.
"""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.results import text_of
from benchmarks.speed import plot, report
from benchmarks.speed.end_to_end import EndToEnd
from benchmarks.speed.footprint import Footprint
from benchmarks.speed.in_memory import InMemory
from benchmarks.speed.nova import started
from benchmarks.speed.plan import FULL, QUICK, Plan
from faults.environments import CannotInstall, library_installed, nova_installed


def measured(python: Path, library: Path, plan: Plan, *, quick: bool) -> report.Results:
    """Measure everything of a plan, with Nova in one interpreter, and what the library alone requires in another."""
    before = report.load()
    footprint = Footprint(library, plan)
    footprint.run()
    with started(python, plan.logs / "nova.log") as nova:
        in_memory, end_to_end = InMemory(nova, plan), EndToEnd(nova, plan)
        end_to_end.run()
        in_memory.run()
    return report.Results(
        machine=report.machine(),
        load=(before, report.load()),
        quick=quick,
        rows=(*in_memory.rows, *end_to_end.rows, *footprint.rows),
        points=tuple(in_memory.points),
        samples=in_memory.samples | end_to_end.samples | footprint.samples,
    )


def keep(results: report.Results) -> None:
    """Write the results, the plot, and the tables of the pages."""
    report.FILE.write_text(text_of(results), encoding="utf-8")
    plot.draw(results.points)
    for file, written in ((report.PAGE, report.page), (report.README, report.front)):
        file.write_text(written(file.read_text(encoding="utf-8"), results), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and keep what the long form found; 2 when there is no Nova to compare with."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="what fits into three minutes; nothing is written")
    wanted = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        python, library = nova_installed(), library_installed()
    except CannotInstall as error:
        print(f"Nova, or what the library requires, could not be installed: {error}", file=sys.stderr)
        return 2
    plan = QUICK if wanted.quick else FULL
    logging.basicConfig(filename=plan.logs / "ours.log", level=logging.WARNING)
    results = measured(python, library, plan, quick=wanted.quick)
    print(f"\n{report.screen(results)}\n{results.machine}, load {results.load}, {time.monotonic() - began:.0f} s")
    if not wanted.quick:
        keep(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
