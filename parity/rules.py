"""The rules that are compared, each with how its cases are made."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from parity.case import Case
from parity.draw import Draw
from parity.generate import corners, decisions, filters, neighbours, questions, weighers

CASES, DECISIONS = 1000, 10_000
"""How many cases a rule has, and how many whole decisions there are."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its kind, the name that Nova gives it, and what makes a case of it."""

    kind: str
    name: str
    make: Callable[[Draw], Case]

    @property
    def usual(self) -> int:
        """Return how many cases it has unless told otherwise."""
        return DECISIONS if self.kind == "decision" else CASES

    def cases(self, count: int) -> Iterator[Case]:
        """Yield the corners of this rule that are written down, and then so many that are drawn; always the same."""
        for corner in corners.CORNERS.get(self.name, ()):
            yield {"kind": self.kind, "rule": self.name, **corner}
        for number in range(count):
            yield {"kind": self.kind, "rule": self.name, **self.make(Draw(f"{self.name}:{number}"))}


def _of(kind: str, made: Mapping[str, Callable[[Draw], Case]]) -> list[Rule]:
    return [Rule(kind, name, make) for name, make in made.items()]


RULES: tuple[Rule, ...] = (
    *_of("filter", filters.RULES),
    *_of("filter", neighbours.RULES),
    *_of("weigher", weighers.RULES),
    *_of("query", {"query": questions.query}),
    *_of("prefilter", questions.PREFILTERS),
    *_of("prefilter", {"process_reqspec": questions.process_reqspec}),
    *_of("decision", decisions.RULES),
)
"""Filters, weighers, the question without prefilters, each prefilter and all of them, whole decisions."""
