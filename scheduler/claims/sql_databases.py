"""What SQLite and PostgreSQL do differently, and nothing else.

Both give: a transaction of one writer at a time (per row, or per file), and an answer to which owners are dead.
"""

import os
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    create_engine,
    event,
    func,
    literal_column,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool, QueuePool

from scheduler.claims import schema, sql_file, sql_rows
from scheduler.claims.schema import META, OWNERS
from scheduler.claims.sql_rows import DamagedClaim
from scheduler.claims.sql_statements import Statement
from scheduler.errors import InvalidSettings
from scheduler.settings import JournalSettings

BUSY_S = 5  # how long a statement may wait for a lock
CONNECT_S = 5
SCHEMA_LOCK = 0x706C6163  # any number will do, as long as every release uses the same
_MODE = "synchronous"
KINDS = 'expected "memory://", "sqlite:////absolute/path" or "postgresql+psycopg://..."'

_COUNT = Statement(update(META).values(changes=META.c.changes + literal_column("1")).returning(META.c.changes))
_ONE_CONNECTION = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": 1}


class Database(Protocol):
    """The database of a journal, as one owner sees it."""

    engine: Engine

    def prepare(self) -> None:
        """Make what must be there before the first connection. Raises InvalidSettings."""
        ...

    def lock_schema(self, connection: Connection) -> None:
        """Make this transaction the only one that may change tables."""
        ...

    def check(self, connection: Connection) -> None:
        """Make sure that nothing is damaged or lost. Raises DamagedClaim."""
        ...

    def writing(self, *, synced: bool = True) -> AbstractContextManager[Connection]:
        """Return a transaction that may write.

        When the block has been left it outlives the process and, if ``synced``, the power, with everything before it.
        """
        ...

    def live(self, owner: UUID) -> None:
        """Tell that an owner lives, where its row does not tell."""
        ...

    def leave(self, owner: UUID) -> None:
        """Tell that an owner lives no more, where its row does not tell."""
        ...

    def lease(self, seconds: float) -> ColumnElement[Any]:
        """Return until when an owner may be silent, counted from now."""
        ...

    def dead(self, connection: Connection, owner: UUID, node_id: str) -> list[UUID]:
        """Return the owners that are dead, kept from being found dead by anybody else in this transaction."""
        ...


def database_of(settings: JournalSettings) -> Database:
    """Return the database that the settings name, not yet connected. Raises InvalidSettings."""
    try:
        url = make_url(settings.connection.reveal())
    except ArgumentError:
        url = None
    if url is not None and url.drivername in {"sqlite", "sqlite+pysqlite"} and _is_plain_file(url):
        return Sqlite(Path(url.database or ""), durable=settings.durable)
    if url is not None and url.drivername == "postgresql+psycopg":
        return Postgresql(url, durable=settings.durable)
    raise InvalidSettings(f"[journal] connection: {KINDS}")


def _is_plain_file(url: URL) -> bool:
    return bool(url.database) and Path(url.database or "").is_absolute() and not url.query and not url.host


