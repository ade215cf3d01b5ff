"""How often a list names what is on each row; a list that has grown since is counted on from where it ended."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import numpy as np

from scheduler.hosts.arrays import IntArray

T = TypeVar("T")


class Tally(Generic[T]):
    """Counts over rows, for lists that are asked about again and again, and grow at their end in between.

    ``rows_of`` says on which of ``size`` rows one is. With ``once``, what is named twice counts once.
    """

    def __init__(self, rows_of: Callable[[T], Iterable[int]], size: int, *, once: bool = False) -> None:
        self._rows_of = rows_of
        self._once = once
        self._last: tuple[tuple[T, ...], IntArray] = ((), np.zeros(size, dtype=np.int64))

    def of(self, named: tuple[T, ...]) -> IntArray:
        """Return how often each row is named, shape (size,); not to be changed."""
        known, counts = self._last
        if named is known:
            return counts
        if self._once or named[: len(known)] != known:
            known, counts = (), np.zeros_like(counts)
        further = dict.fromkeys(named) if self._once else named[len(known) :]
        rows = [row for one in further for row in self._rows_of(one)]
        counts = counts + np.bincount(np.array(rows, dtype=np.int64), minlength=len(counts))
        self._last = named, counts
        return counts
