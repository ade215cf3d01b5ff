"""Who tries to foresee a draw from the draws of others."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise

STATE = 624

Predict = Callable[[Sequence[int]], int]


def most_common(seen: Sequence[int]) -> int:
    """Guess what came most often."""
    return Counter(seen).most_common(1)[0][0]


def successor(seen: Sequence[int]) -> int:
    """Guess what most often followed what came last."""
    after: dict[int, Counter] = defaultdict(Counter)
    for one, following in pairwise(seen):
        after[one][following] += 1
    return after[seen[-1]].most_common(1)[0][0] if after[seen[-1]] else seen[-1]


def twister(outputs: Sequence[int]) -> random.Random:
    """Return a Mersenne Twister that goes on where these 624 outputs of 32 bits ended, if one made them."""
    clone = random.Random()
    clone.setstate((3, (*(_untempered(word) for word in outputs[-STATE:]), STATE), None))
    return clone


def _untempered(word: int) -> int:
    """Undo the last steps of the Mersenne Twister, each of them invertible."""
    word ^= word >> 18
    word ^= (word << 15) & 0xEFC60000
    word = _unshifted(word, lambda have: (have << 7) & 0x9D2C5680)
    return _unshifted(word, lambda have: have >> 11)


def _unshifted(word: int, step: Callable[[int], int]) -> int:
    have = word
    for _ in range(5):
        have = word ^ step(have)
    return have
