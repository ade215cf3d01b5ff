"""The journal in a database: SQLite for the processes of one node, PostgreSQL for replicas on several.

Every change is one transaction. It reads what it changes, unless this process wrote that itself a moment ago: then it
changes it if it still is as it was written (see ``sql_memory``). After any failure nothing is believed: the connection
is thrown away, what is remembered is forgotten, and what was written is read again before it is counted on.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import TypeVar
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from placement_client.clock import Clock
from scheduler.claims import schema, sql_rows
from scheduler.claims.journal import Claim, Journal
from scheduler.claims.schema import CLAIMS, HOLDS, OWNERS
from scheduler.claims.sql_databases import Database, database_of
from scheduler.claims.sql_failures import reason_of, unavailable, was_lost
from scheduler.claims.sql_memory import Memory
from scheduler.claims.sql_rows import ALL_CLAIMS, ChangedClaim, Row
from scheduler.claims.sql_statements import Statement
from scheduler.claims.sql_thread import JournalThread
from scheduler.claims.states import ASKED_AGAIN, ClaimEvent, HoldEvent, hold_event
from scheduler.errors import Fenced, IllegalTransition, JournalUnavailable, RequestInProgress, SchedulerError
from scheduler.settings import JournalSettings

DAY_S = 86_400
AT_ONCE = 500  # claims forgotten in one transaction, so that none is long
IN_DOUBT = "journal_in_doubt"

_OWNED = (
    select(CLAIMS)
    .where(CLAIMS.c.claim_id == bindparam("claim"), CLAIMS.c.owner == bindparam("owner"))
    .with_for_update()
)
_OWNER = select(OWNERS.c.owner).where(OWNERS.c.owner == bindparam("owner"))
_LIVING = Statement(_OWNER.with_for_update(read=True, key_share=True))

T = TypeVar("T")
Written = tuple[Row, Claim]


def open_journal(settings: JournalSettings, node_id: str, clock: Clock) -> Journal:
    """Open the journal in the database that the settings name, as a new owner.

    ``node_id`` names the machine or container; on PostgreSQL no two schedulers that run at a time may share one. Raises
    InvalidSettings for a wrong connection, a file that is not safe, or a journal of a newer release, and
    JournalUnavailable when the journal cannot be used now.
    """
    journal = SqlJournal(database_of(settings), settings, node_id, clock)
    journal.open()
    return journal


class SqlJournal:
    """A journal in a database. Any number of threads of the process that opened it may use it."""

    def __init__(self, database: Database, settings: JournalSettings, node_id: str, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._node_id = node_id
        self._clock = clock
        self._owner = uuid4()
        self._opened = False
        self._memory = Memory()
        self._thread = JournalThread()

    def open(self) -> None:
        """Make or migrate the tables, check what is there, and become an owner; to be called once."""
        try:
            self._thread.call(self._open)
        except BaseException:
            self.close()
            raise

    def begin(self, claim: Claim) -> None:
        """Write down a new claim."""
        self._changed(lambda connection: self._begin(connection, claim))

    def advance(self, claim_id: UUID, event: ClaimEvent) -> Claim:
        """Write down an event of a claim."""
        gives_up = hold_event(event) is HoldEvent.GIVEN_UP
        return self._changed(
            lambda connection: self._change(connection, claim_id, lambda one: one.advanced(event), reads=gives_up),
            synced=event not in ASKED_AGAIN,
        )

    def advance_hold(self, claim_id: UUID, consumer: UUID, event: HoldEvent) -> Claim:
        """Write down an event of one hold."""
        return self._changed(
            lambda connection: self._change(connection, claim_id, lambda one: one.with_hold(consumer, event))
        )

    def find(self, claim_id: UUID) -> Claim | None:
        """Return a claim; None when it is not known."""
        found = self._thread.call(lambda: self._read(CLAIMS.c.claim_id == claim_id))
        return found[0] if found else None

    def claims_of(self, request_id: str) -> tuple[Claim, ...]:
        """Return the claims of a request, oldest first."""
        return self._thread.call(lambda: self._read(CLAIMS.c.request_id == request_id))

    def unfinished(self) -> tuple[Claim, ...]:
        """Return every claim of this owner that is not settled."""
        return self._thread.call(lambda: self._read((CLAIMS.c.owner == self._owner) & ~CLAIMS.c.settled))

    def unsettled(self) -> tuple[Claim, ...]:
        """Return every claim that is not settled, whoever owns it."""
        return self._thread.call(lambda: self._read(~CLAIMS.c.settled))

    def adopt(self) -> tuple[Claim, ...]:
        """Take over the claims of owners that are dead."""
        return self._thread.call(lambda: self._write(self._adopt))

    def renew(self) -> None:
        """Renew the lease. Raises Fenced when it was too late; this journal then is a new owner, without claims."""
        if not self._thread.call(lambda: self._write(self._renew)):
            self._thread.call(self._live_again)
            raise Fenced(reason=Fenced.code)

    def prune(self) -> int:
        """Forget settled claims that are older than ``keep_days``, and the oldest beyond ``keep_claims``."""
        forgotten = [AT_ONCE]
        while forgotten[-1] == AT_ONCE:
            forgotten.append(self._thread.call(lambda: self._write(self._prune)))
        return sum(forgotten[1:])

    def close(self) -> None:
        """End this owner. What cannot be written down now, the other owners find out by themselves."""
        try:
            self._thread.call(self._close)
        except JournalUnavailable:
            return
        finally:
            self._thread.stop()

    # In the thread of the journal

    def _open(self) -> None:
        try:
            self._database.prepare()
        except OSError as error:
            reason = reason_of(error)
        else:
            self._write(self._found)
            self._opened = True
            return
        raise unavailable(reason)

    def _found(self, connection: Connection) -> None:
        """Do everything that a new owner does first."""
        self._database.lock_schema(connection)
        schema.migrate(connection)
        self._database.check(connection)  # damage is found now, rather than when it matters
        self._register(connection)

    def _register(self, connection: Connection) -> None:
        self._database.leave(self._owner)
        self._memory.forget()
        self._owner = uuid4()
        self._database.live(self._owner)
        connection.execute(insert(OWNERS).values(owner=self._owner, node_id=self._node_id, lease_until=self._lease()))

    def _begin(self, connection: Connection, claim: Claim) -> Written:
        if not self._owns_itself(connection):
            raise Fenced(claim.request_id, reason=Fenced.code)
        with suppress(IntegrityError):
            return sql_rows.add(connection, claim, self._owner), claim
        raise RequestInProgress(claim.request_id)

    def _change(
        self, connection: Connection, claim_id: UUID, step: Callable[[Claim], Claim], *, reads: bool = True
    ) -> Written:
        """Change a claim as it is remembered or, where that does not do, as it is read: only that tells what is wrong.

        ``reads`` leaves memory aside: what gives a claim up decides it where the answer of the journal was lost.
        """
        known = self._memory.take(claim_id)
        if known is not None and not reads:
            with suppress(ChangedClaim, IllegalTransition):
                return self._step(connection, known, step)
        found = self._owned(connection, claim_id)
        if not found:
            raise Fenced(reason=Fenced.code)
        return self._step(connection, found[0], step)

    def _step(self, connection: Connection, written: Written, step: Callable[[Claim], Claim]) -> Written:
        row, claim = written
        after = step(claim)
        return sql_rows.change(connection, row, claim, after, owner=self._owner, now=self._clock.wall()), after

    def _owned(self, connection: Connection, claim_id: UUID) -> list[Written]:
        """Return a claim if it is ours, with its row, which nobody else changes before the transaction has ended."""
        return sql_rows.load(connection, _OWNED, {"claim": claim_id, "owner": self._owner})

    def _adopt(self, connection: Connection) -> tuple[Claim, ...]:
        dead = self._database.dead(connection, self._owner, self._node_id)
        connection.execute(delete(OWNERS).where(OWNERS.c.owner.in_(dead)))
        orphaned = ~CLAIMS.c.settled & CLAIMS.c.owner.not_in(select(OWNERS.c.owner))
        found = sql_rows.load(connection, ALL_CLAIMS.where(orphaned).with_for_update(skip_locked=True, of=CLAIMS))
        for row, claim in found:
            sql_rows.change(connection, row, claim, claim, owner=self._owner, now=self._clock.wall())
        return tuple(claim for _, claim in found)

    def _renew(self, connection: Connection) -> bool:
        me = OWNERS.c.owner == self._owner
        return connection.execute(update(OWNERS).where(me).values(lease_until=self._lease())).rowcount == 1

    def _live_again(self) -> None:
        self._write(self._register)

    def _owns_itself(self, connection: Connection) -> bool:
        """Tell whether nobody has taken this owner for dead, and let nobody do so before the transaction has ended."""
        return _LIVING.run(connection, {"owner": self._owner}).first() is not None

    def _prune(self, connection: Connection) -> int:
        settled = select(CLAIMS.c.number).where(CLAIMS.c.settled)
        surplus = settled.order_by(CLAIMS.c.number.desc()).offset(self._settings.keep_claims).limit(1).scalar_subquery()
        oldest = self._clock.wall() - self._settings.keep_days * DAY_S
        doomed = settled.where(or_(CLAIMS.c.settled_at < oldest, CLAIMS.c.number <= surplus))
        numbers = connection.execute(doomed.order_by(CLAIMS.c.number).limit(AT_ONCE)).scalars().all()
        if numbers:
            connection.execute(delete(HOLDS).where(HOLDS.c.claim.in_(numbers)))
            connection.execute(delete(CLAIMS).where(CLAIMS.c.number.in_(numbers)))
        return len(numbers)

    def _close(self) -> None:
        try:
            if self._opened:
                self._write(lambda connection: connection.execute(delete(OWNERS).where(OWNERS.c.owner == self._owner)))
        finally:
            self._database.leave(self._owner)
            self._database.engine.dispose()

    def _lease(self) -> object:
        return self._database.lease(self._settings.lease_s)

    # Transactions

    def _changed(self, change: Callable[[Connection], Written], *, synced: bool = True) -> Claim:
        return self._thread.call(lambda: self._write_and_remember(change, synced))

    def _write_and_remember(self, change: Callable[[Connection], Written], synced: bool) -> Claim:
        row, claim = self._transact(partial(self._database.writing, synced=synced), change, self._is_written)
        self._memory.keep(row, claim)
        return claim

    def _write(self, change: Callable[[Connection], T]) -> T:
        return self._transact(self._database.writing, change)

    def _read(self, wanted: ColumnElement[bool]) -> tuple[Claim, ...]:
        """Return the claims that meet a condition, oldest first."""
        reading = self._database.engine.execution_options(reads=True).begin
        found = self._transact(reading, lambda connection: sql_rows.load(connection, ALL_CLAIMS.where(wanted)))
        return tuple(claim for _, claim in found)

    def _transact(
        self,
        transaction: Callable[[], AbstractContextManager[Connection]],
        work: Callable[[Connection], T],
        is_written: Callable[[T], bool] = lambda _: False,
        *,
        again: bool = True,
    ) -> T:
        """Do work in one transaction; once again when the connection was gone before the work was done."""
        done: list[T] = []
        try:
            with transaction() as connection:
                done.append(work(connection))
            return done[0]
        except SchedulerError:
            raise
        except Exception as error:  # noqa: BLE001 - the driver, SQLAlchemy and the system raise what they want
            reason, lost = reason_of(error), was_lost(error)
        self._database.engine.dispose()
        self._memory.forget()
        if done and is_written(done[0]):
            return done[0]
        if lost and again and not done:
            return self._transact(transaction, work, is_written, again=False)
        raise unavailable(reason)

    def _is_written(self, written: Written) -> bool:
        """Tell whether a change was made although its commit failed. Raises JournalUnavailable when that is unknown."""
        _, claim = written
        try:
            return self._transact(self._database.engine.begin, lambda connection: self._stands(connection, claim))
        except JournalUnavailable:
            pass
        raise unavailable(IN_DOUBT)

    def _stands(self, connection: Connection, claim: Claim) -> bool:
        """Tell whether a claim is written like this; waits for the end of a transaction that lost its connection."""
        connection.execute(_OWNER.with_for_update(), {"owner": self._owner})
        return [known for _, known in self._owned(connection, claim.claim_id)] == [claim]
