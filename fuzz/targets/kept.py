"""What was written down and is read back: rows of the journal, and decision records."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast
from uuid import UUID

import msgspec
from sqlalchemy import Connection, create_engine

from fuzz.target import Target
from fuzz.targets.answers import CONSUMER, HOST
from placement_client.models import Resources
from scheduler.claims import schema, sql_rows
from scheduler.claims.journal import Claim, Hold, InstanceClaim
from scheduler.explain import in_words
from scheduler.filters import load_filters
from scheduler.records.packing import DamagedRecord, decoded, encoded
from scheduler.replay import replay
from scheduler.selection import Plugins
from scheduler.settings import FilterSettings, OrderSettings, WeigherSettings
from scheduler.weighers import load_weighers

REQUEST_ID = "req-c4f8f7a2-30dd-4b0f-9f0e-2f4c4d1d0001"
ANY_TEXT = re.compile(".*")  # the caller has words of its own, and shows no others


def targets() -> Iterator[Target]:
    """Yield the targets of this module."""
    yield Target(
        name="journal-row",
        run=_row,
        raises=(sql_rows.DamagedClaim,),
        seeds=(_written_row(),),
        place=ANY_TEXT,
        words=ROW_WORDS,
    )
    yield Target(
        name="record",
        run=_Records(),
        raises=(DamagedRecord,),
        seeds=RECORDS,
        words=RECORD_WORDS,
        place=ANY_TEXT,
    )


class _Records:
    """Reads a record, says it in words, decides it again, and writes it."""

    def __init__(self) -> None:
        filters, weighers = load_filters(FilterSettings()), load_weighers(WeigherSettings())
        self._plugins = Plugins(filters, weighers, OrderSettings())

    def __call__(self, data: bytes) -> None:
        record = decoded(data)
        in_words(record)
        replay(record, self._plugins)
        if decoded(encoded(record, 1 << 20)) != record:
            raise AssertionError("a record that was written and read is not what it was")


class _Row(msgspec.Struct, frozen=True):
    """A row of the journal as a document; ``body`` is the text of the column."""

    body: str
    state: str = "reserved"
    accepted: bool = False
    settled: bool = False
    claim_id: UUID = UUID(CONSUMER)
    request_id: str = REQUEST_ID
    owner: UUID = UUID(HOST)
    checksum: str = ""
    holds: list[str] = []


class _Rows:
    """Stands in the place of a database connection that holds one claim."""

    def __init__(self, row: _Row) -> None:
        self._row = row

    def execute(self, statement: object, parameters: Mapping[str, object]) -> Any:
        """Answer the two questions that reading claims asks: for rows, then for the states of their holds."""
        if "this" in parameters:
            return [(1, state) for state in self._row.holds]
        return self

    def mappings(self) -> "_Rows":
        return self

    def all(self) -> list[Mapping[str, object]]:
        row = self._row
        columns = {name: getattr(row, name) for name in row.__struct_fields__}
        return [
            columns
            | {"number": 1, "settled_at": None, "body": row.body.encode(), "checksum": bytes.fromhex(row.checksum)}
        ]


def _row(data: bytes) -> None:
    try:
        row = msgspec.json.decode(data, type=_Row)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return
    if re.fullmatch("([0-9a-f]{2})*", row.checksum):
        sql_rows.load(cast("Connection", _Rows(row)), sql_rows.ALL_CLAIMS)


def _json(*documents: object) -> tuple[bytes, ...]:
    return tuple(msgspec.json.encode(document) for document in documents)


def _written_row() -> bytes:
    """Return a row as the journal writes it, its checksum included."""
    held = {UUID(HOST): Resources({"VCPU": 1, "MEMORY_MB": 512})}
    claim = Claim(
        claim_id=UUID(CONSUMER),
        request_id=REQUEST_ID,
        digest="d",
        project_id="p",
        user_id="u",
        consumer_type="INSTANCE",
        instances=(InstanceClaim(UUID(CONSUMER), held),),
        holds=(Hold(UUID(HOST), held),),
        result=b"[]",
    )
    with create_engine("sqlite://").begin() as connection:
        schema.migrate(connection)
        row = dict(sql_rows.add(connection, claim, UUID(HOST)))
    columns = row | {"holds": [hold.state for hold in claim.holds], "body": row["body"].decode()}
    columns["checksum"] = columns["checksum"].hex()
    return msgspec.json.encode({name: columns[name] for name in _Row.__struct_fields__})


ROW_WORDS = (b"reserved", b"confirming", b"aborted", b"committed", b"held", b"released", b"holds", b"claim_id", b"body")
_DECISION = {
    "instance_uuid": CONSUMER, "selected": "cmp-1",
    "steps": [{"name": "ComputeFilter", "reason": "down", "hosts_in": 3, "removed": 1}],
    "best_hosts": [{"host": "cmp-1", "total": 1.5, "scores": [{"name": "R", "raw": 1.0, "normalized": 0.5,
    "weighed": 1.0}]}],
}  # fmt: skip
RECORDS = _json(
    {
        "request_id": REQUEST_ID, "outcome": "selected", "reason": "", "answered_at": 1.7e9, "seed": "00" * 32,
        "instances": [CONSUMER], "project_id": "p", "asked": {"VCPU": 1}, "placement_calls": 3, "microversion": "1.39",
        "rounds": [{"candidates": 3, "hosts": 3, "instances": [_DECISION], "verified_providers": 1,
        "answer": "reserved"}],
        "probes": [{"relaxed": "trait A", "hosts": 2}], "timings": {"total_ms": 3.5},
    },
    {"request_id": REQUEST_ID, "outcome": "no_valid_host", "reason": "no_candidates"},
)  # fmt: skip
RECORD_WORDS = (
    b"no_valid_host",
    b"unavailable",
    b"rejected",
    b"capacity_exceeded",
    b"filtered_out",
    b"1e308",
    b"rounds",
)
