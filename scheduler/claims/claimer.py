"""Reserve, verify, confirm, release: the claim protocol over a journal and Placement.

No allocation-changing call leaves before the journal has it. A lost answer is never guessed: before the commit intent
the hold is given up and released, after it the same confirmation is driven forward until its outcome is known.
"""

import logging
import secrets
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from placement_client.client import PlacementClient
from placement_client.clock import Clock, Deadline
from placement_client.errors import BadAnswer, OutcomeUnknown, PlacementError
from scheduler.claims.bodies import claim_of, reserve_body, tight_amounts
from scheduler.claims.journal import OPEN_HOLDS, Claim, Hold, Journal
from scheduler.claims.settle import Confirmation, release
from scheduler.claims.states import ClaimEvent, ClaimState
from scheduler.claims.sweeper import Sweeper
from scheduler.model import RequestSpec
from scheduler.model.plan import Placing
from scheduler.settings import ClaimSettings

LOG = logging.getLogger("scheduler")

RESERVED = "reserved"
CONFIRMED = "confirmed"
IN_DOUBT = "claim_in_doubt"
ABANDONABLE = {ClaimState.INTENDED, ClaimState.RESERVED}


@dataclass(frozen=True, slots=True)
class Figures:
    """How many claims are open, in doubt and being released."""

    open: int
    in_doubt: int
    releasing: int


