"""Repeatable chance for cases; pools are small, so that corners meet."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from fuzz.dice import Dice

T = TypeVar("T")


class Draw(Dice):
    """What a seed determines."""

    def one_in(self, n: int) -> bool:
        """Tell whether a chance of one in n came up."""
        return self.below(n) == 0

    def some(self, pool: Sequence[T], most: int) -> list[T]:
        """Return up to so many of a pool, each at most once."""
        left, found = list(pool), list[T]()
        for _ in range(min(self.below(most + 1), len(left))):
            found.append(left.pop(self.below(len(left))))
        return found

    def several(self, make: Callable[["Draw"], T], least: int, most: int) -> list[T]:
        """Return from ``least`` to ``most`` of what is made one at a time."""
        return [make(self) for _ in range(least + self.below(most - least + 1))]

    def fields(self, pools: Mapping[str, Sequence[T]], one_in: int = 2) -> dict[str, T]:
        """Return some fields, each there with a chance of one in so many, with a value of its pool."""
        return {name: self.pick(pool) for name, pool in pools.items() if self.one_in(one_in)}
