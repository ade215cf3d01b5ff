"""The journal while its database fails: what was promised is there, what was refused is not; the next call works."""

import contextlib
import ctypes
import errno
import gc
import sqlite3
import threading
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import event

from faults.written import TO_COMMITTED, a_claim, a_journal, advanced
from placement_client.clock import SYSTEM_CLOCK
from scheduler.claims import sql_journal, sql_thread
from scheduler.claims.sql_failures import reason_of
from scheduler.claims.sql_rows import DamagedClaim
from scheduler.claims.states import ClaimEvent, HoldEvent
from scheduler.errors import JournalUnavailable
from tests.journal.deaths import let_die
from tests.journal.processes import run

TOO_MANY = 60


class Trap:
    """Lets the n-th operation on a database fail: a statement, or a commit before or after it was made."""

    def __init__(self, journal, at: int, error: Exception, *, after_commit: bool = False) -> None:
        self.left, self.error, self.after_commit = at, error, after_commit
        self.engine = journal._database.engine
        self.commit = self.engine.dialect.do_commit
        self.sprung = False

    def __enter__(self):
        event.listen(self.engine, "do_execute", self._execute)
        event.listen(self.engine, "do_executemany", self._execute)
        self.engine.dialect.do_commit = self._commit
        return self

    def __exit__(self, *_):
        event.remove(self.engine, "do_execute", self._execute)
        event.remove(self.engine, "do_executemany", self._execute)
        self.engine.dialect.do_commit = self.commit

    def _execute(self, *_) -> None:
        self._count()

    def _commit(self, connection) -> None:
        if self.after_commit:
            self.commit(connection)
        self._count()
        if not self.after_commit:
            self.commit(connection)

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.sprung = True
            raise self.error


def io_error() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error at /secret/path")
    error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
    return error


def disk_full() -> psycopg.Error:
    return psycopg.errors.DiskFull("could not extend file secret")


def fault_of(journal) -> Exception:
    return io_error() if journal._database.engine.dialect.name == "sqlite" else disk_full()


STEPS = {
    "begin": lambda journal, claim, _: journal.begin(claim),
    "accepted": lambda journal, claim, _: journal.advance(claim.claim_id, ClaimEvent.ACCEPTED),
    "commit intent": lambda journal, claim, _: journal.advance(claim.claim_id, ClaimEvent.COMMIT_INTENDED),
    "confirmed": lambda journal, claim, _: journal.advance(claim.claim_id, ClaimEvent.CONFIRMED),
    "abandoned": lambda journal, _, other: journal.advance(other.claim_id, ClaimEvent.ABANDONED),
    "empty": lambda journal, _, other: journal.advance_hold(other.claim_id, other.holds[0].consumer, HoldEvent.EMPTY),
}


@pytest.mark.parametrize("after_commit", [False, True], ids=["before", "after"])
def test_whichever_operation_fails_the_claim_is_as_it_was_or_as_it_should_be(opened, after_commit):
    """Every operation of every event in turn; an event that raises changed nothing, one that returns is written."""
    journal, witness = opened(), opened()
    sprung, refusals = 0, []
    for at in range(1, TOO_MANY):
        claim, other = a_claim(holds=2), a_claim(holds=2)
        witness_sees = lambda: (witness.find(claim.claim_id), witness.find(other.claim_id))  # noqa: E731, B023 - short
        journal.begin(other)
        with Trap(journal, at, fault_of(journal), after_commit=after_commit) as trap:
            for name, step in STEPS.items():
                before = witness_sees()
                try:
                    step(journal, claim, other)
                except JournalUnavailable as error:
                    refusals.append((error, before, witness_sees()))
                    step(journal, claim, other)
                assert witness_sees() != before, (at, name)
        if not trap.sprung:
            break
        sprung += 1
    assert not trap.sprung
    assert sprung > 20
    assert all(before == after for _, before, after in refusals)
    assert all("secret" not in f"{error} {vars(error)}" and error.__context__ is None for error, _, _ in refusals)
    made_although_failed = sprung - len(refusals)
    assert made_although_failed == (len(STEPS) if after_commit else 0)


