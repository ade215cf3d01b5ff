"""What is written down about claims before anything is sent, and the in-memory journal.

A journal outlives a request: whoever finds a claim in it knows what may exist at Placement and what is left to do. The
one in ``sql_journal`` also outlives the process; the one here is for tests, and for who can do without that.
"""

import threading
from collections import OrderedDict
from typing import Protocol
from uuid import UUID

from msgspec import Struct, structs

from placement_client.models import Resources
from scheduler.claims.states import ClaimEvent, ClaimState, HoldEvent, HoldState, after, hold_after, hold_event
from scheduler.errors import RequestInProgress
from scheduler.model.held import Held

FINISHED_CLAIMS = {ClaimState.COMMITTED, ClaimState.ABORTED}
OPEN_HOLDS = {HoldState.RELEASING, HoldState.QUARANTINED}


class Hold(Struct, frozen=True):
    """One minted consumer and what it holds: amounts by provider."""

    consumer: UUID
    allocations: dict[UUID, Resources]
    state: HoldState = HoldState.HELD


class InstanceClaim(Struct, frozen=True):
    """What one instance shall hold once the claim is confirmed; ``before`` is what it holds until then, if anything."""

    instance_uuid: UUID
    allocations: dict[UUID, Resources]
    before: Held | None = None


class MigrationClaim(Struct, frozen=True):
    """What the consumer of a migration, which is new, shall hold once the claim is confirmed."""

    migration_uuid: UUID
    allocations: dict[UUID, Resources]


class Claim(Struct, frozen=True):
    """One attempt to place a batch: ids and amounts, no secrets.

    ``digest`` tells requests with one id apart, ``result`` is what the caller gets, as JSON: with both, a request that
    is delivered again gets the same answer. ``accepted`` tells that Placement answered the reservation, so that no
    request for a hold can still be on its way.
    """

    claim_id: UUID
    request_id: str
    digest: str
    project_id: str
    user_id: str
    consumer_type: str
    instances: tuple[InstanceClaim, ...]
    holds: tuple[Hold, ...]
    result: bytes = b""
    state: ClaimState = ClaimState.INTENDED
    accepted: bool = False
    migration: MigrationClaim | None = None

    def advanced(self, event: ClaimEvent) -> "Claim":
        """Return this claim after an event, with what it means for its holds; IllegalTransition changes nothing."""
        state = after(self.state, event)
        to_hold = hold_event(event)
        holds = self.holds
        if to_hold is not None:
            holds = tuple(structs.replace(hold, state=hold_after(hold.state, to_hold)) for hold in holds)
        return structs.replace(self, state=state, holds=holds, accepted=self.accepted or event is ClaimEvent.ACCEPTED)

    def with_hold(self, consumer: UUID, event: HoldEvent) -> "Claim":
        """Return this claim with one hold after an event."""
        return structs.replace(self, holds=tuple(_hold_after(hold, consumer, event) for hold in self.holds))

    @property
    def settled(self) -> bool:
        """Tell whether nothing is left to do."""
        return self.state in FINISHED_CLAIMS and not any(hold.state in OPEN_HOLDS for hold in self.holds)

    @property
    def needs_settling(self) -> bool:
        """Tell whether something is left to do that no request does any more (open claims belong to their request)."""
        return self.state is ClaimState.CONFIRMING or (self.state in FINISHED_CLAIMS and not self.settled)


def _hold_after(hold: Hold, consumer: UUID, event: HoldEvent) -> Hold:
    return structs.replace(hold, state=hold_after(hold.state, event)) if hold.consumer == consumer else hold


