"""Names for the array types of the deciding core, and how values become arrays."""

from collections.abc import Callable, Hashable, Sequence, Sized
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
MarkArray = npt.NDArray[np.uint64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
ObjectArray = npt.NDArray[np.object_]
AnyArray = npt.NDArray[Any]
Distinct = tuple[IntArray, tuple[Any, ...]]
"""Which of some distinct values each one is, and those, in the order in which they are met."""

BLOCK = 1_024
"""So many facts, providers or candidates, and what is being made of them, fit into a processor's cache."""

T = TypeVar("T")


def object_array(values: list[Any]) -> ObjectArray:
    """Return a one-dimensional array of these objects, whatever they are."""
    return np.fromiter(values, dtype=np.object_, count=len(values))


def lengths(values: Sequence[Sized]) -> IntArray:
    """Return how long each of these is."""
    return np.fromiter(map(len, values), dtype=np.int64, count=len(values))


def numbered(values: Sequence[Hashable]) -> Distinct:
    """Return the distinct values, in the order they are met, and which of them each one is."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return np.fromiter(map(numbers.__getitem__, values), dtype=np.int64, count=len(values)), tuple(numbers)


def in_blocks(values: Sequence[T], read: Callable[[Sequence[T]], Sequence[AnyArray]]) -> list[AnyArray]:
    """Return the arrays that are read from so many values, joined from those of blocks of ``BLOCK`` of them.

    A reader goes through its values several times, and finds them in the cache from the second time on.
    """
    parts = [read(values[start : start + BLOCK]) for start in range(0, max(len(values), 1), BLOCK)]
    return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
