"""Draws are exactly uniform, depend on the seed alone, and can be repeated."""

import math
from collections import Counter

import pytest

from scheduler.randomness import RandomStream
from tests.randomness.draws import Words


@pytest.mark.parametrize("n", range(1, 65))
def test_the_words_that_are_used_split_evenly(n):
    """Exact: the accepted words are a whole number of rounds of n, and what is above them is drawn again."""
    top = 2**64
    accepted = top - top % n
    assert accepted % n == 0
    assert [Words([word]).below(n) for word in range(2 * n)] == [*range(n), *range(n)]
    assert Words([accepted - 1]).below(n) == n - 1
    if accepted < top:
        assert Words([accepted, top - 1, 1]).below(n) == 1


@pytest.mark.parametrize("keys", [[5, 5, 1], [1, 5, 5], [0, 7, 0], [3, 3, 3]])
def test_keys_that_collide_are_drawn_again(keys):
    """Breaking the tie by position would favour one order."""
    assert Words([*keys, 2, 1, 0]).permutation(3).tolist() == [2, 1, 0]


def test_an_order_of_nothing_is_empty():
    assert RandomStream(b"").permutation(0).tolist() == []


def test_all_orders_of_four_are_reached_with_equal_frequency():
    stream = RandomStream(b"fixed seed")
    counts = Counter(tuple(stream.permutation(4).tolist()) for _ in range(12_000))
    assert len(counts) == 24
    assert max(abs(count - 500) for count in counts.values()) < 5 * math.sqrt(500)


@pytest.mark.parametrize("n", [0, -1])
def test_drawing_from_nothing_is_an_error(n):
    with pytest.raises(ValueError, match="n >= 1"):
        RandomStream(b"").below(n)


def drawn(seed: bytes, purpose: str = "order") -> list[int]:
    return RandomStream(seed, purpose).permutation(20).tolist()


def test_a_stream_is_a_function_of_its_seed_and_purpose():
    """The values are fixed: a change would make old decision records impossible to replay."""
    assert drawn(b"a") == drawn(b"a")
    assert len({tuple(order) for order in (drawn(b"a"), drawn(b"b"), drawn(b"a", "other"))}) == 3
    stream = RandomStream(bytes(32))
    assert [stream.below(1000) for _ in range(4)] == [239, 853, 27, 888]
    assert stream.permutation(8).tolist() == [0, 6, 4, 1, 7, 5, 3, 2]


def test_draws_go_on_where_the_last_one_ended():
    stream = RandomStream(b"a")
    assert len({tuple(stream.permutation(20).tolist()) for _ in range(50)}) == 50


def test_a_stream_does_not_repeat_within_many_blocks():
    stream = RandomStream(b"seed")
    words = [stream.below(2**64) for _ in range(10_000)]
    assert len(set(words)) == 10_000
