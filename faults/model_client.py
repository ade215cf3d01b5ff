"""The calls that the scheduler makes, on the simulated server, with everything that can happen to a call."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar
from uuid import UUID

from faults.model_server import RESOURCE_CLASS, Batch, SimulatedServer
from faults.model_world import Process, World, around
from placement_client.clock import Deadline
from placement_client.errors import (
    BadAnswer,
    DeadlineExceeded,
    NotAuthorized,
    NotSent,
    OutcomeUnknown,
    PlacementError,
    ProviderConflict,
    Refused,
)
from placement_client.models import (
    ConsumerAllocations,
    ConsumerWrite,
    ProviderUsages,
)

ON_THE_WAY_S = (0.005, 0.03, 0.1, 0.5, 2.0, 11.0, 31.0, 70.0, 1e9)
IN_THE_SERVER_S = (0.005, 0.015, 0.025, 0.04, 0.06, 0.1, 1.0, 11.0, 45.0)  # all below the quarantine
TIMEOUT_S = 5.0

T = TypeVar("T")


class SimulatedPlacement:
    """What the scheduler uses of a ``PlacementClient``, for one process."""

    microversion = "1.39"

    def __init__(self, world: World, process: Process, deadline: Deadline | None = None) -> None:
        self._world = world
        self._process = process
        self._deadline = deadline
        self.calls = 0

    def within(self, deadline: Deadline, request_id: str | None = None) -> "SimulatedPlacement":
        """Return a view for one request."""
        return type(self)(self._world, self._process, deadline)

    def get_allocations(self, consumer: UUID) -> ConsumerAllocations:
        """Return what a consumer holds."""
        return self._read("read", consumer, lambda server: server.allocations(consumer))

    def get_provider_usages(self, provider: UUID) -> ProviderUsages:
        """Return what is in use on a provider."""
        return self._read("usages", provider, lambda server: ProviderUsages(0, {RESOURCE_CLASS: server.used(provider)}))

    def put_allocations(self, consumer: UUID, write: ConsumerWrite) -> None:
        """Replace what one consumer holds."""
        self.post_allocations({consumer: write})

    def post_allocations(self, writes: Batch) -> None:
        """Replace what several consumers hold, all or none."""
        what = shown(writes) if self._world.trace is not None else "write"
        hit = self._world.hit_of_write()
        kind, rest = self._step(what, WRITE_KINDS) if hit is None else self._step(what, HIT_KINDS, hit)
        act = WRITES.get(kind, _carried_out)
        self._world.disturbed(self._process, kind, rest, lambda: act(self._world, writes, rest))

    def _read(self, what: str, uuid: UUID, read: Callable[[SimulatedServer], T]) -> T:
        kind, rest = self._step(f"{what} {short(uuid)}" if self._world.trace is not None else what, READ_KINDS)
        if kind in FAILED_READS:
            raise FAILED_READS[kind]
        return self._world.disturbed(self._process, kind, rest, lambda: read(self._world.server))

    def _step(self, what: str, kinds: Sequence[str], hit: int | None = None) -> tuple[str, int]:
        if self._deadline and self._deadline.expired():
            raise DeadlineExceeded
        self.calls += 1
        return self._world.step(self._process, what, kinds, hit)


# What can happen to a write


def _carried_out(world: World, batch: Batch, rest: int) -> None:
    world.server.write(batch)


def _not_sent(world: World, batch: Batch, rest: int) -> None:
    raise NotSent


def _dropped(world: World, batch: Batch, rest: int) -> None:
    world.wait(TIMEOUT_S)
    raise OutcomeUnknown


def _lost(world: World, batch: Batch, rest: int) -> None:
    with suppress(Refused):
        world.server.write(batch)
    raise OutcomeUnknown


def _late(world: World, batch: Batch, rest: int) -> None:
    """Give up on a request that arrives much later, perhaps after everything else is over."""
    world.later(ON_THE_WAY_S[rest % len(ON_THE_WAY_S)], lambda: _arrives(world, batch))
    raise OutcomeUnknown


def _stalled(world: World, batch: Batch, rest: int) -> None:
    """Give up on a request that is halfway through the server and finishes later."""
    with suppress(Refused):
        new = world.server.check(batch)
        world.later(IN_THE_SERVER_S[rest % len(IN_THE_SERVER_S)], lambda: _finishes(world, batch, new))
    raise OutcomeUnknown


def _overtaken(world: World, batch: Batch, rest: int) -> None:
    """Let somebody else write while the request is halfway through the server; its answer arrives."""
    new = world.server.check(batch)
    world.meanwhile(("foreign", "tenant", "rival")[rest % 3], rest // 3)
    world.server.carry_out(batch, new)


def _twice(world: World, batch: Batch, rest: int) -> None:
    """Deliver a request twice, as a proxy may that repeats what got no answer; the second answer is what arrives."""
    world.server.write(batch)
    world.server.write(batch)


def _busy(world: World, batch: Batch, rest: int) -> None:
    raise ProviderConflict


def _refused(world: World, batch: Batch, rest: int) -> None:
    raise NotAuthorized


def _gone(world: World, batch: Batch, rest: int) -> None:
    """Refuse a reservation because a provider is gone; one that holds something cannot go, so no other write is."""
    if not _reserves(batch):
        raise ProviderConflict
    world.server.refuse_provider(batch)


def _raced(world: World, batch: Batch, rest: int) -> None:
    """Let somebody else take the room first, and grant a reservation all the same, as Placement does in races."""
    if _reserves(batch):
        world.meanwhile("crowd", rest)
    world.server.write(batch, roomy=_reserves(batch))


def _reserves(batch: Batch) -> bool:
    return all(write.allocations and write.consumer_generation is None for write in batch.values())


def _arrives(world: World, batch: Batch) -> None:
    world.note(f"   arrives late: {shown(batch)}")
    with suppress(Refused):
        world.server.write(batch)


def _finishes(world: World, batch: Batch, new: frozenset[UUID]) -> None:
    world.note(f"   finishes in the server: {shown(batch)}")
    with suppress(Refused):
        world.server.carry_out(batch, new)


def shown(batch: Batch) -> str:
    """Return a write for people."""
    return "write " + ", ".join(
        f"{short(uuid)}={'+'.join(short(provider) for provider in write.allocations) or 'empty'}"
        f"@{'null' if write.consumer_generation is None else write.consumer_generation}"
        for uuid, write in batch.items()
    )


def short(uuid: UUID) -> str:
    """Return enough of an identifier to tell it from the others of a history."""
    return uuid.hex[-4:]


WRITES: Mapping[str, Callable[[World, Batch, int], None]] = {
    "not_sent": _not_sent,
    "dropped": _dropped,
    "lost": _lost,
    "late": _late,
    "stalled": _stalled,
    "overtaken": _overtaken,
    "twice": _twice,
    "busy": _busy,
    "refused": _refused,
    "gone": _gone,
    "raced": _raced,
}
FAILED_READS: Mapping[str, type[PlacementError]] = {
    "not_sent": NotSent,
    "lost": OutcomeUnknown,
    "garbled": BadAnswer,
    "refused": NotAuthorized,
}
ELSEWHERE = around(
    ("crash", "pause", "interruption", "foreign", "ghost", "tenant", "rival", "redelivery", "delay", "removal")
)
READ_KINDS = (*ELSEWHERE, *FAILED_READS)
WRITE_KINDS = (*ELSEWHERE, *WRITES)
HIT_KINDS = (*WRITES, "late", "stalled")
