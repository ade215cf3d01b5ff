"""Settling what no request drives any more: releasing the holds of aborted claims, driving confirmations forward.

A settler belongs to one process. It remembers when to look again at what; the journal remembers what there is.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from placement_client.client import PlacementClient
from placement_client.clock import Clock, Deadline
from placement_client.errors import PlacementError
from scheduler.claims.journal import OPEN_HOLDS, Claim, Hold, Journal
from scheduler.claims.settle import Confirmation, release
from scheduler.claims.states import ABANDONABLE, ClaimEvent, ClaimState, HoldEvent, HoldState
from scheduler.errors import IllegalTransition, JournalUnavailable
from scheduler.events import EventLog
from scheduler.events.table import (
    CLAIM_IN_DOUBT,
    CLAIM_NOT_SETTLED,
    HOLD_NOT_RELEASED,
    HOLD_QUARANTINED,
    HOLD_REAPPEARED,
    JOURNAL_FAILED,
)
from scheduler.settings import ClaimSettings

NOT_EMPTY = "not_empty"


class Settler:
    """Settles claims, each by one thread at a time; one that fails never keeps the others from being settled."""

    def __init__(
        self,
        placement: PlacementClient,
        journal: Journal,
        settings: ClaimSettings,
        clock: Clock,
        log: EventLog | None = None,
    ) -> None:
        self._placement = placement
        self._journal = journal
        self._settings = settings
        self._clock = clock
        self._log = log or EventLog()
        self._busy: dict[UUID, object] = {}
        self._not_before: dict[UUID, float] = {}
        self._quarantine_ends: dict[UUID, float] = {}
        self._served: set[UUID] = set()
        self._refused_since: dict[UUID, float] = {}
        self._emptied_at: dict[UUID, float] = {}

    def serves(self, claim_id: UUID) -> None:
        """Note that a request of this process drives a claim that is about to begin."""
        self._served.add(claim_id)

    def is_served(self, claim_id: UUID) -> bool:
        """Tell whether a request of this process drives this claim."""
        return claim_id in self._served

    def serves_no_more(self, claim_ids: Iterable[UUID]) -> None:
        """Note that the request of these claims is over."""
        self._served.difference_update(claim_ids)

    def give_up(self, claim_ids: Iterable[UUID]) -> None:
        """Abandon those of these claims that have no commit intent; what fails, ``settle_due`` tries again."""
        for claim_id in claim_ids:
            try:
                claim = self._journal.find(claim_id)
                if claim is not None and claim.state in ABANDONABLE:
                    self._journal.advance(claim_id, ClaimEvent.ABANDONED)
            except IllegalTransition:
                continue  # another thread gave it up, or began to confirm it, since it was looked at
            except JournalUnavailable:
                continue  # fenced: whoever took the claim over releases it; else it is found again

    def settle_these(self, claim_ids: Iterable[UUID], deadline: Deadline) -> None:
        """Settle what is left of these claims now, within the deadline."""
        for claim_id in claim_ids:
            if not deadline.expired():
                self._try_to_settle(claim_id, deadline)

    def settle_due(self) -> float | None:
        """Settle everything that is due; return the seconds until the next thing is due, None when nothing is left."""
        try:
            self.give_up(self._abandoned())
            for claim in self._journal.unfinished():
                if claim.needs_settling and self._due(claim) <= self._clock.monotonic():
                    deadline = Deadline.after(self._settings.release_timeout_s, self._clock)
                    self._try_to_settle(claim.claim_id, deadline)
            waiting = [self._due(claim) for claim in self._journal.unfinished() if claim.needs_settling]
            waiting += [self._clock.monotonic() + self._settings.backoff_cap_s for _ in self._abandoned()]
        except JournalUnavailable as error:
            self._log(JOURNAL_FAILED, reason=error.reason)
            return self._settings.backoff_cap_s
        return max(0.0, min(waiting) - self._clock.monotonic()) if waiting else None

    def has_work(self, claim_ids: Iterable[UUID]) -> bool:
        """Tell whether any of these claims needs settling, or cannot be looked at."""
        try:
            found = [self._journal.find(claim_id) for claim_id in claim_ids]
        except JournalUnavailable:
            return True
        return any(claim is not None and (claim.needs_settling or claim.state in ABANDONABLE) for claim in found)

    @contextmanager
    def driving(self, claim_id: UUID) -> Iterator[bool]:
        """Be the only one who settles this claim; False when somebody else is at it."""
        me = object()
        try:
            yield self._busy.setdefault(claim_id, me) is me  # one step: an interruption leaves no lock behind
        finally:
            if self._busy.get(claim_id) is me:
                del self._busy[claim_id]

    def _abandoned(self) -> list[UUID]:
        """Return the open claims that no request of this process serves (any more).

        Whoever adopted one may not know, when the answer of the journal was lost; whoever gave one up may have failed.
        """
        unfinished = self._journal.unfinished()
        return [one.claim_id for one in unfinished if one.state in ABANDONABLE and one.claim_id not in self._served]

    def _due(self, claim: Claim) -> float:
        held_back = self._not_before.get(claim.claim_id, 0.0)
        waiting = [self._hold_due(hold) for hold in claim.holds if hold.state in OPEN_HOLDS]
        return max(held_back, min(waiting, default=0.0))

    def _hold_due(self, hold: Hold) -> float:
        """Return when to look at a hold: at once, or when its quarantine ends.

        A quarantine that another process began starts again: its beginning is not known on this process's clock.
        """
        if hold.state is not HoldState.QUARANTINED:
            return 0.0
        ends = self._clock.monotonic() + self._settings.quarantine_s
        return self._quarantine_ends.setdefault(hold.consumer, ends)

    def _try_to_settle(self, claim_id: UUID, deadline: Deadline) -> None:
        try:
            self._settle_claim(claim_id, deadline)
        except JournalUnavailable as error:
            self._log(JOURNAL_FAILED, reason=error.reason)
            self._hold_back(claim_id)
        except Exception as error:  # noqa: BLE001 - a defect with one claim must not keep the others from being settled
            self._log(CLAIM_NOT_SETTLED, claim=claim_id, error=type(error))
            self._hold_back(claim_id)

    def _settle_claim(self, claim_id: UUID, deadline: Deadline) -> None:
        with self.driving(claim_id) as free:
            claim = self._journal.find(claim_id)
            if claim is None or not claim.needs_settling:
                return
            if not free:
                self._hold_back(claim_id)
                return
            placement = self._placement.within(deadline, claim.request_id)
            if claim.state is ClaimState.CONFIRMING:
                claim = self._drive_on(placement, claim)
            for hold in claim.holds:
                if hold.state in OPEN_HOLDS:
                    self._release_hold(placement, claim, hold)

    def _drive_on(self, placement: PlacementClient, claim: Claim) -> Claim:
        confirmation = Confirmation(placement, claim, self._settings, maybe_sent=not self._annulled(claim))
        event = confirmation.drive(1, lambda _: None)
        if event is None:
            self._log(CLAIM_IN_DOUBT, request=claim.request_id, claim=claim.claim_id, reason=confirmation.reason)
            self._hold_back(claim.claim_id)
            if confirmation.refused:
                self._annul_when_due(placement, claim)
            return claim
        self._refused_since.pop(claim.claim_id, None)
        self._emptied_at.pop(claim.claim_id, None)
        return self._journal.advance(claim.claim_id, event)

    def _annulled(self, claim: Claim) -> bool:
        """Tell whether no confirmation can be carried out any more: its holds are empty, and that for a quarantine."""
        emptied_at = self._emptied_at.get(claim.claim_id)
        return emptied_at is not None and self._clock.monotonic() >= emptied_at + self._settings.quarantine_s

    def _annul_when_due(self, placement: PlacementClient, claim: Claim) -> None:
        """Empty the holds of a claim whose confirmation has been refused for a whole quarantine, so that it ends.

        A confirmation on its way is refused from then on; one inside the server is over a quarantine later.
        """
        now = self._clock.monotonic()
        due = self._refused_since.setdefault(claim.claim_id, now) + self._settings.quarantine_s
        if now < due or claim.claim_id in self._emptied_at:
            return
        with suppress(PlacementError):
            emptied = [release(placement, hold, self._settings, late_possible=False) for hold in claim.holds]
            if all(event is HoldEvent.EMPTY for event in emptied):
                self._emptied_at[claim.claim_id] = self._clock.monotonic()

    def _release_hold(self, placement: PlacementClient, claim: Claim, hold: Hold) -> None:
        if self._hold_due(hold) > self._clock.monotonic():
            return
        try:
            event, reason = release(placement, hold, self._settings, late_possible=not claim.accepted), NOT_EMPTY
        except PlacementError as error:
            event, reason = None, error.code
        self._tell(event, claim, hold, reason)
        if event is None:
            self._hold_back(claim.claim_id)
            return
        self._quarantine_ends.pop(hold.consumer, None)
        if event is HoldEvent.EMPTY_FOR_NOW:
            self._quarantine_ends[hold.consumer] = self._clock.monotonic() + self._settings.quarantine_s
        if self._journal.advance_hold(claim.claim_id, hold.consumer, event).settled:
            self._not_before.pop(claim.claim_id, None)

    def _tell(self, event: HoldEvent | None, claim: Claim, hold: Hold, reason: str) -> None:
        """Log what a release came to, unless it is done."""
        if event is None:
            self._log(HOLD_NOT_RELEASED, claim=claim.claim_id, hold=hold.consumer, reason=reason)
        elif event is HoldEvent.EMPTY_FOR_NOW:
            self._log(HOLD_QUARANTINED, claim=claim.claim_id, hold=hold.consumer)
        elif event is HoldEvent.REAPPEARED:
            self._log(HOLD_REAPPEARED, claim=claim.claim_id, hold=hold.consumer)

    def _hold_back(self, claim_id: UUID) -> None:
        self._not_before[claim_id] = self._clock.monotonic() + self._settings.backoff_cap_s