class Journal(Protocol):
    """Where claims are written down.

    What a method writes outlives the process when it returns, and, but for an event in ``ASKED_AGAIN``, the power, too;
    it raises JournalUnavailable when that cannot be promised. What comes later never outlives the power without what
    came before. An *owner* is one opened journal; several owners, in one process or in many, may share what is written
    down.
    """

    def begin(self, claim: Claim) -> None:
        """Write down a new claim, before anything of it is sent.

        Raises RequestInProgress when the request has a claim that is not aborted, whoever owns it.
        """
        ...

    def advance(self, claim_id: UUID, event: ClaimEvent) -> Claim:
        """Write down an event and return the claim after it.

        Raises IllegalTransition, which changes nothing, and Fenced when another owner has taken the claim over.
        """
        ...

    def advance_hold(self, claim_id: UUID, consumer: UUID, event: HoldEvent) -> Claim:
        """Write down what happened to one hold and return the claim after it; raises what ``advance`` raises."""
        ...

    def find(self, claim_id: UUID) -> Claim | None:
        """Return a claim; None when it was never written down (or is long forgotten)."""
        ...

    def claims_of(self, request_id: str) -> tuple[Claim, ...]:
        """Return the claims of a request, oldest first, whoever owns them."""
        ...

    def unfinished(self) -> tuple[Claim, ...]:
        """Return every claim of this owner that is not settled, oldest first."""
        ...

    def unsettled(self) -> tuple[Claim, ...]:
        """Return every claim that is not settled, oldest first, whoever owns it."""
        ...

    def adopt(self) -> tuple[Claim, ...]:
        """Take over the claims of owners that are dead, and return them; each is adopted by one owner only."""
        ...

    def renew(self) -> None:
        """Tell that this owner lives. Raises Fenced when it was taken for dead."""
        ...

    def prune(self) -> int:
        """Forget settled claims that are too old or too many; return how many."""
        ...

    def close(self) -> None:
        """End this owner; what is unfinished stays for whoever adopts it."""
        ...


class MemoryJournal:
    """A journal in memory with one owner; settled claims are forgotten once there are more than ``keep`` of them."""

    def __init__(self, keep: int = 10_000) -> None:
        self._keep = keep
        self._lock = threading.RLock()
        self._unfinished: dict[UUID, Claim] = {}
        self._settled: OrderedDict[UUID, Claim] = OrderedDict()
        self._by_request: dict[str, list[UUID]] = {}

    def begin(self, claim: Claim) -> None:
        """Write down a new claim."""
        with self._lock:
            if any(one.state is not ClaimState.ABORTED for one in self.claims_of(claim.request_id)):
                raise RequestInProgress(claim.request_id)
            self._unfinished[claim.claim_id] = claim
            self._by_request.setdefault(claim.request_id, []).append(claim.claim_id)

    def advance(self, claim_id: UUID, event: ClaimEvent) -> Claim:
        """Write down an event of a claim."""
        with self._lock:
            return self._keep_claim(self._claim(claim_id).advanced(event))

    def advance_hold(self, claim_id: UUID, consumer: UUID, event: HoldEvent) -> Claim:
        """Write down an event of one hold."""
        with self._lock:
            return self._keep_claim(self._claim(claim_id).with_hold(consumer, event))

    def find(self, claim_id: UUID) -> Claim | None:
        """Return a claim; None when it is not known."""
        with self._lock:
            return self._unfinished.get(claim_id) or self._settled.get(claim_id)

    def claims_of(self, request_id: str) -> tuple[Claim, ...]:
        """Return the claims of a request, oldest first."""
        with self._lock:
            known = map(self.find, self._by_request.get(request_id, ()))
            return tuple(claim for claim in known if claim is not None)

    def unfinished(self) -> tuple[Claim, ...]:
        """Return every claim that is not settled."""
        with self._lock:
            return tuple(self._unfinished.values())

    def unsettled(self) -> tuple[Claim, ...]:
        """Return every claim that is not settled: all are of the one owner."""
        return self.unfinished()

    def adopt(self) -> tuple[Claim, ...]:
        """Return nothing: what dies takes this journal with it."""
        return ()

    def renew(self) -> None:
        """Do nothing: nobody else could take over."""

    def prune(self) -> int:
        """Forget the oldest settled claims beyond ``keep``."""
        with self._lock:
            surplus = max(0, len(self._settled) - self._keep)
            for _ in range(surplus):
                self._forget(*self._settled.popitem(last=False))
            return surplus

    def close(self) -> None:
        """Do nothing."""

    def _claim(self, claim_id: UUID) -> Claim:
        return self._unfinished.get(claim_id) or self._settled[claim_id]

    def _keep_claim(self, claim: Claim) -> Claim:
        if claim.settled:
            self._settled[claim.claim_id] = claim
            self._unfinished.pop(claim.claim_id, None)
            self.prune()
        else:
            self._unfinished[claim.claim_id] = claim
        return claim

    def _forget(self, claim_id: UUID, claim: Claim) -> None:
        remaining = [known for known in self._by_request.get(claim.request_id, ()) if known != claim_id]
        if remaining:
            self._by_request[claim.request_id] = remaining
        else:
            self._by_request.pop(claim.request_id, None)
