"""A number that stands for an array: other values, or the same in another order, have another one but by chance.

It is for finding out that a decision made again differs, which nobody tries to hide, and is taken for every instance
of a batch over all hosts; a hash that withstands attacks takes ten times as long.
"""

from functools import lru_cache

import numpy as np

from scheduler.hosts.arrays import AnyArray

_STEP = np.uint64(0x9E3779B97F4A7C15)  # splitmix64
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_LOW = np.uint64(44)


def fingerprint(values: AnyArray) -> int:
    """Return a number below 2**64 for an array of one dimension whose values have 8 bytes each.

    Each is multiplied by an odd number that belongs to its place, and the products are added up modulo 2**64.
    """
    bits = values.view(np.uint64)
    folded = bits ^ (bits >> _LOW)  # what ends in zeros, as most floats do, would only change the last digits
    return int(np.dot(folded, _factors(len(bits))))


@lru_cache(maxsize=8)
def of_all_rows(size: int) -> int:
    """Return the fingerprint of the rows of a table from which no filter removed any."""
    return fingerprint(np.arange(size, dtype=np.int64))


@lru_cache(maxsize=8)
def _factors(size: int) -> AnyArray:
    numbers = np.arange(1, size + 1, dtype=np.uint64) * _STEP
    return (numbers ^ (numbers >> np.uint64(30))) * _MIX | np.uint64(1)
