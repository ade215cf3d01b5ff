"""What cases are made of: small pools of values that meet each other."""

from typing import Any

from parity.case import uuid
from parity.draw import Draw

Fields = dict[str, Any]

INSTANCES = tuple(range(1, 7))
UUIDS = tuple(uuid(number) for number in INSTANCES)

OPERANDS = ("1", "2", "10", "1.5", "-1", "0", "a", "b", "ab", "avx", "x86_64", "true")
OPERATORS = ("=", "==", "!=", ">=", "<=", "s==", "s!=", "s<", "s<=", "s>", "s>=", "<in>", "<or>", "<all-in>")
CORNERS = (
    *(">=24", "<or>", "=", "<in>", "s==", "<all-in>", "", " ", "= 1 2", "<or> a b", "<or> a <or>", "== x", "=1", ">1"),
    *("<or> a <or> b", "<or> 1 <or> 2", "<all-in> a b", "<all-in> avx avx2", "<in> vx", "<in> a b", "== 1e0", "= nan"),
    *("== inf", "== 1_0", "s== a b", "!= 1", "s> a", "<or> a <and> b", "a b", "True", "> 1", "< 1", "<or> <or> a"),
)


def requirement(draw: Draw) -> str:
    """Return what an extra spec may demand: a word, an operator with an operand, or a corner."""
    kind = draw.below(8)
    if kind == 0:
        return draw.pick(CORNERS)
    return draw.pick(OPERANDS) if kind < 4 else f"{draw.pick(OPERATORS)} {draw.pick(OPERANDS)}"


def case(hosts: list[Fields], request: Fields, **more: Any) -> Fields:
    """Return a case of these parts; empty ones are left out."""
    return {"request": request, "hosts": hosts, **{name: part for name, part in more.items() if part}}


def some_aggregates(draw: Draw, keys: dict[str, tuple[str, ...]], most: int = 3) -> Fields:
    """Return up to three aggregates with metadata of these keys and values."""
    return {str(900 + number): draw.fields(keys) for number in range(draw.below(most + 1))}


def members_of(draw: Draw, aggregates: Fields) -> list[int]:
    """Return the aggregates that a host is in."""
    return draw.some([int(number) for number in aggregates], 2)


def placed(draw: Draw, most: int = 3) -> list[int]:
    """Return the instances on a host."""
    return sorted(draw.some(INSTANCES, most))
