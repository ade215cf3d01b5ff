"""Which fault at which call of which request: the address of one run, and the lists of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

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


def slice_of(steps: Steps, kinds: Sequence[str], seed: int) -> Iterator[Address]:
    """Yield every kind once, each at another call; other seeds shift the calls."""
    places = [(flow, batch, call) for (flow, batch), calls in steps.items() for call in calls]
    for number, kind in enumerate(kinds, start=seed):
        flow, batch, call = places[number * 7 % len(places)]
        yield Address(flow, batch, call, kind)