class Sqlite:
    """One file for all processes of a node; whoever holds the lock file of an owner lives."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        self._path = path
        self._durable = durable
        self._locks = sql_file.OwnerLocks(path)
        self.engine = create_engine(URL.create("sqlite", database=str(path)), **_ONE_CONNECTION)
        event.listen(self.engine, "connect", self._set_up)
        event.listen(self.engine, "begin", self._begin)
        self._unsynced = self.engine.execution_options(synced=False)
        _forget_in_children(self._locks)

    def prepare(self) -> None:
        """Make the file, with its tables in it."""
        sql_file.prepare(self._path, _fill)

    def lock_schema(self, connection: Connection) -> None:
        """Do nothing: a writing transaction is the only one anyway."""

    def check(self, connection: Connection) -> None:
        """Read the whole file, and compare what the owners know of it."""
        if connection.execute(text("PRAGMA integrity_check(1)")).scalar() != "ok":
            raise DamagedClaim
        if connection.execute(select(META.c.changes)).scalar_one() < self._locks.noted():
            raise DamagedClaim
        sql_rows.check(connection)

    @contextmanager
    def writing(self, *, synced: bool = True) -> Iterator[Connection]:
        """Count the changes, within the transaction and then outside, where a lost end of the file is noticed.

        What the power may take along is not noted there, so that a journal without it is not taken for a damaged one.
        """
        with (self.engine if synced else self._unsynced).begin() as connection:
            yield connection
            changes = _COUNT.run(connection, {}).scalar_one()
        if synced:
            self._locks.note(self._owner, changes)

    def live(self, owner: UUID) -> None:
        """Take the lock file."""
        self._locks.take(owner)
        self._owner = owner

    def leave(self, owner: UUID) -> None:
        """Give the lock file back."""
        self._locks.give(owner)

    def lease(self, seconds: float) -> ColumnElement[Any]:
        """Return NULL: the lock file tells."""
        return null()

    def dead(self, connection: Connection, owner: UUID, node_id: str) -> list[UUID]:
        """Return the owners whose lock can be taken."""
        known = set(connection.execute(select(OWNERS.c.owner)).scalars())
        return [other for other in (known | self._locks.owners()) - {owner} if self._locks.is_dead(other)]

    def _set_up(self, connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver begins no transactions, ``_begin`` does
        connection.execute(f"PRAGMA busy_timeout = {1000 * BUSY_S}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._mode(synced=True)}")
        connection.execute("PRAGMA journal_size_limit = 4194304")
        connection.execute("PRAGMA cell_size_check = ON")

    def _begin(self, connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("reads", False):
            connection.exec_driver_sql("BEGIN")
            return
        mode = self._mode(synced=options.get("synced", True))
        if connection.info.get(_MODE, self._mode(synced=True)) != mode:  # it cannot be changed in a transaction
            connection.exec_driver_sql(f"PRAGMA synchronous = {mode}")
            connection.info[_MODE] = mode
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def _mode(self, *, synced: bool) -> str:
        """Return when SQLite waits for the disk: FULL at every commit, NORMAL at checkpoints, OFF never."""
        return ("FULL" if synced else "NORMAL") if self._durable else "OFF"


def _forget_in_children(locks: sql_file.OwnerLocks) -> None:
    known = weakref.ref(locks)

    def forget() -> None:
        inherited = known()
        if inherited is not None:
            inherited.forget()

    os.register_at_fork(after_in_child=forget)


def _fill(path: Path) -> None:
    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)
    with engine.begin() as connection:
        schema.migrate(connection)


class Postgresql:
    """One database for all replicas; whoever lets its lease run out, by the clock of the database, is dead.

    So is another owner of the same node: a node has one scheduler at a time, whose earlier life left it.
    """

    def __init__(self, url: URL, *, durable: bool) -> None:
        limits = {
            "statement_timeout": 1000 * BUSY_S,
            "lock_timeout": 1000 * BUSY_S,
            "idle_in_transaction_session_timeout": 2000 * BUSY_S,
            "synchronous_commit": "on" if durable else "off",
        }
        patience = {"connect_timeout": CONNECT_S, "tcp_user_timeout": 2000 * BUSY_S, "keepalives_idle": BUSY_S}
        options = " ".join(f"-c {name}={value}" for name, value in limits.items())
        self._durable = durable
        self.engine = _engine(url, {"options": options, "application_name": "placement-scheduler", **patience})

    def prepare(self) -> None:
        """Do nothing: the operator made the database."""

    def lock_schema(self, connection: Connection) -> None:
        """Take a lock that only this module takes."""
        connection.execute(select(func.pg_advisory_xact_lock(SCHEMA_LOCK)))

    def check(self, connection: Connection) -> None:
        """Do nothing: the server looks after its files, and each row is checked when it is read."""

    @contextmanager
    def writing(self, *, synced: bool = True) -> Iterator[Connection]:
        """Return a transaction."""
        with self.engine.begin() as connection:
            if self._durable and not synced:
                connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
            yield connection

    def live(self, owner: UUID) -> None:
        """Do nothing: the lease tells."""

    def leave(self, owner: UUID) -> None:
        """Do nothing: the lease tells."""

    def lease(self, seconds: float) -> ColumnElement[Any]:
        """Return the end of a lease that begins now."""
        return func.now() + timedelta(seconds=seconds)

    def dead(self, connection: Connection, owner: UUID, node_id: str) -> list[UUID]:
        """Return the owners whose lease has run out, and earlier ones of this node."""
        silent = or_(OWNERS.c.lease_until <= func.now(), OWNERS.c.node_id == node_id)
        wanted = select(OWNERS.c.owner).where(OWNERS.c.owner != owner, silent).with_for_update(skip_locked=True)
        return list(connection.execute(wanted).scalars())


def _engine(url: URL, connect_args: dict[str, Any]) -> Engine:
    try:
        return create_engine(url, connect_args=connect_args, **_ONE_CONNECTION)
    except (ImportError, ArgumentError):
        problem = "[journal] connection: PostgreSQL needs psycopg; pip install placement-scheduler[postgresql]"
    raise InvalidSettings(problem)
