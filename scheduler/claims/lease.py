"""Being alive in the eyes of the other schedulers of a journal: heartbeat, take-over of the dead, housekeeping."""

from collections.abc import Callable

from placement_client.clock import Clock
from scheduler.claims.journal import Claim, Journal
from scheduler.errors import Fenced, JournalUnavailable
from scheduler.events import EventLog
from scheduler.events.table import OWNERSHIP_FAILED
from scheduler.settings import JournalSettings


class Lease:
    """Renews the ownership of this process and adopts what dead owners leave; ``adopted`` is called with the claims.

    An owner that was silent for longer than its lease may have been taken for dead. ``check`` is called before
    anything is sent: it renews first when the last heartbeat is too long ago, so that an owner which was paused finds
    itself fenced before it writes. After that it lives on as a new owner, in another ``life``: claims begun in an
    earlier one are no longer its own.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        adopted: Callable[[tuple[Claim, ...]], None],
        settings: JournalSettings,
        log: EventLog,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._adopted = adopted
        self._log = log
        self._lease_s = settings.lease_s
        self._heartbeat_s = settings.heartbeat_s
        self._renewed_at = clock.monotonic()
        self.life = 0

    def check(self, life: int) -> None:
        """Make sure that this owner is alive, and still in that life. Raises Fenced, JournalUnavailable."""
        if self._clock.monotonic() - self._renewed_at > self._lease_s / 2:
            self._renew()
        if life != self.life:
            raise Fenced(reason=Fenced.code)

    def keep(self) -> float:
        """Beat, adopt and tidy up when it is time; return the seconds until the next time. Never raises."""
        due = self._renewed_at + self._heartbeat_s - self._clock.monotonic()
        if due > 0:
            return due
        try:
            self._renew()
            self._adopted(self._journal.adopt())
            self._journal.prune()
        except JournalUnavailable as error:
            self._log(OWNERSHIP_FAILED, reason=error.reason)  # tried again; until then ``check`` stops every claim
        return self._heartbeat_s

    def _renew(self) -> None:
        asked_at = self._clock.monotonic()  # what counts is when the database was asked, not when it answered
        try:
            self._journal.renew()
        except Fenced:
            self.life += 1
            raise
        self._renewed_at = asked_at
