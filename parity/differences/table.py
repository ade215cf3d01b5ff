"""What a listed difference is, and which of them explains a disagreement.

Each entry points to words of docs/nova-differences.md, and says as narrowly as it can where it shows.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from parity.case import Case
from parity.compare import Disagreement


@dataclass(frozen=True, slots=True)
class Answered:
    """Both sides answer, or Nova fails: ``holds`` says whether this is why they disagree."""

    name: str
    words: str
    rules: frozenset[str]
    holds: Callable[[Disagreement], bool]


@dataclass(frozen=True, slots=True)
class Refused:
    """We refuse a request, naming what is wrong: ``holds`` is asked about the case and what the pattern found."""

    name: str
    words: str
    pattern: re.Pattern[str]
    holds: Callable[[Case, re.Match[str]], bool] = field(default=lambda case, match: True)


Difference = Answered | Refused


def explained(differences: Iterable[Difference], one: Disagreement) -> tuple[str, ...]:
    """Return the names of the listed differences that explain a disagreement; none where it is not listed.

    Where we refuse a request, every reason that we give has to be listed.
    """
    known = tuple(differences)
    if one.refusals:
        reasons = [_of_refusal(known, one.case, text) for text in one.refusals]
        return tuple(sorted(set(reasons))) if all(reasons) else ()
    rule = one.case["rule"]
    found = (other for other in known if isinstance(other, Answered) and rule in other.rules and other.holds(one))
    return tuple(other.name for other in found)[:1]


def _of_refusal(known: Iterable[Difference], case: Case, text: str) -> str:
    for one in known:
        if isinstance(one, Refused) and (match := one.pattern.fullmatch(text)) and one.holds(case, match):
            return one.name
    return ""
