"""Which fault at which call of which request: the address of one run, and the lists of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count as count_from
from math import gcd
from typing import Self, TypeVar

T = TypeVar("T")
GOLDEN = 0.618
BATCHES = (1, 2, 5)
Steps = Mapping[tuple[str, int], Sequence[int]]
"""The calls at which faults are played, by flow and batch size."""


@dataclass(frozen=True, slots=True)
class Address:
    """One run: this kind of fault at this call of a request for so many instances."""

    flow: str
    batch: int
    call: int
    kind: str

    def __str__(self) -> str:
        return f"{self.flow}:{self.batch}:{self.call}:{self.kind}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the address that ``str`` wrote. Raises ValueError for anything else."""
        flow, batch, call, kind = text.split(":", 3)
        return cls(flow, int(batch), int(call), kind)


def all_of(steps: Steps, kinds: Sequence[str]) -> Iterator[Address]:
    """Yield every kind at every call."""
    for (flow, batch), calls in steps.items():
        for call in calls:
            yield from (Address(flow, batch, call, kind) for kind in kinds)


def spread(steps: Sequence[T], count: int | None) -> Sequence[T]:
    """Return so many of these, or all of them; in golden hops, so that no kind and no call is favoured."""
    if count is None or count >= len(steps):
        return steps
    hop = next(hop for hop in count_from(round(len(steps) * GOLDEN)) if gcd(hop, len(steps)) == 1)
    return [steps[number * hop % len(steps)] for number in range(count)]


def slice_of(steps: Steps, kinds: Sequence[str], seed: int) -> Iterator[Address]:
    """Yield every kind once, each at another call; other seeds shift the calls."""
    places = [(flow, batch, call) for (flow, batch), calls in steps.items() for call in calls]
    for number, kind in enumerate(kinds, start=seed):
        flow, batch, call = places[number * 7 % len(places)]
        yield Address(flow, batch, call, kind)
