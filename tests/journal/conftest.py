"""Journals of each kind."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, text

from faults.written import a_journal


@pytest.fixture
def sqlite_url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/journal/journal.sqlite"


@pytest.fixture(scope="session")
def postgres_database(postgres_server) -> str:
    return postgres_server.create_database("journal")


@pytest.fixture
def postgres_url(postgres_database) -> str:
    """Return the URL of a database that is empty again; making one takes longer than most tests."""
    engine = create_engine(postgres_database)
    with engine.begin() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'journal'"
        connection.execute(text(f"{others} AND pid <> pg_backend_pid()"))
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return postgres_database


@pytest.fixture(params=["sqlite", "postgres"])
def url(request) -> str:
    """Return where a new, durable journal may be made."""
    return request.getfixturevalue(f"{request.param}_url")


@contextmanager
def owners_of(url: str) -> Iterator:
    """Yield a function that opens the journal as one more owner, on a node of its own; all are closed at the end."""
    journals = []

    def open_one(**settings):
        node_id = settings.pop("node_id", f"node-{len(journals)}")
        journals.append(a_journal(url, node_id, **settings))
        return journals[-1]

    yield open_one
    for journal in journals:
        journal.close()


@pytest.fixture
def opened(url) -> Iterator:
    """Yield what opens a journal of each kind in turn."""
    with owners_of(url) as open_one:
        yield open_one


@pytest.fixture
def opened_on_postgres(postgres_url) -> Iterator:
    """Yield what opens a journal on PostgreSQL."""
    with owners_of(postgres_url) as open_one:
        yield open_one


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def journal(request) -> Iterator:
    """Yield a journal, of each kind in turn."""
    url = "memory://" if request.param == "memory" else request.getfixturevalue(f"{request.param}_url")
    journal = a_journal(url)
    yield journal
    journal.close()
