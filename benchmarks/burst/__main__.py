"""Measure bursts of like requests, with and without shared answers in turn: ``python -m benchmarks.burst``."""

import argparse
import gc
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks.burst.burst import Figure, Side, burst
from benchmarks.burst.results import FILE, Burst, table, verdicts
from benchmarks.burst.stage import Stage, staged
from benchmarks.results import machine


def measured(stage: Stage, wanted: argparse.Namespace) -> Iterator[Figure]:
    """Yield the figures of all rounds but the first, which warms up; who goes first alternates."""
    with ExitStack() as stack:
        sides = [_side(stage, stack, window) for window in (0, wanted.window_ms)]
        for number in range(wanted.rounds + 1):
            for side in sides[:: -1 if number % 2 else 1]:
                gc.collect()
                figure, placed = burst(side, wanted.requests, wanted.threads)
                stage.give_back(placed)
                if number:
                    yield figure


def _side(stage: Stage, stack: ExitStack, window: int) -> Side:
    side = stage.side(window)
    stack.enter_context(side.scheduler)
    return side


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.burst", description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--window-ms", type=int, default=1000)
    parser.add_argument("--json", type=Path, default=FILE)
    return parser.parse_args()


def main() -> None:
    """Measure, print, and keep the figures."""
    wanted, load, figures = _parse(), os.getloadavg()[0], []
    with staged(wanted.hosts) as stage:
        for figure in measured(stage, wanted):
            figures.append(figure)
            print(table([figure]), flush=True)
    found = Burst(machine=machine(), load=round(load, 2), hosts=wanted.hosts, figures=tuple(figures))
    wanted.json.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    print(table(figures), *verdicts(found), sep="\n")


if __name__ == "__main__":
    main()
