"""Streams whose words or choices are given, to walk through every one of them; and exact p-values."""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction

import numpy as np

from scheduler.randomness import RandomStream


class Words(RandomStream):
    """A stream of chosen words, of a width of choice; IndexError when more are drawn than there are."""

    def __init__(self, words: Sequence[int], bits: int = 64) -> None:
        super().__init__(b"")
        self.word_bits = bits
        self.left = list(words)

    def _words(self, n: int) -> np.ndarray:
        if len(self.left) < n:
            raise IndexError("no words left")
        taken, self.left = self.left[:n], self.left[n:]
        return np.array(taken, dtype=np.uint64)


class Choices(RandomStream):
    """A stream whose ``below`` answers are chosen, zeros after that; ``ranges`` notes what was drawn from."""

    def __init__(self, choices: Sequence[int]) -> None:
        super().__init__(b"")
        self.choices = list(choices)
        self.ranges: list[int] = []

    def below(self, n: int) -> int:
        self.ranges.append(n)
        at = len(self.ranges) - 1
        if at == len(self.choices):
            self.choices.append(0)
        return self.choices[at]


def distribution(draw: Callable[[RandomStream], Hashable]) -> dict[Hashable, Fraction]:
    """Return the exact probability of every result of ``draw``, by walking through all its choices."""
    found: Counter = Counter()
    choices: list[int] | None = []
    while choices is not None:
        stream = Choices(choices)
        found[draw(stream)] += Fraction(1, math.prod(stream.ranges))
        choices = _next(stream)
    return dict(found)


def _next(stream: Choices) -> list[int] | None:
    """Return the choices after these, like an odometer; None after the last."""
    for at in reversed(range(len(stream.ranges))):
        if stream.choices[at] + 1 < stream.ranges[at]:
            return [*stream.choices[:at], stream.choices[at] + 1]
    return None


def chi_square_p(counts: Sequence[int]) -> float:
    """Return the probability that equally likely outcomes differ by more: the upper incomplete gamma function."""
    expected = sum(counts) / len(counts)
    half = sum((count - expected) ** 2 for count in counts) / expected / 2
    degrees = len(counts) - 1
    shape, p = (1.0, math.exp(-half)) if degrees % 2 == 0 else (0.5, math.erfc(math.sqrt(half)))
    while half and shape < degrees / 2:
        p += math.exp(shape * math.log(half) - half - math.lgamma(shape + 1))
        shape += 1
    return p


def scripted_entropy(name: str) -> Callable[[int], bytes]:
    """Return entropy that is the same in every run, so that a test of chances never fails by chance."""
    stream = RandomStream(name.encode(), "entropy")
    return lambda size: stream._words(-(-size // 8)).tobytes()[:size]
