"""Collaborators that break one promise each, to show that the model notices."""

from collections.abc import Mapping
from uuid import UUID

from faults.model_client import SimulatedPlacement
from faults.model_journal import Disk, SimulatedJournal
from faults.model_world import Process, World
from placement_client.errors import OutcomeUnknown, Refused
from placement_client.models import ConsumerWrite
from scheduler.claims import Claim


class UnfencedClient(SimulatedPlacement):
    """Sends no fence: no empty first write of a consumer."""

    def put_allocations(self, consumer: UUID, write: ConsumerWrite) -> None:
        """Send a write unless it is a fence."""
        if write.allocations or write.consumer_generation is not None:
            super().put_allocations(consumer, write)


class HastyClient(SimulatedPlacement):
    """Takes a lost answer to a confirmation for a refusal."""

    def post_allocations(self, writes: Mapping[UUID, ConsumerWrite]) -> None:
        """Send writes, and guess when the answer to those of several kinds is lost."""
        kinds = {bool(write.allocations) for write in writes.values()}
        try:
            super().post_allocations(writes)
        except OutcomeUnknown as error:
            lost = error
        else:
            return
        raise Refused if len(kinds) == 2 else lost


class LazyJournal(SimulatedJournal):
    """Returns before the last write is durable: a process that dies takes it along."""

    def __init__(self, world: World, disk: Disk, process: Process) -> None:
        super().__init__(world, disk, process)
        self._last: Claim | None = None
        self._written: UUID | None = None
        process.at_death = self._lose_the_last

    def _replace(self, claim: Claim) -> Claim:
        self._last, self._written = self._disk.claims.get(claim.claim_id), claim.claim_id
        return super()._replace(claim)

    def _lose_the_last(self) -> None:
        if self._last is not None:
            self._disk.claims[self._last.claim_id] = self._last
        elif self._written is not None:
            self._disk.claims.pop(self._written)
