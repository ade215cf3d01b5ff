"""Where two answers to a case disagree."""

import builtins
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from parity.case import Answer, Case

TOLERANCE = 1e-9
"""Sums of floating point numbers may differ by this share."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One place where the answers differ: a host, by its position, a parameter of a query, or the whole answer."""

    case: Case
    theirs: Any
    ours: Any
    position: int | None = None

    @property
    def host(self) -> dict[str, Any]:
        """Return the host of the case that it is about; an empty one where it is about the whole answer."""
        host: dict[str, Any] = {} if self.position is None else self.case["hosts"][self.position]
        return host

    @property
    def refusals(self) -> list[str]:
        """Return what we refuse the request for."""
        return list(self.ours.get("refused", [])) if isinstance(self.ours, dict) else []

    @property
    def raised(self) -> str:
        """Return what Nova raised; nothing where it answered."""
        return str(self.theirs.get("raised", "")) if isinstance(self.theirs, dict) else ""


def disagreements(case: Case, theirs: Answer, ours: Answer) -> Iterator[Disagreement]:
    """Yield every place where the answers differ."""
    if "passed" in theirs and "passed" in ours:
        for position, pair in enumerate(zip(theirs["passed"], ours["passed"], strict=True)):
            if pair[0] != pair[1]:
                yield Disagreement(case, *pair, position)
    elif "query" in theirs and "query" in ours:
        yield from (Disagreement(case, theirs, one) for one in _a_parameter_each(theirs["query"], ours["query"]))
    elif not _alike(theirs, ours):
        yield Disagreement(case, theirs, ours)


def _a_parameter_each(theirs: str, ours: str) -> Iterator[Answer]:
    """Yield, for each parameter that differs, Nova's query with our value of that parameter alone."""
    mine, nova = meaning(ours), meaning(theirs)
    for key in sorted(name for name in mine.keys() | nova.keys() if mine.get(name) != nova.get(name)):
        kept = [pair for pair in parse_qsl(theirs) if pair[0] != key]
        yield {"query": urlencode(kept + [pair for pair in parse_qsl(ours) if pair[0] == key])}


def _alike(theirs: Answer, ours: Answer) -> bool:
    if "raised" in theirs and ("refused" in ours or "raised" in ours):
        return not hasattr(builtins, theirs["raised"])  # an error of Nova's own, which tells what is wrong
    if "weights" in theirs and "weights" in ours:
        return all(
            math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
            for one, other in zip(theirs["weights"], ours["weights"], strict=True)
        )
    return theirs == ours


def meaning(query: str) -> dict[str, Any]:
    """Return what a query string asks for, whatever the order of its parts is."""
    asked: dict[str, Any] = {}
    for key, value in parse_qsl(query):
        if key.startswith(("member_of", "same_subtree")):
            asked.setdefault(key, []).append(sorted(value.replace("in:", "").split(",")))
        elif key.startswith(("resources", "required", "root_required")):
            asked.setdefault(key, set()).update(value.split(","))
        else:
            asked[key] = value
    return {key: sorted(value) if isinstance(value, list) else value for key, value in asked.items()}
