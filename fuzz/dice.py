"""Cheap repeatable chance for mutations; its slight bias does not matter there."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

BLOCK = 1024


class Dice:
    """Numbers that a seed determines."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._blocks = 0
        self._numbers: list[int] = []

    def below(self, n: int) -> int:
        """Return one of 0 .. n-1."""
        if not self._numbers:
            self._fill()
        return self._numbers.pop() % n

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of several."""
        return choices[self.below(len(choices))]

    def _fill(self) -> None:
        block = hashlib.shake_128(self._seed + self._blocks.to_bytes(8)).digest(4 * BLOCK)
        self._blocks += 1
        self._numbers = list(memoryview(block).cast("I"))
