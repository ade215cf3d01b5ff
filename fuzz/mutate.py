"""From an input to another one: by the structure it has, or by its bytes."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from fuzz.dice import Dice
from fuzz.target import Target

MAX_BYTES = 4096

Json = Any  # a value that json.loads returns

NUMBERS: tuple[Json, ...] = (
    0, 1, -1, 2, 2**31 - 1, 2**31, 2**53, 2**53 + 1, 2**63, 2**64, 10**30, -(2**63), 1.0, 0.5, -0.0, 1e308, 1e-320,
)  # fmt: skip
TEXTS: tuple[Json, ...] = (
    "", " ", "\n", "\r\n", "\x00", "\x1b[31m", "\u2028", "\u202e", "\ud800", "a" * 41, "A" * 256, "x" * 3000, "''",
    "'\\'", "../../x", "a/b?c#d", "%2e%2e%2f", "NaN", "null", "VCPU\n", "VCPU", "CUSTOM_A", "é", "\U0001f600", "İ",
    "ﬃ", "1e5", "٣", "c4f8f7a2-30dd-4b0f-9f0e-2f4c4d1d0001", "C4F8F7A230DD4B0F9F0E2F4C4D1D0001",
    "{c4f8f7a2-30dd-4b0f-9f0e-2f4c4d1d0001}",
)  # fmt: skip
OTHERS: tuple[Json, ...] = (None, True, False, [], {}, [[]], [None], {"": None}, {"a": {}}, [1, "a"])
RAW: tuple[bytes, ...] = (
    b"NaN", b"Infinity", b"-0", b"1E400", b"0" * 20, b"9" * 5000, b"[" * 1500, b'{"a":' * 800, b'"\\ud800"',
    b'"\\u0000"', b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\x00", b"'", b'"', b"\\", b"{", b"}", b"[", b"]", b",",
    b":", b"\n", b"\r",
)  # fmt: skip


def mutate(target: Target, data: bytes, dice: Dice, rounds: int = 0) -> bytes:
    """Return another input made from one; mostly it keeps the form that the target reads."""
    for _ in range(rounds or 1 + dice.below(4)):
        change = _bytewise if dice.below(5) == 0 else SHAPES[target.shape]
        data = change(target, data, dice)
    return data[:MAX_BYTES]


def _bytewise(target: Target, data: bytes, dice: Dice) -> bytes:
    at, to = sorted((dice.below(len(data) + 1), dice.below(len(data) + 1)))
    match dice.below(7):
        case 0:
            return data[:at] + data[at + 1 :]
        case 1:
            return data[:at] + bytes([dice.below(256)]) + data[at + 1 :]
        case 2:
            return data[:at] + dice.pick((*target.words, *RAW)) + data[at:]
        case 3:
            return data[:at] + dice.pick(RAW) + data[at + 1 + dice.below(8) :]
        case 4:
            return data[:at] + data[to:]
        case 5:
            return data[:to] + data[at:]
        case _:
            other = dice.pick(target.seeds)
            return data[:at] + other[dice.below(len(other) + 1) :]


def _of_json(target: Target, data: bytes, dice: Dice) -> bytes:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return _bytewise(target, data, dice)
    changed = _changed(target, document, dice, 12)
    text = json.dumps(changed, ensure_ascii=dice.below(8) == 0, separators=(",", ":")).encode("utf-8", "replace")
    return text if dice.below(16) else _with_double_key(text, dice)


def _changed(target: Target, value: Json, dice: Dice, depth: int) -> Json:
    """Return the value with one place in it changed: walk down at random, and change where the walk ends."""
    if depth and value and isinstance(value, dict) and dice.below(6):
        key = dice.pick(list(value))
        return _with_member(target, value, key, dice, depth)
    if depth and value and isinstance(value, list) and dice.below(6):
        at = dice.below(len(value))
        return _with_item(target, value, at, dice, depth)
    return _anything(target, value, dice)


def _with_member(target: Target, value: dict[str, Json], key: str, dice: Dice, depth: int) -> Json:
    match dice.below(12):
        case 0:
            return {name: one for name, one in value.items() if name != key}
        case 1:
            return {_text(target, name, dice) if name == key else name: one for name, one in value.items()}
        case 2:
            return value | {_text(target, key, dice): value[key]}
        case 3:
            return value | {key: value[dice.pick(list(value))]}
        case _:
            return value | {key: _changed(target, value[key], dice, depth - 1)}


def _with_item(target: Target, value: list[Json], at: int, dice: Dice, depth: int) -> Json:
    match dice.below(8):
        case 0:
            return value[:at] + value[at + 1 :]
        case 1:
            return value[:at] + [value[at]] * (2 + dice.below(20)) + value[at:]
        case 2:
            return value[::-1]
        case _:
            return [*value[:at], _changed(target, value[at], dice, depth - 1), *value[at + 1 :]]


def _anything(target: Target, value: Json, dice: Dice) -> Json:
    match dice.below(8):
        case 0:
            return dice.pick(OTHERS)
        case 1:
            return dice.pick(NUMBERS)
        case 2:
            return [value]
        case 3 if isinstance(value, int | float):
            return value + dice.pick((-1, 1, 1000))
        case 4 | 5 if isinstance(value, int | float):
            return dice.pick(NUMBERS)
        case _:
            return _text(target, value if isinstance(value, str) else "", dice)


def _text(target: Target, text: str, dice: Dice) -> str:
    """Return another text: one of the dictionary, a strange one, or this one with something put in."""
    words: Sequence[str] = [word.decode("utf-8", "replace") for word in target.words] or ["x"]
    at = dice.below(len(text) + 1)
    match dice.below(5):
        case 0:
            return dice.pick(words)
        case 1:
            return str(dice.pick(TEXTS))
        case 2:
            return text[:at] + dice.pick(words) + text[at:]
        case 3:
            return text[:at] + str(dice.pick(TEXTS)) + text[at:]
        case _:
            return text[:at] + chr(dice.below(0x2100)) + text[at + 1 :]


def _with_double_key(text: bytes, dice: Dice) -> bytes:
    """Write an object's first member once more, which no dict can hold."""
    start = text.find(b"{")
    end = text.find(b",", start)
    return text[: start + 1] + text[start + 1 : end + 1] + text[start + 1 :] if 0 <= start < end else text


def _of_lines(target: Target, data: bytes, dice: Dice) -> bytes:
    return _of_parts(target, data, b"\n", dice)


def _of_words(target: Target, data: bytes, dice: Dice) -> bytes:
    return _of_parts(target, data, dice.pick((b" ", b"\n", b",")), dice)


def _of_parts(target: Target, data: bytes, between: bytes, dice: Dice) -> bytes:
    parts = data.split(between)
    at = dice.below(len(parts))
    new = dice.pick((*target.words, *RAW))
    match dice.below(7):
        case 0:
            parts[at : at + 1] = []
        case 1:
            parts[at:at] = [new]
        case 2:
            parts[at] = new
        case 3:
            parts[at:at] = [parts[dice.below(len(parts))]]
        case 4:
            parts[at] = parts[at] + new
        case 5:
            parts[at:at] = [dice.pick(dice.pick(target.seeds).split(between))]
        case _:
            parts[at] = _bytewise(target, parts[at], dice)
    return between.join(parts)


SHAPES: dict[str, Callable[[Target, bytes, Dice], bytes]] = {
    "json": _of_json,
    "lines": _of_lines,
    "words": _of_words,
}
