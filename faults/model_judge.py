"""The invariants: what must hold once a history has ended, whatever went wrong in it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from faults.model_history import Delivery, History
from faults.model_node import RESERVATIONS
from faults.model_server import Consumer
from placement_client.models import ConsumerAllocations
from scheduler.claims import Claim, ClaimState
from scheduler.claims.settle import Owner, owner_of
from scheduler.errors import ClaimInDoubt, SchedulerError

L2 = "L2: two writers of one new instance at once"
L4 = "L4: an administrator deleted a reservation"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be; ``limit`` names the documented limit it is owed to, if any."""

    what: str
    limit: str = ""


@dataclass(slots=True)
class Judge:
    """Looks at what one history left."""

    history: History
    claims: list[Claim] = field(init=False)

    def __post_init__(self) -> None:
        self.claims = list(self.history.disk.claims.values())

    def findings(self) -> Iterator[Finding]:
        """Yield everything that is not as it must be."""
        yield from map(Finding, self.history.deeds.defects)
        yield from self._reservations()
        for claim in self.claims:
            yield from self._claim(claim)
        yield from self._requests()
        yield from self._foreign()
        for number, delivery in enumerate(self.history.deeds.deliveries, start=1):
            yield from self._delivery(number, delivery)
        if self.history.world.server.overfull():
            yield Finding("a provider is over its capacity")

    def _reservations(self) -> Iterator[Finding]:
        for row in self.history.world.server.consumers.values():
            if row.write is not None and row.write.project_id == RESERVATIONS:
                yield Finding("a reservation is left")

    def _claim(self, claim: Claim) -> Iterator[Finding]:
        if not claim.settled:
            yield Finding(f"a claim stays {claim.state}")
        if claim.state is ClaimState.COMMITTED and self._held(claim) != {Owner.OURS}:
            yield Finding("a committed claim's instance does not hold what was decided", self._limit(claim))
        elsewhere = {
            one.instance_uuid for other in self.claims if other.state is ClaimState.COMMITTED for one in other.instances
        }
        for one in claim.instances:
            row = self._row(one.instance_uuid)
            if row.write is None or one.instance_uuid in elsewhere:
                continue
            if row.write.project_id == claim.project_id:
                yield Finding("an instance holds room without a committed claim", self._limit(claim))

    def _requests(self) -> Iterator[Finding]:
        committed = Counter(claim.request_id for claim in self.claims if claim.state is ClaimState.COMMITTED)
        if any(number > 1 for number in committed.values()):
            yield Finding("a request was claimed twice")

    def _foreign(self) -> Iterator[Finding]:
        for consumer, write in self.history.deeds.foreign.items():
            if self._row(consumer) != Consumer(1, write):
                limit = L2 if consumer in self.history.world.server.overwritten else ""
                yield Finding("somebody else's allocations were changed", limit)

    def _delivery(self, number: int, delivery: Delivery) -> Iterator[Finding]:
        """Compare what a caller was told with what became of the claims that were begun for it."""
        mine = [claim for claim in self.claims if self.history.disk.served[claim.claim_id] == number]
        committed = [claim for claim in self.claims if claim.request_id == delivery.request.request_id]
        committed = [claim for claim in committed if claim.state is ClaimState.COMMITTED]
        if delivery.answer is not None:
            told = {(one.instance_uuid, one.compute_node_uuid) for (one,) in delivery.answer}
            kept = {
                (one.instance_uuid, host) for claim in committed for one in claim.instances for host in one.allocations
            }
            if told != kept:
                yield Finding("selections were answered that are not the committed ones")
        elif _promises_nothing_is_left(delivery) and any(claim.state is ClaimState.COMMITTED for claim in mine):
            yield Finding(f"{delivery.ending} was answered, but the claim is committed")

    def _held(self, claim: Claim) -> set[Owner]:
        server = self.history.world.server
        found: list[ConsumerAllocations] = [server.allocations(one.instance_uuid) for one in claim.instances]
        return {owner_of(held, one) for held, one in zip(found, claim.instances, strict=True)}

    def _row(self, consumer: UUID) -> Consumer:
        return self.history.world.server.consumers.get(consumer, Consumer())

    def _limit(self, claim: Claim) -> str:
        if self.history.world.server.overwritten & {one.instance_uuid for one in claim.instances}:
            return L2
        return L4 if self.history.deeds.removed & {hold.consumer for hold in claim.holds} else ""


def _promises_nothing_is_left(delivery: Delivery) -> bool:
    """Tell whether the caller was told that the request came to nothing."""
    return (
        delivery.error is not None and issubclass(delivery.error, SchedulerError) and delivery.error is not ClaimInDoubt
    )
