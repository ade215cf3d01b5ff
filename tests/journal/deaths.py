"""Owners of journals that die."""

from sqlalchemy import func, update

from scheduler.claims.schema import OWNERS
from scheduler.claims.sql_journal import SqlJournal


def let_die(journal: SqlJournal) -> None:
    """Make others take an owner for dead that lives: it is silent for too long, or its lock file is gone."""
    database = journal._database
    if database.engine.dialect.name == "sqlite":
        database._locks._path(journal._owner).unlink()
        return
    with database.engine.begin() as connection:
        connection.execute(update(OWNERS).where(OWNERS.c.owner == journal._owner).values(lease_until=func.now()))
