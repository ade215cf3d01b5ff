"""Listed differences of JsonFilter."""

import json
import re
from collections.abc import Iterator
from typing import Any

from parity.case import Case
from parity.compare import Disagreement
from parity.differences.table import Answered, Difference, Refused

LOGIC, COMPARISONS = ("and", "or", "not"), ("=", "<", ">", "<=", ">=", "in")
ORDER = ("<", ">", "<=", ">=")
UNKNOWN_COLUMN = "$nothing"
RULE = frozenset({"JsonFilter"})


def query(case: Case) -> Any:
    """Return the query of a case, as JSON has it; None where it is no JSON."""
    try:
        return json.loads(case["request"].get("scheduler_hints", {}).get("query", "[]"))
    except ValueError:
        return None


def _parts(term: Any, inside: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every operator and term, with the operator that it is directly under."""
    yield inside, term
    if isinstance(term, list) and term:
        for part in term[1:]:
            yield from _parts(part, str(term[0]))


def is_query(term: Any) -> bool:
    """Tell whether a term is a query as docs/filters.md describes it."""
    if not isinstance(term, list):
        return False
    if not term:
        return True
    operator, *terms = term
    if operator in LOGIC:
        return bool(terms) and all(map(is_query, terms))
    return operator in COMPARISONS and len(terms) > 1 and all(_is_term(one) for one in terms)


def _is_term(term: Any) -> bool:
    return isinstance(term, str | int | float) and term != UNKNOWN_COLUMN


def _terms(one: Disagreement) -> list[Any]:
    return [term for _, term in _parts(query(one.case)) if not isinstance(term, list)]


def _orders_mixed(one: Disagreement) -> bool:
    operators = {term[0] for _, term in _parts(query(one.case)) if isinstance(term, list) and term}
    return one.theirs == "TypeError" and bool(operators & set(ORDER))


def _reads_cpu_info(one: Disagreement) -> bool:
    return one.theirs == "AttributeError" and any(str(term).startswith("$cpu_info.") for term in _terms(one))


def _compares_address(one: Disagreement) -> bool:
    return "host_ip" in one.host and "$host_ip" in [term for term in _terms(one) if isinstance(term, str)]


def _lacks_column(one: Disagreement) -> bool:
    stats = one.host.get("stats", {})
    missing = {"$stats.none", *(() if "ssd" in stats else ("$stats.ssd",))}
    missing |= set() if "host_ip" in one.host else {"$host_ip"}
    return any(term in missing for term in _terms(one) if isinstance(term, str))


def _empty_text(one: Disagreement) -> bool:
    return "" in [term for term in _terms(one) if isinstance(term, str)]


def _nested_not(one: Disagreement) -> bool:
    nested = (inside for inside, term in _parts(query(one.case)) if isinstance(term, list) and term[:1] == ["not"])
    return any(inside in LOGIC for inside in nested)


def _malformed(case: Case, match: re.Match[str]) -> bool:
    return not is_query(query(case))


DIFFERENCES: tuple[Difference, ...] = (
    Refused(
        "malformed-query",
        "A query that is not understood, an operator without enough terms, `null`, and values where a query is",
        re.compile(r"scheduler_hints\['query'\]: .*"),
        _malformed,
    ),
    Answered("address-as-text", "`$host_ip` is text here", RULE, _compares_address),
    Answered("number-ordered-with-text", "in Nova order fails the request", RULE, _orders_mixed),
    Answered("inside-cpu-info", "Texts inside `cpu_info` can be reached", RULE, _reads_cpu_info),
    Answered("missing-column", "Nova leaves the missing term out", RULE, _lacks_column),
    Answered("empty-text", "an empty text is a text here", RULE, _empty_text),
    Answered("nested-not", "`not` inside another operator negates", RULE, _nested_not),
)
"""The narrower ones first."""
