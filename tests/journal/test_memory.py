"""What a journal remembers saves it a question, and never takes the place of an answer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import delete, event, select, update

from faults.written import TO_COMMITTED, a_claim, advanced
from placement_client.clock import SYSTEM_CLOCK
from scheduler.claims import sql_rows
from scheduler.claims.schema import CLAIMS, HOLDS, OWNERS
from scheduler.claims.sql_memory import AT_MOST, Memory
from scheduler.claims.states import ClaimEvent, ClaimState, HoldState
from scheduler.errors import Fenced, IllegalTransition, JournalUnavailable
from tests.journal.deaths import let_die

SOMEBODY = UUID(int=7)


def begun(journal, **fields):
    claim = a_claim(**fields)
    journal.begin(claim)
    return claim


@contextmanager
def read_by(journal) -> Iterator[list[str]]:
    """Yield the questions about claims that a journal asks meanwhile."""
    asked = []

    def listen(_connection, _cursor, statement, *_) -> None:
        if statement.startswith("SELECT") and "FROM claims" in statement:
            asked.append(statement)

    engine = journal._database.engine
    event.listen(engine, "before_cursor_execute", listen)
    yield asked
    event.remove(engine, "before_cursor_execute", listen)


def behind_its_back(journal, statement) -> None:
    with journal._database.engine.begin() as connection:
        assert connection.execute(statement).rowcount == 1


def test_the_way_of_a_request_is_written_without_reading(opened):
    journal = opened()
    with read_by(journal) as asked:
        claim = begun(journal, holds=3)
        after = advanced(journal, claim, *TO_COMMITTED)
    assert asked == []
    assert journal.find(claim.claim_id) == after
    assert after.settled


@pytest.mark.parametrize(("way", "end"), [((), ClaimEvent.ABANDONED), (TO_COMMITTED[:2], ClaimEvent.DENIED)])
def test_a_claim_is_given_up_as_it_is_read(opened, way, end):
    """That decides it where the journal's own answer was lost, so it rests on nothing but what is written."""
    journal = opened()
    claim = begun(journal)
    advanced(journal, claim, *way)
    with read_by(journal) as asked:
        journal.advance(claim.claim_id, end)
    assert len(asked) == 1


def test_a_claim_that_was_adopted_in_between_is_fenced_and_stays_as_it_is(opened):
    first, second = opened(), opened()
    claim = begun(first)
    let_die(first)
    assert second.adopt() == (claim,)
    assert len(first._memory) == 1
    with pytest.raises(Fenced):
        first.advance(claim.claim_id, ClaimEvent.ACCEPTED)
    assert second.find(claim.claim_id) == claim
    assert len(first._memory) == 0


def test_what_cannot_happen_to_the_claim_that_is_remembered_is_asked_of_the_one_that_is_written(opened):
    """Whoever adopted the claim decides what can happen to it; its earlier owner only learns that it is fenced."""
    first, second = opened(), opened()
    claim = begun(first)
    with pytest.raises(IllegalTransition):
        first.advance(claim.claim_id, ClaimEvent.CONFIRMED)
    claim = first.advance(claim.claim_id, ClaimEvent.ACCEPTED)
    let_die(first)
    second.adopt()
    with pytest.raises(Fenced):
        first.advance(claim.claim_id, ClaimEvent.CONFIRMED)


def test_on_postgresql_a_claim_that_is_being_adopted_is_waited_for(opened_on_postgres):
    """The change finds the row locked, waits, and then sees the new owner."""
    first, second = opened_on_postgres(), opened_on_postgres()
    claim = begun(first)
    with ThreadPoolExecutor(1) as pool:
        with second._database.engine.begin() as connection:
            ((row, _),) = sql_rows.load(connection, select(CLAIMS).with_for_update())
            sql_rows.change(connection, row, claim, claim, owner=second._owner, now=0.0)
            changing = pool.submit(first.advance, claim.claim_id, ClaimEvent.ACCEPTED)
            SYSTEM_CLOCK.sleep(0.2)
            assert not changing.done()
        with pytest.raises(Fenced):
            changing.result()
    assert second.unfinished() == (claim,)


@pytest.mark.parametrize(
    "change",
    [
        {"state": ClaimState.RESERVED.value},
        {"accepted": True},
        {"settled": True},
        {"checksum": b"0123456789abcdef"},
    ],
)
def test_a_row_that_changed_behind_its_back_is_noticed_and_not_written_over(opened, change):
    journal = opened()
    claim = begun(journal)
    behind_its_back(journal, update(CLAIMS).values(change))
    for _ in range(2):
        with pytest.raises(JournalUnavailable) as damaged:
            journal.advance(claim.claim_id, ClaimEvent.ACCEPTED)
        assert damaged.value.reason == "journal_damaged"


