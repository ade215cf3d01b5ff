"""Version predicates such as ``(>=2.0, <3)`` over dotted numbers."""

import re
from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne

Version = tuple[int, ...]

COMPARISONS: Mapping[str, Callable[[Version, Version], bool]] = {
    "<": lt, "<=": le, "==": eq, "!=": ne, ">=": ge, ">": gt,
}  # fmt: skip

_CLAUSE = re.compile(r"\s*(<=|>=|==|!=|<|>)\s*(\d{1,9}(?:\.\d{1,9}){0,9})\s*", re.ASCII)


class MalformedPredicate(Exception):
    """A text is not a version predicate."""


def predicate_of(text: str) -> Callable[[Version], bool]:
    """Return the test a version must pass: all of the clauses; parentheses around them are optional.

    MalformedPredicate when the text is anything else.
    """
    stripped = text.strip()
    inner = stripped[1:-1] if stripped.startswith("(") and stripped.endswith(")") else stripped
    clauses = [_clause(part) for part in inner.split(",")]
    return lambda version: all(compare(_plain(version), wanted) for compare, wanted in clauses)


def version_of(number: int) -> Version:
    """Return the version that a hypervisor reports as one number: 2012001 is 2.12.1."""
    parts: list[int] = []
    while number:
        number, part = divmod(number, 1000)
        parts.insert(0, part)
    return tuple(parts)


def _clause(text: str) -> tuple[Callable[[Version, Version], bool], Version]:
    match = _CLAUSE.fullmatch(text)
    if match is None:
        raise MalformedPredicate("expected comparisons such as '>=2.0, <3'")
    return COMPARISONS[match[1]], _plain(tuple(int(part) for part in match[2].split(".")))


def _plain(version: Version) -> Version:
    """Drop trailing zeros, so that 2, 2.0 and 2.0.0 are the same version."""
    end = len(version)
    while end and version[end - 1] == 0:
        end -= 1
    return version[:end]
