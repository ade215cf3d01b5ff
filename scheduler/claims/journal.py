"""What is written down about claims before anything is sent, and the in-memory journal.

A journal outlives a request: whoever finds a claim in it knows what may exist at Placement and what is left to do. This
one lives in memory, so it survives every exception but not the process.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from placement_client.models import Resources
from scheduler.claims.states import ClaimEvent, ClaimState, HoldEvent, HoldState, after, hold_after, hold_event

FINISHED_CLAIMS = {ClaimState.COMMITTED, ClaimState.ABORTED}
OPEN_HOLDS = {HoldState.RELEASING, HoldState.QUARANTINED}


@dataclass(frozen=True, slots=True)
class Hold:
    """One minted consumer and what it holds: amounts by provider. ``due`` is when to look at it again (monotonic)."""

    consumer: UUID
    allocations: dict[UUID, Resources]
    state: HoldState = HoldState.HELD
    due: float = 0.0


@dataclass(frozen=True, slots=True)
class InstanceClaim:
    """What one instance shall hold once the claim is confirmed."""

    instance_uuid: UUID
    allocations: dict[UUID, Resources]


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt to place a batch: ids and amounts, no names and no secrets.

    ``accepted`` tells that Placement answered the reservation, so that no request for a hold can still be on its way.
    """

    claim_id: UUID
    request_id: str
    project_id: str
    user_id: str
    consumer_type: str
    instances: tuple[InstanceClaim, ...]
    holds: tuple[Hold, ...]
    state: ClaimState = ClaimState.INTENDED
    accepted: bool = False

    def advanced(self, event: ClaimEvent) -> "Claim":
        """Return this claim after an event, with what it means for its holds; IllegalTransition changes nothing."""
        state = after(self.state, event)
        to_hold = hold_event(event)
        holds = self.holds
        if to_hold is not None:
            holds = tuple(replace(hold, state=hold_after(hold.state, to_hold)) for hold in holds)
        return replace(self, state=state, holds=holds, accepted=self.accepted or event is ClaimEvent.ACCEPTED)

    def with_hold(self, consumer: UUID, event: HoldEvent, due: float) -> "Claim":
        """Return this claim with one hold after an event, to be looked at again at ``due``."""
        return replace(self, holds=tuple(_hold_after(hold, consumer, event, due) for hold in self.holds))

    @property
    def settled(self) -> bool:
        """Tell whether nothing is left to do."""
        return self.state in FINISHED_CLAIMS and not any(hold.state in OPEN_HOLDS for hold in self.holds)

    @property
    def needs_settling(self) -> bool:
        """Tell whether something is left to do that no request does any more (open claims belong to their request)."""
        return self.state is ClaimState.CONFIRMING or (self.state in FINISHED_CLAIMS and not self.settled)


def _hold_after(hold: Hold, consumer: UUID, event: HoldEvent, due: float) -> Hold:
    if hold.consumer != consumer:
        return hold
    return replace(hold, state=hold_after(hold.state, event), due=due)


class Journal(Protocol):
    """Where claims are written down. Every method is durable when it returns, as far as the journal can be."""

    def begin(self, claim: Claim) -> None:
        """Write down a new claim, before anything of it is sent."""
        ...

    def advance(self, claim_id: UUID, event: ClaimEvent) -> Claim:
        """Write down an event and return the claim after it; IllegalTransition changes nothing."""
        ...

    def advance_hold(self, claim_id: UUID, consumer: UUID, event: HoldEvent, due: float = 0.0) -> Claim:
        """Write down what happened to one hold and return the claim after it."""
        ...

    def find(self, claim_id: UUID) -> Claim | None:
        """Return a claim; None when it was never written down (or is long forgotten)."""
        ...

    def claims_of(self, request_id: str) -> tuple[Claim, ...]:
        """Return the claims of a request, oldest first."""
        ...

    def unfinished(self) -> tuple[Claim, ...]:
        """Return every claim that is not settled, oldest first."""
        ...


class MemoryJournal:
    """A journal in memory; settled claims are forgotten once there are more than ``keep`` of them."""

    def __init__(self, keep: int = 10_000) -> None:
        self._keep = keep
        self._lock = threading.RLock()
        self._unfinished: dict[UUID, Claim] = {}
        self._settled: OrderedDict[UUID, Claim] = OrderedDict()
        self._by_request: dict[str, list[UUID]] = {}

    def begin(self, claim: Claim) -> None:
        """Write down a new claim."""
        with self._lock:
            self._by_request.setdefault(claim.request_id, []).append(claim.claim_id)
            self._unfinished[claim.claim_id] = claim

    def advance(self, claim_id: UUID, event: ClaimEvent) -> Claim:
        """Write down an event of a claim."""
        with self._lock:
            return self._keep_claim(self._claim(claim_id).advanced(event))

    def advance_hold(self, claim_id: UUID, consumer: UUID, event: HoldEvent, due: float = 0.0) -> Claim:
        """Write down an event of one hold."""
        with self._lock:
            return self._keep_claim(self._claim(claim_id).with_hold(consumer, event, due))

    def find(self, claim_id: UUID) -> Claim | None:
        """Return a claim; None when it is not known."""
        with self._lock:
            return self._unfinished.get(claim_id) or self._settled.get(claim_id)

    def claims_of(self, request_id: str) -> tuple[Claim, ...]:
        """Return the claims of a request, oldest first."""
        with self._lock:
            return tuple(self._claim(claim_id) for claim_id in self._by_request.get(request_id, ()))

    def unfinished(self) -> tuple[Claim, ...]:
        """Return every claim that is not settled."""
        with self._lock:
            return tuple(self._unfinished.values())

    def _claim(self, claim_id: UUID) -> Claim:
        return self._unfinished.get(claim_id) or self._settled[claim_id]

    def _keep_claim(self, claim: Claim) -> Claim:
        if claim.settled:
            self._settled[claim.claim_id] = claim
            self._unfinished.pop(claim.claim_id, None)
            self._forget_oldest()
        else:
            self._unfinished[claim.claim_id] = claim
        return claim

    def _forget_oldest(self) -> None:
        while len(self._settled) > self._keep:
            claim_id, claim = self._settled.popitem(last=False)
            remaining = [known for known in self._by_request.get(claim.request_id, ()) if known != claim_id]
            if remaining:
                self._by_request[claim.request_id] = remaining
            else:
                self._by_request.pop(claim.request_id, None)