def test_whichever_operation_of_a_take_over_fails_nothing_is_lost(opened):
    for at in range(1, TOO_MANY):
        first, second = opened(), opened()
        claims = [a_claim(holds=2) for _ in range(3)]
        for claim in claims:
            first.begin(claim)
        let_die(first)
        with Trap(second, at, fault_of(second)) as trap, contextlib.suppress(JournalUnavailable):
            second.adopt()
        second.adopt()
        assert second.unfinished() == tuple(claims)
        for claim in claims:
            advanced(second, claim, ClaimEvent.REFUSED)
        if not trap.sprung:
            return
    pytest.fail("the trap was always sprung")


@pytest.mark.parametrize("operation", ["renew", "prune", "unfinished"])
def test_other_operations_fail_as_a_whole_and_work_again(opened, operation):
    journal = opened(keep_claims=1)
    for _ in range(3):
        advanced(journal, begun(journal), *TO_COMMITTED)
    open_one = begun(journal)
    sprung = True
    for at in range(1, TOO_MANY):
        with Trap(journal, at, fault_of(journal)) as trap, contextlib.suppress(JournalUnavailable):
            getattr(journal, operation)()
        sprung = trap.sprung
        if not sprung:
            break
    getattr(journal, operation)()
    assert not sprung
    assert journal.unfinished() == (open_one,)


def begun(journal):
    claim = a_claim()
    journal.begin(claim)
    return claim


def test_opening_fails_as_a_whole_and_works_again(url, opened):
    opened().close()
    for at in range(1, TOO_MANY):
        before = {thread.name for thread in threading.enumerate()}
        engine_events = TrapEveryEngine(at)
        with engine_events, contextlib.suppress(JournalUnavailable):
            a_journal(url).close()
        if engine_events.left > 0:
            break
        assert {thread.name for thread in threading.enumerate()} <= before
    assert engine_events.left > 0
    assert opened().unfinished() == ()


