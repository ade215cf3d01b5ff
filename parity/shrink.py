"""A case made as small as it can be while it still shows a difference that is not listed."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from parity.case import Case
from parity.compare import disagreements
from parity.differences import DIFFERENCES
from parity.differences.table import explained
from parity.nova import Nova
from parity.ours.answers import answer_of

KEPT = frozenset({"kind", "rule", "request", "hosts", "filters", "weighers", "instances"})
"""Parts that every case has."""

MOST = 400
"""How often Nova is asked for one case."""


def shrunk(case: Case, nova: Nova) -> Case:
    """Return the smallest case that was found."""
    asked, smaller = 0, True
    while smaller and asked < MOST:
        smaller = False
        for candidate in _smaller(case):
            asked += 1
            if _is_unlisted(candidate, nova):
                case, smaller = candidate, True
                break
    return case


def _is_unlisted(case: Case, nova: Nova) -> bool:
    try:
        ours = answer_of(case)
    except (LookupError, ValueError):  # a part is gone that another one names
        return False
    found = disagreements(case, nova.ask(case), ours)
    return any(not explained(DIFFERENCES, one) for one in found)


def _smaller(case: Case) -> Iterator[Case]:
    """Yield the case without one of its parts, large parts first."""
    for path in sorted(_paths(case), key=len):
        copy = deepcopy(case)
        holder: Any = copy
        for step in path[:-1]:
            holder = holder[step]
        del holder[path[-1]]
        yield copy


def _paths(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = list(part) if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
    for step in steps:
        if path or step not in KEPT:
            yield (*path, step)
        yield from _paths(part[step], (*path, step))