class Claimer:
    """The only writer of allocations."""

    def __init__(
        self,
        placement: PlacementClient,
        journal: Journal,
        settings: ClaimSettings,
        clock: Clock,
        mint: Callable[[], UUID] = uuid.uuid4,
    ) -> None:
        self._placement = placement
        self._journal = journal
        self._settings = settings
        self._clock = clock
        self._mint = mint
        self._jitter = secrets.SystemRandom()
        self._busy: set[UUID] = set()
        self._not_before: dict[UUID, float] = {}
        self._lock = threading.Lock()
        self._sweeper = Sweeper(self.settle)

    # What a request does

    def new_id(self) -> UUID:
        """Return an identifier for a claim; who holds it can abandon the claim at any moment, begun or not."""
        return self._mint()

    def begin(self, claim_id: UUID, request_id: str, spec: RequestSpec, placings: Iterable[Placing]) -> Claim:
        """Write down the claim for a plan; nothing has been sent when this returns."""
        claim = claim_of(claim_id, request_id, spec, placings, self._mint)
        self._journal.begin(claim)
        return claim

    def reserve(self, placement: PlacementClient, claim: Claim) -> str:
        """Reserve the room of a claim in one call; return "reserved" or the code of the refusal."""
        try:
            placement.post_allocations(reserve_body(claim, self._settings))
        except (OutcomeUnknown, BadAnswer) as error:
            self._journal.advance(claim.claim_id, ClaimEvent.ABANDONED)
            return error.code
        except PlacementError as error:
            self._journal.advance(claim.claim_id, ClaimEvent.REFUSED)
            return error.code
        self._journal.advance(claim.claim_id, ClaimEvent.ACCEPTED)
        return RESERVED

    def verify(self, placement: PlacementClient, placings: Iterable[Placing]) -> tuple[int, bool]:
        """Read back the usage of tight providers: how many were read, and whether all are within their capacity."""
        tight = tight_amounts(placings, self._settings)
        for number, (provider, capacities) in enumerate(tight.items(), start=1):
            used = placement.get_provider_usages(provider).usages
            if any(used.get(resource_class, 0) > capacity for resource_class, capacity in capacities.items()):
                return number, False
        return len(tight), True

    def confirm(self, placement: PlacementClient, claim: Claim) -> str:
        """Move the room of a claim to its instances: "confirmed", "claim_in_doubt", or the code of the refusal."""
        with self._driving(claim.claim_id):
            self._journal.advance(claim.claim_id, ClaimEvent.COMMIT_INTENDED)
            confirmation = Confirmation(placement, claim, self._settings)
            event = confirmation.drive(self._settings.max_rounds, self.pause)
            if event is not None:
                self._journal.advance(claim.claim_id, event)
        if event is None:
            self._sweeper.wake()
            return IN_DOUBT
        return CONFIRMED if event is ClaimEvent.CONFIRMED else confirmation.reason

    def abandon(self, claim_ids: Iterable[UUID]) -> None:
        """Give up those of these claims that are not confirmed, and let the sweeper release them; no call is made."""
        self._give_up(claim_ids)
        self._wake_if_needed(claim_ids)

    def release(self, claim_ids: Iterable[UUID]) -> None:
        """Give up those of these claims that are not confirmed and release them now; what fails the sweeper retries."""
        self._give_up(claim_ids)
        deadline = Deadline.after(self._settings.release_timeout_s, self._clock)
        try:
            for claim in self._known(claim_ids):
                if claim.needs_settling and not deadline.expired():
                    self._settle_claim(claim.claim_id, deadline)
        finally:
            self._wake_if_needed(claim_ids)

    def pause(self, number: int) -> None:
        """Wait before attempt ``number + 1``: a random time below an exponentially growing bound."""
        bound = min(self._settings.backoff_cap_s, self._settings.backoff_base_s * 2**number)
        self._clock.sleep(self._jitter.uniform(0.0, bound))

    # What is left behind

    def claims_of(self, request_id: str) -> tuple[Claim, ...]:
        """Return the claims of a request, oldest first."""
        return self._journal.claims_of(request_id)

    def figures(self) -> Figures:
        """Count the claims that are open, in doubt and being released."""
        claims = self._journal.unfinished()
        return Figures(
            open=sum(claim.state in ABANDONABLE for claim in claims),
            in_doubt=sum(claim.state is ClaimState.CONFIRMING for claim in claims),
            releasing=sum(claim.state is ClaimState.ABORTED for claim in claims),
        )

    def settle(self) -> float | None:
        """Settle everything that is due; return the seconds until the next thing is due, None when nothing is left."""
        for claim in self._journal.unfinished():
            if claim.needs_settling and self._due(claim) <= self._clock.monotonic():
                self._try_to_settle(claim)
        waiting = [self._due(claim) for claim in self._journal.unfinished() if claim.needs_settling]
        return max(0.0, min(waiting) - self._clock.monotonic()) if waiting else None

    def close(self, timeout_s: float) -> Figures:
        """Settle what can be settled within the time, end the sweeper, and tell what is left."""
        self._sweeper.stop(timeout_s)
        deadline = Deadline.after(timeout_s, self._clock)
        pause = self.settle()
        while pause is not None and pause < deadline.remaining():
            self._clock.sleep(pause)
            pause = self.settle()
        return self.figures()

    def _due(self, claim: Claim) -> float:
        held_back = self._not_before.get(claim.claim_id, 0.0)
        waiting = [hold.due for hold in claim.holds if hold.state in OPEN_HOLDS]
        return max(held_back, min(waiting, default=0.0))

    def _give_up(self, claim_ids: Iterable[UUID]) -> None:
        for claim in self._known(claim_ids):
            if claim.state in ABANDONABLE:
                self._journal.advance(claim.claim_id, ClaimEvent.ABANDONED)

    def _wake_if_needed(self, claim_ids: Iterable[UUID]) -> None:
        if any(claim.needs_settling for claim in self._known(claim_ids)):
            self._sweeper.wake()

    def _known(self, claim_ids: Iterable[UUID]) -> list[Claim]:
        return [claim for claim in map(self._journal.find, claim_ids) if claim is not None]

    def _try_to_settle(self, claim: Claim) -> None:
        try:
            self._settle_claim(claim.claim_id, Deadline.after(self._settings.release_timeout_s, self._clock))
        except Exception as error:  # noqa: BLE001 - a defect with one claim must not keep the others from being settled
            LOG.error("a claim could not be settled and is tried again: %s", type(error).__name__)
            self._hold_back(claim)

    def _settle_claim(self, claim_id: UUID, deadline: Deadline) -> None:
        with self._driving(claim_id) as free:
            claim = self._journal.find(claim_id)
            if claim is None or not claim.needs_settling:
                return
            if not free:
                self._hold_back(claim)
                return
            placement = self._placement.within(deadline, claim.request_id)
            if claim.state is ClaimState.CONFIRMING:
                claim = self._drive_on(placement, claim)
            for hold in claim.holds:
                if hold.state in OPEN_HOLDS:
                    self._release_hold(placement, claim, hold)

    def _drive_on(self, placement: PlacementClient, claim: Claim) -> Claim:
        event = Confirmation(placement, claim, self._settings, maybe_sent=True).drive(1, self.pause)
        if event is None:
            self._hold_back(claim)
            return claim
        return self._journal.advance(claim.claim_id, event)

    def _release_hold(self, placement: PlacementClient, claim: Claim, hold: Hold) -> None:
        if hold.due > self._clock.monotonic():
            return
        try:
            event = release(placement, hold, self._settings, late_possible=not claim.accepted)
        except PlacementError:
            event = None
        if event is None:
            self._hold_back(claim)
            return
        due = self._clock.monotonic() + self._settings.quarantine_s
        if self._journal.advance_hold(claim.claim_id, hold.consumer, event, due).settled:
            self._not_before.pop(claim.claim_id, None)

    def _hold_back(self, claim: Claim) -> None:
        self._not_before[claim.claim_id] = self._clock.monotonic() + self._settings.backoff_cap_s

    @contextmanager
    def _driving(self, claim_id: UUID) -> Iterator[bool]:
        """Be the only one who settles this claim; False when somebody else is at it."""
        with self._lock:
            free = claim_id not in self._busy
            self._busy.add(claim_id)
        try:
            yield free
        finally:
            if free:
                self._busy.discard(claim_id)
