"""The tables of the journal, and how an older journal becomes a present one.

A claim is a row that never changes but for its state, and a row for the state of each of its holds. What was written
down when it began is in ``body``; ``checksum`` is over everything that a decision depends on (see ``sql_rows``).
"""

from collections.abc import Callable, Sequence

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
    insert,
    inspect,
    select,
    text,
    update,
)

from scheduler.errors import InvalidSettings

TABLES = MetaData()
_NUMBER = BigInteger().with_variant(Integer, "sqlite")  # only an Integer counts up by itself there

META = Table(
    "meta",
    TABLES,
    Column("version", Integer, nullable=False),
    Column("changes", BigInteger, nullable=False),  # counted where the database is a file, see ``sql_databases``
)

OWNERS = Table(
    "owners",
    TABLES,
    Column("owner", Uuid, primary_key=True),
    Column("node_id", String, nullable=False),
    Column("lease_until", DateTime(timezone=True)),  # by the clock of the database; None where a lock file tells
)

CLAIMS = Table(
    "claims",
    TABLES,
    Column("number", _NUMBER, primary_key=True),  # counts up: the order in which claims began
    Column("claim_id", Uuid, nullable=False, unique=True),
    Column("request_id", String, nullable=False),
    Column("owner", Uuid, nullable=False),
    Column("state", String, nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("settled_at", Float),  # seconds since the epoch; only tells when to forget
    Column("body", LargeBinary, nullable=False),
    Column("checksum", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

HOLDS = Table(
    "holds",
    TABLES,
    Column("claim", _NUMBER, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("state", String, nullable=False),
)

Index("claims_request", CLAIMS.c.request_id)

Step = Callable[[Connection], None]


def _first_tables(connection: Connection) -> None:
    TABLES.create_all(connection, tables=[OWNERS, CLAIMS, HOLDS])
    # Written out: a condition for PostgreSQL among the tables makes SQLAlchemy load all that it has for that database,
    # which takes as long as all the rest of the journal, and most journals are files.
    no, yes = ("0", "1") if connection.dialect.name == "sqlite" else ("false", "true")
    for index in (
        # The reason why a request has one claim at a time, however many processes serve it.
        "CREATE UNIQUE INDEX claims_live_request ON claims (request_id) WHERE state != 'aborted'",
        f"CREATE INDEX claims_open ON claims (number) WHERE settled = {no}",
        f"CREATE INDEX claims_settled ON claims (number) WHERE settled = {yes}",
    ):
        connection.execute(text(index))


# Step n makes version n + 1 of version n. Steps are only ever added; an older one that builds on tables which a newer
# one changes has to spell out what they were.
STEPS: tuple[Step, ...] = (_first_tables,)


def migrate(connection: Connection, steps: Sequence[Step] = STEPS) -> None:
    """Bring the journal to the present version, in the transaction of the connection, which must be the only one.

    Raises InvalidSettings for a journal of a newer release, and for a database with something else in it.
    """
    found = _version(connection)
    if found > len(steps):
        raise InvalidSettings(
            f"[journal] connection: the journal has version {found}, this release knows versions up to {len(steps)}; "
            "run the newer release that wrote it, or let this one have another journal"
        )
    for step in steps[found:]:
        step(connection)
    if found < len(steps):
        connection.execute(update(META).values(version=len(steps)))


def _version(connection: Connection) -> int:
    tables = set(inspect(connection).get_table_names())
    if META.name not in tables:
        if tables:
            raise InvalidSettings("[journal] connection: the database holds something else; give the journal its own")
        META.create(connection)
        connection.execute(insert(META).values(version=0, changes=0))
    return int(connection.execute(select(META.c.version)).scalar_one())
