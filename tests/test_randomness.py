"""Draws are exactly uniform, depend on the seed alone, and can be repeated."""

import math
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import numpy as np
import pytest

from scheduler.randomness import SEED_BYTES, RandomStream, SeededRandomSource, SystemRandomSource


class Scripted(RandomStream):
    """A stream of chosen 64 bit words, to enumerate what every word leads to."""

    def __init__(self, words: list[int]) -> None:
        super().__init__(b"")
        self._script = list(words)

    def _words(self, n: int) -> np.ndarray:
        taken, self._script = self._script[:n], self._script[n:]
        return np.array(taken, dtype=np.uint64)


@pytest.mark.parametrize("n", range(1, 65))
def test_the_words_that_are_used_split_evenly(n):
    """Exact: the accepted words are a whole number of rounds of n, and what is above them is drawn again."""
    top = 2**64
    accepted = top - top % n
    assert accepted % n == 0
    assert [Scripted([word]).below(n) for word in range(2 * n)] == [*range(n), *range(n)]
    assert Scripted([accepted - 1]).below(n) == n - 1
    if accepted < top:
        assert Scripted([accepted, top - 1, 1]).below(n) == 1


@pytest.mark.parametrize("n", [2, 3, 5, 7, 10, 100])
def test_draws_pass_a_chi_square_test(n):
    stream = RandomStream(b"fixed seed")
    draws = 20_000
    counts = Counter(stream.below(n) for _ in range(draws))
    expected = draws / n
    chi_square = sum((counts[value] - expected) ** 2 / expected for value in range(n))
    # Wilson-Hilferty: the chance of a larger value is below 1e-6 beyond this bound.
    degrees = n - 1
    bound = degrees * (1 - 2 / (9 * degrees) + 4.753 * math.sqrt(2 / (9 * degrees))) ** 3
    assert chi_square < bound
    assert set(counts) == set(range(n))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_every_order_comes_from_exactly_one_order_of_the_keys(n):
    """Exact: distinct keys come in n! equally likely orders; each leads to one permutation and no two to the same."""
    found = [tuple(Scripted([7 * key for key in keys]).permutation(n).tolist()) for keys in permutations(range(n))]
    assert sorted(found) == sorted(permutations(range(n)))


@pytest.mark.parametrize("keys", [[5, 5, 1], [1, 5, 5], [0, 7, 0], [3, 3, 3]])
def test_keys_that_collide_are_drawn_again(keys):
    """Breaking the tie by position would favour one order."""
    assert Scripted([*keys, 2, 1, 0]).permutation(3).tolist() == [2, 1, 0]


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


def test_the_module_level_generator_has_no_influence_and_is_not_disturbed():
    random.seed(1)
    first = drawn(b"seed")
    state = random.getstate()
    random.seed(2)
    assert drawn(b"seed") == first
    random.setstate(state)
    assert random.getstate() == state


def test_seeds_of_the_system_differ_also_for_one_request():
    source = SystemRandomSource()
    seeds = {source.seed("req-1") for _ in range(1000)}
    assert len(seeds) == 1000
    assert {len(seed) for seed in seeds} == {SEED_BYTES}


def test_seeds_under_a_key_depend_on_key_and_request_alone():
    one, other = SeededRandomSource(b"key"), SeededRandomSource(b"other key")
    assert one.seed("req-1") == SeededRandomSource(b"key").seed("req-1")
    assert len({one.seed("req-1"), one.seed("req-2"), other.seed("req-1"), other.seed("req-2")}) == 4
    assert len(one.seed("req-1")) == SEED_BYTES


def test_threads_get_what_one_thread_gets():
    source = SeededRandomSource(b"key")

    def order(number: int) -> list[int]:
        return drawn(source.seed(f"req-{number}"))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(order, range(100))) == [order(number) for number in range(100)]
