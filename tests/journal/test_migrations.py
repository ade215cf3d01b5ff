"""Older journals become present ones, newer ones and other databases are refused."""

import os
from sqlite3 import connect

import pytest
from sqlalchemy import create_engine, inspect, select, text

from faults.written import a_claim, a_journal
from scheduler.claims import schema
from scheduler.errors import InvalidSettings

PRESENT = len(schema.STEPS)


def database(url: str, *statements: str) -> None:
    """Make a database by hand."""
    path = url.removeprefix("sqlite:///")
    if url.startswith("sqlite"):
        os.makedirs(os.path.dirname(path), 0o700)
        with connect(path) as connection:
            connection.execute("VACUUM")  # an SQLite file without tables is not an empty file
        os.chmod(path, 0o600)
    with create_engine(url).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def version(journal) -> int:
    with journal._database.engine.connect() as connection:
        return connection.execute(select(schema.META.c.version)).scalar_one()


@pytest.mark.parametrize(
    "statements",
    [
        (),
        (
            "CREATE TABLE meta (version INTEGER NOT NULL, changes BIGINT NOT NULL)",
            "INSERT INTO meta (version, changes) VALUES (0, 0)",
        ),
    ],
    ids=["no tables", "version 0"],
)
def test_a_journal_without_tables_gets_them(url, opened, statements):
    database(url, *statements)
    journal = opened()
    claim = a_claim()
    journal.begin(claim)
    assert journal.find(claim.claim_id) == claim
    assert version(journal) == PRESENT


def test_a_journal_of_the_first_version_is_read_by_this_release(url, opened):
    """What the first release wrote, by hand; whoever changes a table adds a step and another test like this one."""
    database(url)
    with create_engine(url).begin() as connection:
        schema.migrate(connection, schema.STEPS[:1])
    first = opened()
    assert version(first) == PRESENT
    first.begin(a_claim())


def test_steps_run_once_each_and_in_order(url):
    database(url)
    steps = (*schema.STEPS, add("one"), add("two"))
    engine = create_engine(url)
    with engine.begin() as connection:
        schema.migrate(connection, steps[:-1])
    with engine.begin() as connection:
        schema.migrate(connection, steps)
    with engine.begin() as connection:
        schema.migrate(connection, steps)
        names = [column["name"] for column in inspect(connection).get_columns("owners")]
        assert names[-2:] == ["one", "two"]
        assert connection.execute(select(schema.META.c.version)).scalar_one() == len(steps)


def add(column: str):
    return lambda connection: connection.execute(text(f"ALTER TABLE owners ADD COLUMN {column} INTEGER"))


def test_a_newer_journal_is_refused_and_left_alone(url, opened):
    journal = opened()
    claim = a_claim()
    journal.begin(claim)
    with create_engine(url).begin() as connection:
        connection.execute(text("UPDATE meta SET version = 9"))
    with pytest.raises(InvalidSettings, match=rf"has version 9, this release knows versions up to {PRESENT}"):
        a_journal(url)
    assert version(journal) == 9
    assert journal.find(claim.claim_id) == claim


def test_a_database_with_something_else_in_it_is_refused(url):
    database(url, "CREATE TABLE allocations (id INTEGER)")
    with pytest.raises(InvalidSettings, match="holds something else"):
        a_journal(url)
    with create_engine(url).begin() as connection:
        assert inspect(connection).get_table_names() == ["allocations"]


def test_a_step_that_fails_changes_nothing(url):
    database(url)
    engine = create_engine(url)
    with pytest.raises(ZeroDivisionError):
        migrate_in_one_transaction(engine, (*schema.STEPS, lambda _: 1 / 0))
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def migrate_in_one_transaction(engine, steps) -> None:
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")  # what the journal does; the driver alone does not for CREATE
        schema.migrate(connection, steps)
