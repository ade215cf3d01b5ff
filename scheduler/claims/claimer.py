"""Reserve, verify, confirm, release: the claim protocol over a journal and Placement, for the requests of one process.

No allocation-changing call leaves before the journal has it. A lost answer is never guessed: before the commit intent
the hold is given up and released, after it the same confirmation is driven forward until its outcome is known.
"""

import os
import secrets
import uuid
from collections.abc import Callable, Iterable
from uuid import UUID

from msgspec import Struct

from placement_client.client import PlacementClient
from placement_client.clock import Clock, Deadline
from placement_client.errors import BadAnswer, ConsumerConflict, OutcomeUnknown, PlacementError
from scheduler.claims.bodies import RequestFacts, claim_of, reserve_body, tight_amounts
from scheduler.claims.in_flight import InFlight
from scheduler.claims.journal import Claim, Journal
from scheduler.claims.lease import Lease
from scheduler.claims.settle import Confirmation
from scheduler.claims.settler import Settler
from scheduler.claims.states import ABANDONABLE, ClaimEvent, ClaimState
from scheduler.claims.sweeper import Sweeper
from scheduler.errors import Fenced, IllegalTransition, JournalUnavailable
from scheduler.events import EventLog
from scheduler.events.table import (
    CLAIM_CONFIRMED,
    CLAIM_IN_DOUBT,
    CLAIM_NOT_CONFIRMED,
    CLAIM_NOT_RESERVED,
    CLAIM_RESERVED,
    CLAIMS_ADOPTED,
    JOURNAL_FAILED,
    OVER_CAPACITY,
)
from scheduler.model.plan import Placing
from scheduler.settings import ClaimSettings, JournalSettings

RESERVED = "reserved"
CONFIRMED = "confirmed"
IN_DOUBT = "claim_in_doubt"
GIVEN_UP = "reservation_given_up"
FORKED = "The scheduler was built before this process was forked; build one in each process."
CLOSED = "The scheduler is closed."


class Figures(Struct, frozen=True):
    """How many claims are open, in doubt and being released."""

    open: int
    in_doubt: int
    releasing: int


