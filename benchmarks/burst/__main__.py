"""Measure bursts of like requests, with and without shared answers in turn: ``python -m benchmarks.burst``."""

import argparse
import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.burst.burst import Counting, Figure, burst
from benchmarks.burst.stage import Stage, staged
from benchmarks.results import ROOT, machine

FILE = ROOT / "benchmarks" / "results" / "burst.json"
MOST_QUERIES, LEAST_RATIO = 20, 2.0


class Burst(msgspec.Struct, frozen=True, kw_only=True):
    """One run: on what, how loaded the machine was before, and the figures in the order in which they were measured."""

    machine: str
    load: float
    hosts: int
    figures: tuple[Figure, ...]

    def of(self, *, shared: bool) -> list[Figure]:
        """Return the figures with shared answers, or those without."""
        return [one for one in self.figures if bool(one.window_ms) is shared]

    @property
    def ratio(self) -> float:
        """Return how many times faster the bursts are that share answers; of medians."""
        return median(one.wall_s for one in self.of(shared=False)) / median(one.wall_s for one in self.of(shared=True))


def measured(stage: Stage, wanted: argparse.Namespace) -> Iterator[Figure]:
    """Yield the figures of all rounds; who goes first alternates."""
    with ExitStack() as stack:
        sides = [_side(stage, stack, window) for window in (0, wanted.window_ms)]
        for number in range(wanted.rounds + 1):
            for window, (scheduler, adapter, counting) in sides[:: -1 if number % 2 else 1]:
                gc.collect()
                figure, placed = burst(scheduler, adapter, counting, window, wanted.requests, wanted.threads)
                stage.give_back(placed)
                if number:  # the first one warms up
                    yield figure


def _side(stage: Stage, stack: ExitStack, window: int):  # type: ignore[no-untyped-def]
    counting = Counting()
    scheduler, adapter = stage.scheduler(window, counting)
    return window, (stack.enter_context(scheduler), adapter, counting)


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as lines of text."""
    names = Figure.__struct_fields__
    lines = [names, *(tuple(str(getattr(one, name)) for name in names) for one in figures)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(names))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def verdicts(found: Burst) -> Iterator[str]:
    """Yield a line for each bar: what it is, what was measured, and whether it is reached."""
    off, on = found.of(shared=False), found.of(shared=True)
    queries = max(one.queries for one in on)
    refused, without = (sum(one.refused for one in side) for side in (on, off))
    for text, reached in (
        (f"candidate queries of a burst: {queries} at most, wanted <= {MOST_QUERIES}", queries <= MOST_QUERIES),
        (f"rounds refused: {refused}, {without} without", refused <= without),
        (f"wall time: {found.ratio:.2f} times better, wanted >= {LEAST_RATIO}", found.ratio >= LEAST_RATIO),
    ):
        yield f"{'reached    ' if reached else 'NOT REACHED'}  {text}"


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.burst", description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--window-ms", type=int, default=500)
    parser.add_argument("--json", type=Path, default=FILE)
    wanted = parser.parse_args()
    load = os.getloadavg()[0]
    with staged(wanted.hosts) as stage:
        figures = []
        for figure in measured(stage, wanted):
            figures.append(figure)
            print(table([figure]), flush=True)
    found = Burst(machine=machine(), load=round(load, 2), hosts=wanted.hosts, figures=tuple(figures))
    wanted.json.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    print(table(figures), *verdicts(found), sep="\n")


if __name__ == "__main__":
    main()