def test_a_row_that_somebody_else_owns_now_is_not_written_over(opened):
    journal = opened()
    claim = begun(journal)
    behind_its_back(journal, update(CLAIMS).values(owner=SOMEBODY))
    with pytest.raises(Fenced):
        journal.advance(claim.claim_id, ClaimEvent.ACCEPTED)


def test_a_body_that_changed_behind_its_back_is_not_made_true_by_writing_the_rest(opened):
    """It is not read on the way forward, but its checksum goes on being the one of what was written."""
    journal = opened()
    claim = begun(journal)
    behind_its_back(journal, update(CLAIMS).values(body=msgspec.json.encode(a_claim())))
    assert advanced(journal, claim, *TO_COMMITTED).claim_id == claim.claim_id
    with pytest.raises(JournalUnavailable) as damaged:
        journal.find(claim.claim_id)
    assert damaged.value.reason == "journal_damaged"


@pytest.mark.parametrize("how", [delete(HOLDS), update(HOLDS).values(state=HoldState.RELEASED.value)])
def test_a_hold_that_changed_behind_its_back_is_noticed_before_it_is_written(opened, how):
    journal = opened()
    claim = advanced(journal, begun(journal, holds=2), *TO_COMMITTED[:2])
    behind_its_back(journal, how.where(HOLDS.c.position == 1))
    with pytest.raises(JournalUnavailable) as damaged:
        journal.advance(claim.claim_id, ClaimEvent.CONFIRMED)
    assert damaged.value.reason == "journal_damaged"
    with journal._database.engine.begin() as connection:
        assert connection.execute(select(CLAIMS.c.state)).scalars().all() == ["confirming"]


def test_after_a_failed_commit_every_claim_is_read_again(opened):
    journal = opened()
    claim, other = begun(journal), begun(journal)
    dialect = journal._database.engine.dialect
    commit = dialect.do_commit

    def fail_once(_) -> None:
        dialect.do_commit = commit
        raise OSError

    dialect.do_commit = fail_once
    with pytest.raises(JournalUnavailable):
        journal.advance(claim.claim_id, ClaimEvent.ACCEPTED)
    assert len(journal._memory) == 0
    with read_by(journal) as asked:
        advanced(journal, claim, *TO_COMMITTED)
        advanced(journal, other, *TO_COMMITTED)
    assert len(asked) == 2


def test_what_was_not_committed_is_not_remembered(opened):
    """An interruption that no failure of the database explains leaves nothing behind either."""
    journal = opened()
    claim = begun(journal)

    def interrupted(_connection):
        raise KeyboardInterrupt

    journal._clock = type("Clock", (), {"wall": interrupted})()
    with pytest.raises(JournalUnavailable):
        journal.advance(claim.claim_id, ClaimEvent.ACCEPTED)
    journal._clock = SYSTEM_CLOCK
    with read_by(journal) as asked:
        assert journal.advance(claim.claim_id, ClaimEvent.ACCEPTED).accepted
    assert len(asked) == 1


def test_a_journal_that_is_a_new_owner_remembers_nothing_of_its_earlier_life(opened):
    """Its claims belong to whoever adopts them, even while nobody has yet."""
    first, second = opened(), opened()
    claim = begun(first)
    behind_its_back(first, delete(OWNERS).where(OWNERS.c.owner == first._owner))
    with pytest.raises(Fenced):
        first.renew()
    with pytest.raises(Fenced):
        first.advance(claim.claim_id, ClaimEvent.ACCEPTED)
    assert second.adopt() == (claim,)


def test_only_open_claims_are_remembered_and_only_so_many(opened):
    journal = opened(durable=False)
    claims = [begun(journal) for _ in range(AT_MOST + 2)]
    assert len(journal._memory) == AT_MOST
    with read_by(journal) as asked:
        assert all(journal.advance(claim.claim_id, ClaimEvent.ACCEPTED).accepted for claim in claims[:2])
        journal.advance(claims[-1].claim_id, ClaimEvent.ACCEPTED)
    assert len(asked) == 2
    for claim in claims:
        journal.advance(claim.claim_id, ClaimEvent.ABANDONED)
    assert len(journal._memory) == 0


def test_the_claim_that_was_not_used_for_longest_makes_room():
    memory = Memory(at_most=2)
    first, second, third = (a_claim() for _ in range(3))
    for claim in (first, second):
        memory.keep({}, claim)
    memory.keep(*memory.take(first.claim_id))
    memory.keep({}, third)
    assert [memory.take(claim.claim_id) is not None for claim in (first, second, third)] == [True, False, True]
