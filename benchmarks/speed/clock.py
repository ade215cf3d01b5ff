"""What steps cost, measured in turns; nothing but the standard library, as Nova's environment reads it, too."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spent:
    """Milliseconds: on the clock of the wall, and of processor time of this process."""

    wall_ms: float
    cpu_ms: float


Step = Callable[[], Spent]
"""Prepares, and then measures, one round of one side."""


def spent(work: Callable[[], object]) -> Spent:
    """Return what a piece of work costs; garbage of what was before is collected first."""
    gc.collect()
    return timed(work)


def timed(work: Callable[[], object]) -> Spent:
    """Return what a piece of work costs right after what was done before it, with what that left in the caches."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu))


def in_turns(sides: Mapping[str, Step], rounds: int, warm: int = 1) -> dict[str, list[Spent]]:
    """Let every side take its step in every round, after a few that are not counted."""
    kept: dict[str, list[Spent]] = {name: [] for name in sides}
    for number in range(-warm, rounds):
        for name, step in sides.items():
            one = step()
            if number >= 0:
                kept[name].append(one)
    return kept


def wall(kept: list[Spent]) -> float:
    """Return the median on the clock of the wall."""
    return median(one.wall_ms for one in kept)


def cpu(kept: list[Spent]) -> float:
    """Return the median of processor time."""
    return median(one.cpu_ms for one in kept)
