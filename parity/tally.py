"""What the comparison of one rule came to."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from parity.case import Answer, Case
from parity.compare import Disagreement, disagreements
from parity.differences import DIFFERENCES
from parity.differences.table import explained
from parity.nova import Nova
from parity.ours.answers import answer_of
from parity.rules import Rule

BATCH = 250
"""Cases that are sent at once; meanwhile this process answers them itself."""


@dataclass(slots=True)
class Tally:
    """Counts of one rule; ``judged`` are hosts, questions or instances, ``passed`` those that passed with Nova."""

    rule: Rule
    cases: int = 0
    judged: int = 0
    passed: int = 0
    listed: Counter[str] = field(default_factory=Counter)
    unlisted: list[Disagreement] = field(default_factory=list)

    def add(self, case: Case, theirs: Answer, ours: Answer) -> tuple[str, ...]:
        """Count one case; the names of the listed differences that it shows."""
        judged = list(_judged(case, theirs))
        self.cases, self.judged, self.passed = self.cases + 1, self.judged + len(judged), self.passed + sum(judged)
        shown: set[str] = set()
        for one in disagreements(case, theirs, ours):
            names = explained(DIFFERENCES, one)
            shown.update(names)
            if not names:
                self.unlisted.append(one)
        self.listed.update(shown)
        return tuple(sorted(shown))


def _judged(case: Case, theirs: Answer) -> Iterator[bool]:
    """Yield for each host, question or instance whether it passed with Nova."""
    if "passed" in theirs:
        yield from (passed is True for passed in theirs["passed"])
    elif "weights" in theirs:
        yield from (weight != 0 for weight in theirs["weights"])
    elif "orders" in theirs:
        yield from (bool(order) for order in theirs["orders"])
    else:
        yield "query" in theirs


def tally_of(rule: Rule, nova: Nova, count: int) -> Tally:
    """Return what comparing so many cases of a rule came to."""
    tally = Tally(rule)
    for case, theirs, ours in answered(rule.cases(count), nova):
        tally.add(case, theirs, ours)
    return tally


def answered(cases: Iterable[Case], nova: Nova) -> Iterator[tuple[Case, Answer, Answer]]:
    """Yield each case with Nova's answer and ours."""
    for batch in _batches(cases):
        nova.send(batch)
        ours = [answer_of(case) for case in batch]
        yield from zip(batch, nova.receive(), ours, strict=True)


def _batches(cases: Iterable[Case]) -> Iterator[Sequence[Case]]:
    left = iter(cases)
    while batch := list(islice(left, BATCH)):
        yield batch
