"""Owners of one journal: what they share, what belongs to one of them, and what becomes of it when it dies."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import select, update

from faults.written import TO_COMMITTED, a_claim, advanced
from scheduler.claims.schema import CLAIMS, OWNERS
from scheduler.claims.states import ClaimEvent, HoldEvent
from scheduler.errors import Fenced, RequestInProgress
from tests.journal.deaths import let_die
from tests.journal.processes import run


def begun(journal, number: int = 1, **fields):
    claims = [a_claim(**fields) for _ in range(number)]
    for claim in claims:
        journal.begin(claim)
    return claims


def test_a_claim_outlives_the_journal_that_wrote_it(opened):
    first = opened()
    (claim,) = begun(first, holds=3)
    claim = advanced(first, claim, ClaimEvent.ACCEPTED, ClaimEvent.COMMIT_INTENDED)
    first.close()
    second = opened()
    assert second.find(claim.claim_id) == claim
    assert second.unfinished() == ()
    assert second.adopt() == (claim,)
    assert second.unfinished() == (claim,)
    assert second.advance(claim.claim_id, ClaimEvent.CONFIRMED).settled


def test_owners_see_the_claims_of_each_other_but_cannot_change_them(opened):
    first, second = opened(), opened()
    (claim,) = begun(first)
    assert second.find(claim.claim_id) == claim
    assert second.claims_of(claim.request_id) == (claim,)
    assert second.unfinished() == ()
    assert second.adopt() == ()
    with pytest.raises(Fenced):
        second.advance(claim.claim_id, ClaimEvent.ABANDONED)
    with pytest.raises(Fenced):
        second.advance_hold(claim.claim_id, claim.holds[0].consumer, HoldEvent.GIVEN_UP)
    with pytest.raises(RequestInProgress):
        second.begin(a_claim(claim.request_id))
    assert first.unfinished() == (claim,)


def test_the_claims_of_a_dead_owner_are_adopted_oldest_first_and_once(opened):
    first, second, third = opened(), opened(), opened()
    claims = begun(first, 5)
    advanced(first, claims[2], *TO_COMMITTED)
    let_die(first)
    left = tuple(claim for claim in claims if claim is not claims[2])
    assert second.adopt() == left
    assert second.adopt() == ()
    assert third.adopt() == ()
    assert second.unfinished() == left


def test_an_owner_that_was_taken_for_dead_is_fenced_and_changes_nothing(opened):
    first, second = opened(), opened()
    (claim,) = begun(first)
    let_die(first)
    second.adopt()
    with pytest.raises(Fenced):
        first.advance(claim.claim_id, ClaimEvent.COMMIT_INTENDED)
    with pytest.raises(Fenced):
        first.begin(a_claim())
    assert second.find(claim.claim_id) == claim
    assert first.unfinished() == ()


def test_renewing_too_late_raises_once_and_then_the_journal_is_a_new_owner(opened):
    first, second = opened(), opened()
    (claim,) = begun(first)
    let_die(first)
    second.adopt()
    with pytest.raises(Fenced):
        first.renew()
    first.renew()
    (fresh,) = begun(first)
    assert first.unfinished() == (fresh,)
    assert second.unfinished() == (claim,)
    with pytest.raises(Fenced):
        first.advance(claim.claim_id, ClaimEvent.ABANDONED)
    assert second.adopt() == ()


def test_adopters_at_the_same_time_share_the_claims_without_overlap(opened):
    dead = [opened() for _ in range(3)]
    claims = [claim for journal in dead for claim in begun(journal, 8)]
    for journal in dead:
        let_die(journal)
    adopters = [opened() for _ in range(4)]
    together = threading.Barrier(len(adopters))

    def adopt(journal):
        together.wait()
        return journal.adopt()

    with ThreadPoolExecutor(len(adopters)) as pool:
        adopted = [claim.claim_id for share in pool.map(adopt, adopters) for claim in share]
    adopted += [claim.claim_id for journal in adopters for claim in journal.adopt()]
    assert sorted(adopted) == sorted(claim.claim_id for claim in claims)


def test_nobody_is_left_in_the_table_of_owners_when_all_have_closed(opened):
    journals = [opened() for _ in range(3)]
    for journal in journals[:2]:
        journal.close()
    with journals[2]._database.engine.connect() as connection:
        assert connection.execute(select(OWNERS.c.owner)).scalars().all() == [journals[2]._owner]


def test_a_claim_whose_owner_is_not_known_is_adopted(opened):
    """An owner and its claims change hands in one transaction; should a row say otherwise, nobody may be forgotten."""
    journal = opened()
    (claim,) = begun(journal)
    other = opened()
    (row,) = _rows(journal, claim)
    from scheduler.claims import sql_rows

    with journal._database.writing() as connection:
        sql_rows.change(connection, row, claim, claim, owner=UUID(int=7), now=0.0)
    assert other.adopt() == (claim,)


def _rows(journal, claim):
    with journal._database.engine.begin() as connection:
        return connection.execute(select(CLAIMS).where(CLAIMS.c.claim_id == claim.claim_id)).mappings().all()


def test_on_postgresql_the_lease_runs_by_the_clock_of_the_database(opened_on_postgres):
    first = opened_on_postgres(lease_s=0.5)
    second = opened_on_postgres()
    begun(first)
    assert second.adopt() == ()
    with second._database.engine.begin() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(0.6)")
    first.renew()
    assert second.adopt() == ()
    with second._database.engine.begin() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(0.6)")
    assert len(second.adopt()) == 1


def test_on_postgresql_a_restarted_node_adopts_what_its_earlier_life_left_at_once(opened_on_postgres):
    first = opened_on_postgres(node_id="a", lease_s=3600)
    (claim,) = begun(first)
    second = opened_on_postgres(node_id="a")
    assert second.adopt() == (claim,)
    with pytest.raises(Fenced):
        first.renew()


def test_on_postgresql_a_claim_that_its_owner_is_changing_is_adopted_afterwards(opened_on_postgres):
    """The adopter does not wait for a locked row, and the claim is not forgotten either."""
    first, second = opened_on_postgres(), opened_on_postgres()
    locked, free = begun(first, 2)
    let_die(first)
    with first._database.engine.connect() as connection, connection.begin():
        connection.execute(update(CLAIMS).where(CLAIMS.c.claim_id == locked.claim_id).values(accepted=False))
        assert second.adopt() == (free,)
    assert second.adopt() == (locked,)


def test_on_postgresql_an_owner_that_is_beginning_a_claim_is_not_adopted_half(opened_on_postgres):
    """Whoever begins a claim holds its own row; the adopter neither waits for it nor leaves the claim to nobody."""
    first, second = opened_on_postgres(), opened_on_postgres()
    (claim,) = begun(first)
    let_die(first)
    with first._database.engine.connect() as connection, connection.begin():
        assert first._owns_itself(connection)
        assert second.adopt() == ()
    assert second.adopt() == (claim,)


def test_a_killed_process_is_found_dead_by_another_one(url, opened):
    """The claim of a process that was killed by SIGKILL is adopted, at once on SQLite, after the lease elsewhere."""
    survivor = opened()
    claim_id = UUID(run("begin_and_die", url, lease_s=0.1).stdout.strip())
    with survivor._database.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_sleep(0.2)")
    assert [claim.claim_id for claim in survivor.adopt()] == [claim_id]


def test_one_claim_a_request_under_threads_and_processes(url, opened):
    """Two processes with eight threads each try to begin the same 40 requests: each is begun once."""
    journal = opened()
    with ThreadPoolExecutor(2) as pool:
        begun_there = [
            int(done.stdout) for done in pool.map(lambda _: run("begin_the_same", url, threads=8, requests=40), "ab")
        ]
    assert sum(begun_there) == 40
    assert all(len(journal.claims_of(f"req-{number}")) == 1 for number in range(40))
