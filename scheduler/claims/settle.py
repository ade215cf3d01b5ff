"""Finding out what became of a claim, and putting right what is left of it. Never guesses, never deletes.

Both functions may be called any number of times, by the request, by the sweeper and after a restart.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from uuid import UUID

from placement_client.client import PlacementClient
from placement_client.errors import (
    BadAnswer,
    CapacityExceeded,
    ConsumerConflict,
    OutcomeUnknown,
    PlacementError,
    ProviderConflict,
    Refused,
)
from placement_client.models import ConsumerAllocations, Resources
from scheduler.claims.bodies import confirm_body, hold_write
from scheduler.claims.journal import Claim, Hold, InstanceClaim
from scheduler.claims.states import ClaimEvent, HoldEvent, HoldState
from scheduler.model.held import Held
from scheduler.settings import ClaimSettings

RESERVATION_LOST = "reservation_lost"
INSTANCE_TAKEN = "instance_taken"
PASSING = (ProviderConflict, CapacityExceeded)  # another claim made the provider change, or overfull, and gives way


class Owner(StrEnum):
    """Whose allocations an instance holds, seen from a claim."""

    UNTOUCHED = "untouched"  # as it was before the claim: nothing, or what a move found, at the same generation
    OURS = "ours"
    FOREIGN = "foreign"


class Confirmation:
    """One attempt to drive a claim forward after its commit intent.

    ``maybe_sent`` tells that a confirmation may have reached Placement earlier, so that only reading back can tell.
    ``reason`` is a stable code of why it was denied.
    """

    def __init__(
        self, placement: PlacementClient, claim: Claim, settings: ClaimSettings, *, maybe_sent: bool = False
    ) -> None:
        self._placement = placement
        self._claim = claim
        self._body = confirm_body(claim, settings)
        self._maybe_sent = maybe_sent
        self.reason = ""
        self.refused = False

    def drive(self, attempts: int, pause: Callable[[int], None]) -> ClaimEvent | None:
        """Send the same confirmation until the outcome is definitive; None when it is still in doubt."""
        for left in reversed(range(attempts)):
            try:
                self._placement.post_allocations(self._body)
                return ClaimEvent.CONFIRMED
            except PlacementError as error:
                event = self._after(error, last=not left)
            if event is not None:
                return event
            if left:
                pause(attempts - left - 1)
        return None

    def _after(self, error: PlacementError, *, last: bool) -> ClaimEvent | None:
        self.reason = error.code
        self.refused = isinstance(error, Refused)
        if isinstance(error, OutcomeUnknown | BadAnswer):
            self._maybe_sent = True
        elif not self._maybe_sent and not isinstance(error, Refused):
            return ClaimEvent.DENIED
        elif isinstance(error, PASSING) and not last:
            return None
        try:
            return self._read_back()
        except PlacementError as unreadable:
            self.reason = unreadable.code
            self._maybe_sent = True  # a refusal alone proves nothing: the request may have been delivered twice
            return None

    def _read_back(self) -> ClaimEvent | None:
        """Look at holds and instances, and conclude; a denial only from two looks that agree.

        While an earlier confirmation may be carried out between two reads, one look may see half of it.
        """
        held, owners = seen = self._look()
        event, reason = verdict(held, owners, maybe_sent=self._maybe_sent)
        if event is ClaimEvent.DENIED and self._maybe_sent and self._look() != seen:
            return None
        self.reason = reason or self.reason
        return event

    def _look(self) -> tuple[list[bool], list[Owner]]:
        held = [bool(self._placement.get_allocations(hold.consumer).allocations) for hold in self._claim.holds]
        owners = [owner_of(self._placement.get_allocations(i.instance_uuid), i) for i in self._claim.instances]
        return held, owners


def verdict(held: list[bool], owners: list[Owner], *, maybe_sent: bool) -> tuple[ClaimEvent | None, str]:
    """Conclude from what holds and instances have: what became of the claim (None: in doubt), and why.

    The confirmation is one transaction that needs every hold: with a hold still there it was not carried out; with all
    of them gone it was, unless somebody else removed them. A claim without holds, of a move that needs no more room, is
    told by its instance alone. While an earlier one may still be on its way (``maybe_sent``), a refusal of a later one
    ends nothing.
    """
    if any(held) and any(owner is not Owner.UNTOUCHED for owner in owners):
        return ClaimEvent.DENIED, INSTANCE_TAKEN
    if not any(held) and Owner.OURS in owners:
        return ClaimEvent.CONFIRMED, ""
    reason = INSTANCE_TAKEN if not held and Owner.FOREIGN in owners else "" if all(held) else RESERVATION_LOST
    return (None if maybe_sent else ClaimEvent.DENIED), reason


def owner_of(found: ConsumerAllocations, wanted: InstanceClaim) -> Owner:
    """Tell whether an instance is as it was before a claim, holds exactly what the claim gave it, or something else."""
    if _is_as_before(found, wanted.before):
        return Owner.UNTOUCHED
    return Owner.OURS if found.amounts() == _amounts(wanted.allocations) else Owner.FOREIGN


def _is_as_before(found: ConsumerAllocations, before: Held | None) -> bool:
    """Compare the amounts too: a consumer that was emptied meanwhile counts its generations from the start."""
    if before is None:
        return not found.allocations
    return (found.consumer_generation, found.amounts()) == (before.generation, _amounts(before.allocations))


def _amounts(allocations: Mapping[UUID, Resources]) -> dict[UUID, dict[str, int]]:
    return {provider: dict(held.resources) for provider, held in allocations.items()}


def release(
    placement: PlacementClient, hold: Hold, settings: ClaimSettings, *, late_possible: bool
) -> HoldEvent | None:
    """Empty one hold and read it back; None when it is still not empty.

    Where a lost reservation may still arrive, the consumer is fenced (an empty write makes Placement refuse later
    first writes) and looked at again after the quarantine. Raises PlacementError; the hold is then tried again.
    """
    found = placement.get_allocations(hold.consumer)
    if found.allocations and hold.state is HoldState.QUARANTINED:
        return HoldEvent.REAPPEARED
    if found.allocations:
        placement.put_allocations(hold.consumer, hold_write({}, found.consumer_generation, settings, found.user_id))
        if placement.get_allocations(hold.consumer).allocations:
            return None
    if late_possible and hold.state is HoldState.RELEASING:
        _fence(placement, hold, settings)
        return HoldEvent.EMPTY_FOR_NOW
    return HoldEvent.EMPTY


def _fence(placement: PlacementClient, hold: Hold, settings: ClaimSettings) -> None:
    try:
        placement.put_allocations(hold.consumer, hold_write({}, None, settings))
    except ConsumerConflict:
        return  # the consumer exists already: fenced before, or written at this very moment and found after quarantine
