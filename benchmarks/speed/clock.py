"""What steps cost, measured in turns; nothing but the standard library, as Nova's environment reads it, too."""

import gc
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Spent:
    """Milliseconds: on the clock of the wall, of processor time of this process, and of waiting for a server."""

    wall_ms: float
    cpu_ms: float
    wire_ms: float = 0.0

    @property
    def own_ms(self) -> float:
        """Return what was not waiting for a server."""
        return self.wall_ms - self.wire_ms


class Waits(Protocol):
    """Counts the seconds of waiting for a server."""

    seconds: float


class Connected(Protocol):
    """Holds connections to a server."""

    def disconnect(self) -> None:
        """Close them; what is sent next makes others."""


Step = Callable[[], Spent]
"""Prepares, and then measures, one round of one side."""


def spent(work: Callable[[], object], waits: Waits | None = None) -> Spent:
    """Return what a piece of work costs; garbage of what was before is collected first."""
    gc.collect()
    before = waits.seconds if waits else 0.0
    found = timed(work)
    return replace(found, wire_ms=1000 * (waits.seconds - before)) if waits else found


def timed(work: Callable[[], object]) -> Spent:
    """Return what a piece of work costs right after what was done before it, with what that left in the caches."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu))


def averaged(step: Step, times: int) -> Step:
    """Return a step that is taken so many times, and costs what they cost on average."""

    def several() -> Spent:
        found = [step() for _ in range(times)]
        return Spent(*(fmean(getattr(one, name) for one in found) for name in ("wall_ms", "cpu_ms", "wire_ms")))

    return several


def anew(connected: Iterable[Connected], step: Step) -> Step:
    """Return a step that begins without a connection, so that it makes all of them in the time that is measured.

    A connection stays with the worker of the server that accepted it. How connections are shared out among workers is
    chance, and drawn again each time.
    """

    def on_new_connections() -> Spent:
        for one in connected:
            one.disconnect()
        return step()

    return on_new_connections


def in_turns(
    sides: Mapping[str, Step],
    rounds: int,
    warm: int = 1,
    order: Callable[[list[str]], list[str]] = lambda names: names,
    between: Callable[[], None] = lambda: None,
) -> dict[str, list[Spent]]:
    """Let every side take its step in every round, after a few that are not counted.

    ``order`` may put them in another order each time, so that nobody keeps step with what a server does at every second
    call; ``between`` follows each round.
    """
    kept: dict[str, list[Spent]] = {name: [] for name in sides}
    for number in range(-warm, rounds):
        for name in order(list(sides)):
            one = sides[name]()
            if number >= 0:
                kept[name].append(one)
        between()
    return kept


def wall(kept: list[Spent]) -> float:
    """Return the median on the clock of the wall."""
    return median(one.wall_ms for one in kept)


def cpu(kept: list[Spent]) -> float:
    """Return the median of processor time."""
    return median(one.cpu_ms for one in kept)