class TrapEveryEngine:
    """Lets the n-th statement on any engine fail."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __enter__(self):
        from sqlalchemy.engine import Engine

        event.listen(Engine, "before_cursor_execute", self._execute)

    def __exit__(self, *_):
        from sqlalchemy.engine import Engine

        event.remove(Engine, "before_cursor_execute", self._execute)

    def _execute(self, *_) -> None:
        self.left -= 1
        if self.left == 0:
            raise io_error()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (io_error(), "journal_io"),
        (disk_full(), "journal_full"),
        (psycopg.errors.LockNotAvailable(), "journal_busy"),
        (psycopg.errors.QueryCanceled(), "journal_busy"),
        (psycopg.errors.AdminShutdown(), "journal_lost"),
        (psycopg.errors.ReadOnlySqlTransaction(), "journal_read_only"),
        (psycopg.OperationalError("no state"), "journal_failed"),
        (OSError(errno.ENOSPC, "full"), "journal_full"),
        (OSError(errno.EIO, "broken"), "journal_io"),
        (OSError(errno.EACCES, "no"), "journal_failed"),
        (DamagedClaim(), "journal_damaged"),
        (ValueError("secret"), "journal_failed"),
    ],
)
def test_every_failure_has_a_stable_reason(error, reason):
    assert reason_of(error) == reason


def test_a_full_disk_refuses_claims_and_loses_none(sqlite_url):
    """No file may grow beyond a limit, in a real process: begun claims are there, refused ones are not."""
    done = run("fill_the_disk", sqlite_url, allowed=120_000)
    lines = [line.split() for line in done.stdout.splitlines()]
    by_kind = {kind: [UUID(line[1]) for line in lines if line[0] == kind] for kind in ("begun", "refused")}
    assert len(by_kind["begun"]) > 100
    assert len(by_kind["refused"]) > 50
    assert {line[2] for line in lines if line[0] == "refused"} <= {"journal_io", "journal_full"}
    assert lines[-1][0] == "begun"
    journal = a_journal(sqlite_url)
    assert all(journal.find(claim_id) for claim_id in by_kind["begun"])
    assert not any(journal.find(claim_id) for claim_id in by_kind["refused"])
    assert [claim.claim_id for claim in journal.adopt()] == by_kind["begun"]
    journal.close()


def test_a_database_that_may_not_grow_refuses_claims_and_goes_on_later(sqlite_url):
    journal = a_journal(sqlite_url)
    limited = lambda connection, _: connection.execute("PRAGMA max_page_count = 40")  # noqa: E731 - one line
    event.listen(journal._database.engine, "connect", limited)
    journal._thread.call(journal._database.engine.dispose)
    reasons = []
    for _ in range(300):
        try:
            journal.begin(a_claim())
        except JournalUnavailable as error:
            reasons.append(error.reason)
    event.remove(journal._database.engine, "connect", limited)
    assert set(reasons) == {"journal_full"}
    assert len(journal.unfinished()) == 300 - len(reasons)
    journal.begin(a_claim())
    journal.close()


def test_a_locked_database_is_busy_and_usable_afterwards(sqlite_url):
    journal = a_journal(sqlite_url)
    event.listen(journal._database.engine, "connect", lambda c, _: c.execute("PRAGMA busy_timeout = 50"))
    journal._thread.call(journal._database.engine.dispose)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalUnavailable) as busy:
        journal.begin(a_claim())
    assert busy.value.reason == "journal_busy"
    other.execute("ROLLBACK")
    other.close()
    journal.begin(a_claim())
    assert len(journal.unfinished()) == 1
    journal.close()


def test_an_exception_that_hits_a_caller_anywhere_tears_nothing(opened):
    """KeyboardInterrupt is thrown into a thread again and again while it writes; each claim is whole or absent."""
    journal = opened()
    tried, interrupted, stop = [], [], threading.Event()

    def write() -> None:
        while not stop.is_set():
            try:
                one_more()
            except KeyboardInterrupt:
                interrupted.append(True)

    def one_more() -> None:
        claim = a_claim(holds=2)
        tried.append(claim)
        journal.begin(claim)
        advanced(journal, claim, *TO_COMMITTED)

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(150):
        SYSTEM_CLOCK.sleep(0.003)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(writer.ident), ctypes.py_object(KeyboardInterrupt))
    stop.set()
    writer.join()
    found = [(claim, journal.find(claim.claim_id)) for claim in tried]
    assert len(interrupted) > 20
    assert all(is_ours(claim, now) for claim, now in found if now is not None)
    assert {claim.claim_id for claim in journal.unfinished()} == {
        now.claim_id for _, now in found if now is not None and not now.settled
    }


def is_ours(begun_as, now) -> bool:
    return now.instances == begun_as.instances and [hold.consumer for hold in now.holds] == [
        hold.consumer for hold in begun_as.holds
    ]


def test_a_finaliser_that_runs_in_the_thread_of_the_journal_does_not_wait_for_itself(opened):
    journal = opened()
    assert gc.isenabled()
    with pytest.raises(JournalUnavailable) as busy:
        journal._thread.call(lambda: journal.find(UUID(int=1)))
    assert busy.value.reason == "journal_busy"


def test_a_database_that_never_answers_does_not_keep_the_caller(opened, monkeypatch):
    """What is not begun when its caller gives up is not done at all."""
    journal = opened()
    monkeypatch.setattr(sql_thread, "PATIENCE_S", 0.2)
    go_on = threading.Event()
    blocker = threading.Thread(target=block, args=(journal, go_on))
    blocker.start()
    claim = a_claim()
    with pytest.raises(JournalUnavailable) as late:
        journal.begin(claim)
    go_on.set()
    blocker.join()
    assert late.value.reason == "journal_timeout"
    monkeypatch.undo()
    assert journal.find(claim.claim_id) is None


def block(journal, go_on: threading.Event) -> None:
    with contextlib.suppress(JournalUnavailable):
        journal._thread.call(go_on.wait)


def test_a_closed_journal_says_so(opened):
    journal = opened()
    journal.close()
    journal.close()
    with pytest.raises(JournalUnavailable) as closed:
        journal.begin(a_claim())
    assert closed.value.reason == "closed"


def test_a_journal_that_cannot_be_reached_cannot_be_opened():
    with pytest.raises(JournalUnavailable) as error:
        a_journal("postgresql+psycopg://user:secret@127.0.0.1:1/journal")
    assert "secret" not in f"{error.value} {vars(error.value)}"
    assert error.value.__context__ is None


def test_patience_is_longer_than_the_limits_of_the_connection():
    from scheduler.claims import sql_databases

    assert sql_thread.PATIENCE_S > 2 * sql_databases.BUSY_S + sql_databases.CONNECT_S
    assert sql_journal.AT_ONCE > 0
