"""A record as bytes: one JSON object, in which the inputs, which are large, are packed.

Fields that a record of an older version lacks have their defaults; its inputs, for one, are None then.
"""

import zlib

import msgspec
from msgspec import structs

from scheduler.errors import SchedulerError
from scheduler.model import DecisionRecord, Inputs

MAX_BYTES = 64 << 20
"""The most that is read of a file, and unpacked from it."""

_LEVEL = 1  # a quarter of the size; more effort takes several times as long and saves a few percent


class DamagedRecord(SchedulerError):
    """A record is there but cannot be read."""

    code = "damaged_record"


class _Kept(DecisionRecord, frozen=True, kw_only=True):
    """A record as it is kept: ``packed`` is the JSON of the inputs, compressed."""

    packed: bytes = b""


def encoded(record: DecisionRecord, at_most: int) -> bytes:
    """Return a record as bytes; inputs that make it too large, or cannot be written, are left out, then decisions."""
    packed = _packed(record.inputs) if record.inputs else b""
    if packed is not None:
        text = _joined(record, packed)
        if len(text) <= at_most:
            return text
    text = msgspec.json.encode(without_inputs(record))
    return text if len(text) <= at_most else msgspec.json.encode(_without_decisions(record))


def decoded(text: bytes) -> DecisionRecord:
    """Return the record of these bytes. Raises DamagedRecord."""
    try:
        kept = msgspec.json.decode(text, type=_Kept)
        inputs = msgspec.json.decode(_unpacked(kept.packed), type=Inputs) if kept.packed else kept.inputs
    except (msgspec.MsgspecError, ValueError, RecursionError, zlib.error):
        kept = None
    if kept is None:
        raise DamagedRecord("The record of this request is there, but its file is damaged.")
    fields = {name: getattr(kept, name) for name in DecisionRecord.__struct_fields__}
    return DecisionRecord(**{**fields, "inputs": inputs})


def without_inputs(record: DecisionRecord) -> DecisionRecord:
    """Return a record without its inputs, which says so."""
    return structs.replace(record, inputs=None, left_out="inputs") if record.inputs else record


def _without_decisions(record: DecisionRecord) -> DecisionRecord:
    rounds = tuple(structs.replace(one, instances=(), alternates=()) for one in record.rounds)
    return structs.replace(record, inputs=None, rounds=rounds, left_out="inputs and decisions")


def _joined(record: DecisionRecord, packed: bytes) -> bytes:
    return msgspec.json.encode(_Kept(**{**structs.asdict(record), "inputs": None, "packed": packed}))


def _packed(inputs: Inputs) -> bytes | None:
    """Return inputs as bytes; None when they could not be read back, or hold what JSON has no way to say."""
    try:
        plain = msgspec.json.encode(inputs)
    except (TypeError, ValueError, RecursionError):  # facts of hosts may come from code that is not ours
        return None
    return zlib.compress(plain, _LEVEL) if len(plain) <= MAX_BYTES else None


def _unpacked(packed: bytes) -> bytes:
    """Return what was packed, whole and no more than MAX_BYTES. Raises ValueError, zlib.error."""
    unpacking = zlib.decompressobj()
    plain = unpacking.decompress(packed, MAX_BYTES)
    if not unpacking.eof or unpacking.unused_data:
        raise ValueError("cut short, too large, or followed by something")
    return plain
