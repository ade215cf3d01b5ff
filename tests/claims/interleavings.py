"""Every order in which the steps of several schedulers can come, for pure models of their races."""

from collections.abc import Iterator
from typing import Protocol, TypeVar

Racer = TypeVar("Racer")


class Rules(Protocol[Racer]):
    """What one of them does next."""

    def step(self, world: tuple[Racer, ...], me: Racer, /) -> Racer | None:
        """Return this one after its next step, None when it has ended."""
        ...


def endings(rules: Rules[Racer], start: tuple[Racer, ...]) -> Iterator[tuple[Racer, ...]]:
    """Return every way in which the steps of all can be interleaved to an end."""
    seen, ahead = {start}, [start]
    while ahead:
        world = ahead.pop()
        after = {
            (*world[:number], stepped, *world[number + 1 :])
            for number, one in enumerate(world)
            if (stepped := rules.step(world, one)) is not None
        }
        if not after:
            yield world
        ahead += after - seen
        seen |= after
