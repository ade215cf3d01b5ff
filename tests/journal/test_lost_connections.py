"""A PostgreSQL server whose connections are lost, which stops, and comes back."""

import psycopg
import pytest
from sqlalchemy import create_engine, text

from faults.written import TO_COMMITTED, a_claim, a_journal, advanced
from placement_client.testing import PostgresServer
from scheduler.claims.states import ClaimEvent
from scheduler.errors import JournalUnavailable


def begun(journal):
    claim = a_claim()
    journal.begin(claim)
    return claim


def test_a_lost_connection_is_replaced_within_the_call(postgres_url, opened_on_postgres):
    """The server ends the connection while nothing is going on, as after its restart: nobody notices."""
    journal = opened_on_postgres()
    claim = begun(journal)
    end_connections(postgres_url)
    assert advanced(journal, claim, *TO_COMMITTED).settled
    end_connections(postgres_url)
    assert journal.find(claim.claim_id).settled


def end_connections(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        connection.execute(text(f"{ended} AND pid <> pg_backend_pid()"))
    engine.dispose()


def test_a_commit_whose_answer_is_lost_with_the_connection_is_read_back(opened_on_postgres):
    """The commit is made and the connection ends before the answer: the claim is written, and the call says so."""
    journal = opened_on_postgres()
    claim = begun(journal)
    commit = journal._database.engine.dialect.do_commit
    lost = []

    def commit_and_lose(connection) -> None:
        commit(connection)
        if not lost:
            lost.append(connection)
            connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    journal._database.engine.dialect.do_commit = commit_and_lose
    assert journal.advance(claim.claim_id, ClaimEvent.ACCEPTED).accepted
    assert lost


def test_a_commit_that_may_have_been_made_is_in_doubt_until_it_can_be_read_back(opened_on_postgres):
    """The connection is lost while committing, and the old transaction still holds its rows: only waiting can tell."""
    journal = opened_on_postgres()
    claim = begun(journal)
    kept = []

    def lose_but_stay_open(connection) -> None:
        if not kept:
            kept.append(connection.driver_connection)
            raise psycopg.OperationalError("timed out")
        commit(connection)

    dialect = journal._database.engine.dialect
    commit, rollback, close = dialect.do_commit, dialect.do_rollback, dialect.do_close
    dialect.do_commit = lose_but_stay_open
    dialect.do_rollback = lambda connection: None if in_limbo(connection, kept) else rollback(connection)
    dialect.do_close = lambda connection: None if in_limbo(connection, kept) else close(connection)
    with pytest.raises(JournalUnavailable) as doubt:
        journal.advance(claim.claim_id, ClaimEvent.ACCEPTED)
    assert doubt.value.reason == "journal_in_doubt"
    kept[0].commit()
    assert journal.find(claim.claim_id).accepted
    kept[0].close()


def in_limbo(connection, kept: list) -> bool:
    return bool(kept) and getattr(connection, "driver_connection", connection) is kept[0]


def test_a_stopped_server_is_an_error_and_a_started_one_is_used_again():
    """PostgreSQL is killed and comes back on the same port with the same data."""
    with PostgresServer(durable=True) as server:
        journal = a_journal(server.create_database("journal"))
        claim = begun(journal)
        server._stop()
        with pytest.raises(JournalUnavailable):
            journal.advance(claim.claim_id, ClaimEvent.ACCEPTED)
        with pytest.raises(JournalUnavailable):
            journal.begin(a_claim())
        server._launch()
        assert server._wait()
        assert journal.unfinished() == (claim,)
        assert advanced(journal, claim, *TO_COMMITTED).settled
        journal.close()