class Claimer:
    """The only writer of allocations.

    ``beat`` says how to stay the owner of its claims in a journal that is shared; None where nobody else could take
    them over. ``sweeper`` runs ``settle`` in the background; tests may give one that they drive by hand.
    """

    def __init__(
        self,
        placement: PlacementClient,
        journal: Journal,
        settings: ClaimSettings,
        clock: Clock,
        mint: Callable[[], UUID] = uuid.uuid4,
        beat: JournalSettings | None = None,
        sweeper: Sweeper | None = None,
        log: EventLog | None = None,
    ) -> None:
        self._journal = journal
        self._settings = settings
        self._clock = clock
        self._log = log or EventLog()
        self._mint = mint
        self._lease = Lease(journal, clock, self._adopt, beat, self._log) if beat else None
        self._jitter = secrets.SystemRandom()
        self._pid = os.getpid()
        self._closed = False
        self._left: Figures | None = None
        self._begun_in: dict[UUID, int] = {}
        self._settler = Settler(placement, journal, settings, clock, self._log)
        self._in_flight = InFlight(journal, settings, self._settler.is_served)
        self._sweeper = sweeper or Sweeper(self.settle)

    # What a request does

    def new_id(self) -> UUID:
        """Return an identifier for a claim; who holds it can abandon the claim at any moment, begun or not."""
        return self._mint()

    def begin(self, claim_id: UUID, request: RequestFacts, placings: Iterable[Placing]) -> Claim | None:
        """Write down the claim for a plan; None when too many claims hold room already. Nothing has been sent then.

        Raises JournalUnavailable, RequestInProgress.
        """
        self._settler.serves(claim_id)
        if not self._in_flight.admits(claim_id, request.project_id):
            return None
        claim = claim_of(claim_id, request, placings, self._mint)
        if self._lease:
            self._begun_in[claim_id] = self._lease.life
        self._journal.begin(claim)
        return claim

    def reserve(self, placement: PlacementClient, claim: Claim) -> str:
        """Reserve the room of a claim in one call; return "reserved" or the code of the refusal."""
        started = self._clock.monotonic()
        event, answer = self._asked_for(placement, claim)
        self._journal.advance(claim.claim_id, event)
        request_id, claim_id = claim.request_id, claim.claim_id
        if answer == RESERVED:
            step_ms = 1000 * (self._clock.monotonic() - started)
            self._log(CLAIM_RESERVED, request=request_id, claim=claim_id, step_ms=step_ms)
        else:
            self._log(CLAIM_NOT_RESERVED, request=request_id, claim=claim_id, reason=answer)
        return answer

    def _asked_for(self, placement: PlacementClient, claim: Claim) -> tuple[ClaimEvent, str]:
        """Send a reservation; return what to write down, and "reserved" or the code of the refusal."""
        try:
            self._check_lease(claim)
            if claim.holds:  # a move to the same host may need nothing more than the instance has
                placement.post_allocations(reserve_body(claim, self._settings))
        except (OutcomeUnknown, BadAnswer, ConsumerConflict) as error:
            return ClaimEvent.ABANDONED, error.code
        except PlacementError as error:
            return ClaimEvent.REFUSED, error.code
        return ClaimEvent.ACCEPTED, RESERVED

    def verify(self, placement: PlacementClient, placings: Iterable[Placing], stale: bool = False) -> tuple[int, bool]:
        """Read back the usage of tight providers: how many were read, and whether all are within their capacity.

        ``stale`` takes all providers for tight, as what was in use there was not read for this request.
        """
        tight = tight_amounts(placings, self._settings, stale=stale)
        for number, (provider, capacities) in enumerate(tight.items(), start=1):
            used = placement.get_provider_usages(provider).usages
            if any(used.get(resource_class, 0) > capacity for resource_class, capacity in capacities.items()):
                self._log(OVER_CAPACITY, provider=provider)
                return number, False
        return len(tight), True

    def confirm(self, placement: PlacementClient, claim: Claim) -> str:
        """Move the room of a claim to its instances: "confirmed", "claim_in_doubt", or the code of the refusal."""
        started = self._clock.monotonic()
        answer, reason = self._moved(placement, claim)
        request_id, claim_id = claim.request_id, claim.claim_id
        if answer == CONFIRMED:
            step_ms = 1000 * (self._clock.monotonic() - started)
            self._log(CLAIM_CONFIRMED, request=request_id, claim=claim_id, step_ms=step_ms)
            self._forget([claim_id])
        else:
            event = CLAIM_IN_DOUBT if answer == IN_DOUBT else CLAIM_NOT_CONFIRMED
            self._log(event, request=request_id, claim=claim_id, reason=reason)
        return answer

    def _moved(self, placement: PlacementClient, claim: Claim) -> tuple[str, str]:
        """Confirm a claim; return the answer, and the code of why it is not another one."""
        with self._settler.driving(claim.claim_id):
            self._check_lease(claim)
            prevented = self._prevented(claim)
            if prevented:
                return prevented, prevented
            confirmation = Confirmation(placement, claim, self._settings)
            event = confirmation.drive(self._settings.max_rounds, self.pause)
            if event is None or not self._written(claim, event):
                self._sweeper.wake()
                return IN_DOUBT, confirmation.reason
        return CONFIRMED if event is ClaimEvent.CONFIRMED else confirmation.reason, confirmation.reason

    def abandon(self, claim_ids: Iterable[UUID]) -> None:
        """Give up those of these claims that are not confirmed, and let the sweeper release them; no call is made."""
        self._settler.give_up(claim_ids)
        self._forget(claim_ids)
        self._wake_if_needed(claim_ids)

    def release(self, claim_ids: Iterable[UUID]) -> None:
        """Give up those of these claims that are not confirmed and release them now; what fails the sweeper retries."""
        deadline = Deadline.after(self._settings.release_timeout_s, self._clock)
        try:
            self._settler.give_up(claim_ids)
            self._settler.settle_these(claim_ids, deadline)
        finally:
            self._forget(claim_ids)
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
        beat = self._lease.keep() if self._lease else None
        due = self._settler.settle_due()
        return min((pause for pause in (beat, due) if pause is not None), default=None)

    def recover(self, timeout_s: float) -> Figures:
        """Take over what dead owners left and settle it: before the commit intent it is aborted, after it driven on.

        Ends when nothing is left, when all that is left has to wait (a quarantine), or after ``timeout_s``; the sweeper
        goes on with the rest.
        """
        deadline = Deadline.after(timeout_s, self._clock)
        self._adopt(self._journal.adopt())
        pause = self._settler.settle_due()
        while pause is not None and pause < self._settings.quarantine_s / 2 and pause < deadline.remaining():
            self._clock.sleep(pause)
            pause = self._settler.settle_due()
        if pause is not None or self._lease:
            self._sweeper.wake()
        return self.figures()

    def close(self, timeout_s: float) -> Figures:
        """Take no more claims, wait for open ones, abort them when the time is up, and tell what is left.

        Closing again changes nothing.
        """
        if self._left is not None:
            return self._left
        deadline = Deadline.after(timeout_s, self._clock)
        self._closed = True
        self._sweeper.stop(timeout_s)
        while self.figures().open and not deadline.expired():
            self._clock.sleep(min(0.05, deadline.remaining()))
        self._settler.give_up([claim.claim_id for claim in self._journal.unfinished()])
        pause = self._settler.settle_due()
        while pause is not None and pause < deadline.remaining():
            self._clock.sleep(pause)
            pause = self._settler.settle_due()
        self._left = self.figures()
        self._journal.close()
        return self._left

    def _adopt(self, claims: Iterable[Claim]) -> None:
        """Give up what has no commit intent; the rest is driven on like any claim in doubt."""
        found = [claim.claim_id for claim in claims]
        if found:
            self._log(CLAIMS_ADOPTED, claims=len(found))
        self._settler.give_up(found)

    def check_open(self) -> None:
        """Raise JournalUnavailable when this claimer is closed, or belongs to the process that this one came from."""
        if os.getpid() != self._pid:
            raise JournalUnavailable(reason="forked", detail=FORKED)
        if self._closed:
            raise JournalUnavailable(reason="closed", detail=CLOSED)

    def _check_lease(self, claim: Claim) -> None:
        """Make sure that a claim is still this process's own, before something is sent for it. Raises Fenced."""
        if self._lease:
            self._lease.check(self._begun_in.get(claim.claim_id, self._lease.life))

    def _forget(self, claim_ids: Iterable[UUID]) -> None:
        self._settler.serves_no_more(claim_ids)
        for claim_id in claim_ids:
            self._begun_in.pop(claim_id, None)

    def _prevented(self, claim: Claim) -> str:
        """Write down the commit intent; return why the confirmation may not be sent, "" when it may.

        A journal that fails may have written the intent all the same. Giving the claim up decides it, because that is
        only possible before the intent; where even that is not known, the claim is in doubt. Raises JournalUnavailable
        when the claim was given up.
        """
        try:
            self._journal.advance(claim.claim_id, ClaimEvent.COMMIT_INTENDED)
        except IllegalTransition:
            return GIVEN_UP  # meanwhile, by closing for instance
        except Fenced:
            raise
        except JournalUnavailable as error:
            failure = error
        else:
            return ""
        try:
            self._journal.advance(claim.claim_id, ClaimEvent.ABANDONED)
        except (JournalUnavailable, IllegalTransition):
            self._sweeper.wake()
            return IN_DOUBT
        raise failure

    def _written(self, claim: Claim, event: ClaimEvent) -> bool:
        """Write down how a confirmation ended; False when the journal fails, and the outcome has to be found again."""
        try:
            self._journal.advance(claim.claim_id, event)
        except JournalUnavailable as error:
            self._log(JOURNAL_FAILED, reason=error.reason)
            return False
        return True

    def _wake_if_needed(self, claim_ids: Iterable[UUID]) -> None:
        if self._settler.has_work(claim_ids):
            self._sweeper.wake()
