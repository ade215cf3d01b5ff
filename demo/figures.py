"""The figures of a run: pure arithmetic over its answers."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from demo.proof import Provider
from demo.run import Answer
from scheduler.explain import one_line

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Latency:
    """How long requests took, in milliseconds."""

    p50: float
    p99: float


def latency(answers: Sequence[Answer]) -> Latency:
    """Return the median and the 99th percentile; zeros for no answers."""
    times = sorted(answer.milliseconds for answer in answers)
    return Latency(_percentile(times, 50), _percentile(times, 99))


def calls(answers: Sequence[Answer]) -> float:
    """Return the mean number of calls to Placement for a request."""
    return sum(answer.record.placement_calls for answer in answers) / len(answers) if answers else 0.0


def instances(answers: Sequence[Answer]) -> int:
    """Return how many instances the answers are about."""
    return sum(len(answer.job.instances) for answer in answers)


def first_round(answers: Sequence[Answer]) -> list[Answer]:
    """Return those that were placed without a second attempt."""
    return [answer for answer in answers if answer.placed and len(answer.record.rounds) == 1]


def reasons(refused: Sequence[Answer], at_most: int) -> list[tuple[int, str]]:
    """Return how often each reason for a refusal was given and an example of it, the most frequent first.

    Reasons that differ in numbers only count as one.
    """
    words = [one_line(answer.record) for answer in refused]
    examples = {_NUMBER.sub("n", text): text for text in reversed(words)}
    counted = Counter(_NUMBER.sub("n", text) for text in words)
    return [(times, examples[reason]) for reason, times in counted.most_common(at_most)]


def utilisation(providers: Sequence[Provider]) -> dict[str, tuple[int, int]]:
    """Return what is used of what there is, by resource class."""
    classes = sorted({name for provider in providers for name in provider.capacity})
    return {
        name: (
            sum(provider.used.get(name, 0) for provider in providers),
            sum(provider.capacity.get(name, 0) for provider in providers),
        )
        for name in classes
    }


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile of sorted numbers."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0
