"""Claims as rows: what is written, what is read back, and the checksum that tells one from the other."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs
from sqlalchemy import Connection, Executable, RowMapping, bindparam, insert, select, update

from scheduler.claims.journal import Claim, Hold
from scheduler.claims.schema import CLAIMS, HOLDS
from scheduler.claims.sql_statements import Statement
from scheduler.claims.states import ClaimState, HoldState

Row = Mapping[Any, Any]  # a row of claims by the names of its columns, as it was read or as it was written

ALL_CLAIMS = select(CLAIMS).order_by(CLAIMS.c.number)
AT_ONCE = 500  # rows in one question, so that no number of claims is too many

_CHANGING = ("owner", "state", "accepted", "settled", "settled_at", "checksum")
_AS_LEFT = ("number", "owner", "state", "accepted", "settled", "checksum")  # the body is in the checksum

# Statements are made once: making one costs more than the database needs to carry it out.
_ADD = Statement(insert(CLAIMS).returning(CLAIMS.c.number), ("claim_id", "request_id", "body", *_CHANGING))
_ADD_HOLD = Statement(insert(HOLDS), ("claim", "position", "state"))
_CHANGE = Statement(
    update(CLAIMS).where(*(CLAIMS.c[name] == bindparam(f"left_{name}") for name in _AS_LEFT)), _CHANGING
)
_CHANGE_HOLD = Statement(
    update(HOLDS).where(
        HOLDS.c.claim == bindparam("this"), HOLDS.c.position == bindparam("at"), HOLDS.c.state == bindparam("left")
    ),
    ("state",),
)
_HOLDS = select(HOLDS.c.claim, HOLDS.c.state).order_by(HOLDS.c.claim, HOLDS.c.position)
_HOLDS_OF_ONE = _HOLDS.where(HOLDS.c.claim == bindparam("this"))
_HOLDS_OF = _HOLDS.where(HOLDS.c.claim.in_(bindparam("these", expanding=True)))


class DamagedClaim(ValueError):
    """A row is not what was written."""


class ChangedClaim(DamagedClaim):
    """A row is not as it was left: somebody else changed it, or it is damaged. Nothing was written."""


def add(connection: Connection, claim: Claim, owner: UUID) -> Row:
    """Write a new claim and return its row. Raises IntegrityError when its request has a claim that is not aborted."""
    body = msgspec.json.encode(claim)
    values = _changing(claim, owner, body, None) | {
        "claim_id": claim.claim_id,
        "request_id": claim.request_id,
        "body": body,
    }
    number = _ADD.run(connection, values).scalar_one()
    holds = [
        {"claim": number, "position": position, "state": hold.state.value} for position, hold in enumerate(claim.holds)
    ]
    if holds:
        _ADD_HOLD.run(connection, *holds)
    return values | {"number": number}


def change(connection: Connection, row: Row, before: Claim, after: Claim, *, owner: UUID, now: float) -> Row:
    """Write what differs between two states of the claim in this row, and return the row as it is then.

    Raises ChangedClaim when the row is not as it is here, and DamagedClaim when the holds are not.
    """
    values = _changing(after, owner, row["body"], now)
    left = {f"left_{name}": row[name] for name in _AS_LEFT}
    if _CHANGE.run(connection, values | left).rowcount != 1:
        raise ChangedClaim
    moves = _moves(row["number"], before.holds, after.holds)
    if moves and _CHANGE_HOLD.run(connection, *moves).rowcount != len(moves):
        raise DamagedClaim
    return {**row, **values}


def _moves(number: int, before: Iterable[Hold], after: Iterable[Hold]) -> list[dict[str, object]]:
    """Return the holds of a claim that change their state, as parameters."""
    return [
        {"this": number, "at": position, "left": old.state.value, "state": new.state.value}
        for position, (old, new) in enumerate(zip(before, after, strict=True))
        if old.state is not new.state
    ]


def load(
    connection: Connection, wanted: Executable, parameters: Mapping[str, object] = MappingProxyType({})
) -> list[tuple[Row, Claim]]:
    """Return claims with their rows, in the order of the query. Raises DamagedClaim."""
    rows = connection.execute(wanted, parameters).mappings().all()
    states = _hold_states(connection, [row["number"] for row in rows])
    return [(row, _claim(row, states[row["number"]])) for row in rows]


def check(connection: Connection) -> None:
    """Read every claim. Raises DamagedClaim."""
    last = 0
    while found := load(connection, ALL_CLAIMS.where(CLAIMS.c.number > last).limit(AT_ONCE)):
        last = found[-1][0]["number"]


def _hold_states(connection: Connection, numbers: list[int]) -> dict[int, list[str]]:
    states: dict[int, list[str]] = defaultdict(list)
    for start in range(0, len(numbers), AT_ONCE):
        for number, state in connection.execute(*_holds_of(numbers[start : start + AT_ONCE])):
            states[number].append(state)
    return states


def _holds_of(numbers: list[int]) -> tuple[Executable, Mapping[str, object]]:
    """Return the question for the holds of these claims; a list makes SQLAlchemy write it anew each time."""
    return (_HOLDS_OF_ONE, {"this": numbers[0]}) if len(numbers) == 1 else (_HOLDS_OF, {"these": numbers})


def _changing(claim: Claim, owner: UUID, body: bytes, now: float | None) -> dict[str, object]:
    """Return the columns that change during the life of a claim."""
    return {
        "owner": owner,
        "state": claim.state.value,
        "accepted": claim.accepted,
        "settled": claim.settled,
        "settled_at": now if claim.settled else None,
        "checksum": _checksum(claim, owner, body),
    }


def _claim(row: RowMapping, hold_states: list[str]) -> Claim:
    """Return the claim of a row as it stands now. Raises DamagedClaim when it is not what was written."""
    try:
        begun = msgspec.json.decode(row["body"], type=Claim)
        claim = structs.replace(
            begun, state=ClaimState(row["state"]), accepted=row["accepted"], holds=_holds(begun, hold_states)
        )
    except (ValueError, msgspec.MsgspecError):
        claim = None
    if claim is None or not _is_as_written(row, claim):
        raise DamagedClaim
    return claim


def _is_as_written(row: RowMapping, claim: Claim) -> bool:
    columns = (row["claim_id"], row["request_id"], row["settled"])
    if columns != (claim.claim_id, claim.request_id, claim.settled):
        return False
    return bool(row["checksum"] == _checksum(claim, row["owner"], row["body"]))


def _holds(begun: Claim, states: Iterable[str]) -> tuple[Hold, ...]:
    return tuple(structs.replace(hold, state=HoldState(state)) for hold, state in zip(begun.holds, states, strict=True))


def _checksum(claim: Claim, owner: UUID, body: bytes) -> bytes:
    parts = (owner.bytes, claim.state, claim.accepted, [hold.state for hold in claim.holds], body)
    return hashlib.blake2b(msgspec.msgpack.encode(parts), digest_size=16).digest()
