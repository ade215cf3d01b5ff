"""The queries of JsonFilter: Nova's operators over a listed set of columns, bounded, and read before they are asked.

A query is a JSON list, an operator and its terms: ``["and", [">=", "$vcpus_total", 8], ["=", "$stats.a", "b"]]``.
The terms of ``and``, ``or`` and ``not`` are queries; those of the others are numbers, texts, and columns, which begin
with ``$``. ``MalformedQuery`` is everything else.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt
from typing import Any

import numpy as np
from msgspec import Struct

from scheduler.hosts.arrays import BoolArray, FloatArray, ObjectArray, object_array
from scheduler.hosts.table import HostTable
from scheduler.model.messages import shown

MAX_DEPTH = 8
MAX_TERMS = 64
MAX_NUMBER = 2**53
"""Up to here a float64 holds every whole number."""

NUMBERS = frozenset(
    {
        *("vcpus_total", "vcpus_used", "total_usable_ram_mb", "free_ram_mb", "total_usable_disk_gb", "free_disk_mb"),
        *("disk_mb_used", "num_instances", "num_io_ops", "failed_builds", "hypervisor_version"),
    }
)
TEXTS = frozenset({"host", "nodename", "hypervisor_hostname", "hypervisor_type", "host_ip"})
NESTED = frozenset({"cpu_info", "stats"})
"""Columns that are named with a key in them, or several: ``$cpu_info.topology.cores``."""


class Column(Struct, frozen=True, eq=False):
    """Values, one a host: the number each is, NaN where it is none; the text it is, and whether it is one."""

    numbers: FloatArray
    texts: ObjectArray
    is_text: BoolArray


Query = Callable[[HostTable], BoolArray]
Term = Callable[[HostTable], Column]
Compare = Callable[[Any, Any], Any]

_COMPARISONS: Mapping[str, tuple[Compare, np.ufunc]] = {
    "=": (eq, np.logical_and),
    "<": (lt, np.logical_and),
    ">": (gt, np.logical_and),
    "<=": (le, np.logical_and),
    ">=": (ge, np.logical_and),
    "in": (eq, np.logical_or),
}
"""How the first term is compared with each of the others, and what becomes of the answers."""

_LOGIC: Mapping[str, Callable[[list[BoolArray]], BoolArray]] = {
    "and": np.logical_and.reduce,
    "or": np.logical_or.reduce,
    "not": lambda answers: ~np.logical_and.reduce(answers),
}


class MalformedQuery(Exception):
    """A text is no query; the text of the error says what is wrong."""


def query_of(text: str) -> Query:
    """Return the query that a text is. Raises MalformedQuery."""
    query = _parsed(text)
    if _terms(query) > MAX_TERMS:
        raise MalformedQuery(f"has more than {MAX_TERMS} operators and terms")
    return _query(query)


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        problem = "is not JSON"
    raise MalformedQuery(problem)


def _terms(query: object, depth: int = MAX_DEPTH) -> int:
    if not isinstance(query, list):
        return 1
    if not depth:
        raise MalformedQuery(f"is nested more than {MAX_DEPTH} deep")
    return sum(_terms(term, depth - 1) for term in query)


def _query(query: object) -> Query:
    if not isinstance(query, list):
        raise MalformedQuery("must be a list, an operator and its terms, wherever a query is expected")
    if not query:
        return lambda hosts: np.ones(len(hosts), dtype=np.bool_)
    operator, *terms = query
    if isinstance(operator, str) and operator in _LOGIC:
        return _combined(operator, terms)
    if isinstance(operator, str) and operator in _COMPARISONS:
        return _compared(operator, terms)
    raise MalformedQuery(f"begins with something that is not one of {', '.join((*_COMPARISONS, *_LOGIC))}")


def _combined(operator: str, terms: list[object]) -> Query:
    if not terms:
        raise MalformedQuery(f"{operator} needs a query")
    parts = [_query(term) for term in terms]
    return lambda hosts: _LOGIC[operator]([part(hosts) for part in parts])


def _compared(operator: str, terms: list[object]) -> Query:
    if len(terms) < 2:
        raise MalformedQuery(f"{operator} needs two terms or more")
    first, *others = map(_term, terms)
    compare, combine = _COMPARISONS[operator]

    def holds(hosts: HostTable) -> BoolArray:
        left = first(hosts)
        answers: BoolArray = combine.reduce([_holds(compare, left, other(hosts)) for other in others])
        return answers

    return holds


def _holds(compare: Compare, left: Column, right: Column) -> BoolArray:
    """Compare numbers with numbers and texts with texts; anything else, a value that a host lacks too, is no."""
    texts = left.is_text & right.is_text & compare(left.texts, right.texts).astype(np.bool_)
    answers: BoolArray = compare(left.numbers, right.numbers) | texts
    return answers


def _term(term: object) -> Term:
    if isinstance(term, str) and term.startswith("$"):
        return _of_hosts(_path(term))
    if not _is_value(term):
        raise MalformedQuery(f"has a term that is no column, text, or number from -{MAX_NUMBER} to {MAX_NUMBER}")
    return lambda hosts: _column([term], np.zeros(len(hosts), dtype=np.int64))


def _is_value(term: object) -> bool:
    return abs(term) <= MAX_NUMBER if isinstance(term, int | float) else isinstance(term, str)


def _path(term: str) -> tuple[str, ...]:
    first, *keys = path = tuple(term.removeprefix("$").split("."))
    if not (all(keys) and (keys if first in NESTED else first in NUMBERS | TEXTS and not keys)):
        raise MalformedQuery(f"{shown(term)} is not a column that may be asked for")
    return path


def _of_hosts(path: tuple[str, ...]) -> Term:
    def column(hosts: HostTable) -> Column:
        if path[0] in NUMBERS:
            return _of_numbers(hosts.column(path[0]).astype(np.float64))
        codes, values = hosts.distinct(path)
        return _column(values, codes)

    return column


def _of_numbers(numbers: FloatArray) -> Column:
    return Column(numbers, np.full(len(numbers), "", dtype=np.object_), np.zeros(len(numbers), dtype=np.bool_))


def _column(values: Sequence[object], codes: Any) -> Column:
    """Return the column whose value i is ``values[codes[i]]``."""
    numbers = [float(value) if isinstance(value, int | float) and _is_value(value) else np.nan for value in values]
    texts = [value if isinstance(value, str) else "" for value in values]
    is_text = [isinstance(value, str) for value in values]
    return Column(np.array(numbers)[codes], object_array(texts)[codes], np.array(is_text, dtype=np.bool_)[codes])
