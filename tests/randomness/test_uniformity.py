"""Draws are exactly uniform: every word, every choice and every order, counted; and no statistic tells otherwise."""

import math
from collections import Counter
from fractions import Fraction
from itertools import permutations, product

import numpy as np
import pytest

from scheduler.randomness import RandomStream, SystemRandomSource
from scheduler.selection.ordering import DRAWN, order_hosts
from scheduler.settings import OrderSettings
from tests.randomness.draws import Choices, Words, chi_square_p, distribution, scripted_entropy

SIZES = (2, 3, 5, 7, 10, 100, 1000)
SHUFFLED = OrderSettings()


def first(ties: int, stream: RandomStream, settings: OrderSettings = SHUFFLED) -> int:
    return int(order_hosts(np.ones(ties), stream, settings)[0])


@pytest.mark.parametrize("n", range(1, 65))
def test_every_word_of_every_width_is_fair(n):
    """Exact: each outcome has the same number of words; every other word is drawn again, and then all are fair too."""
    narrowest = max(1, (n - 1).bit_length())
    for bits in {narrowest, narrowest + 1, 7}:
        words = range(1 << bits)
        accepted = [word for word in words if not _again(word, n, bits)]
        counts = Counter(Words([word], bits).below(n) for word in accepted)
        assert counts == dict.fromkeys(range(n), len(words) // n)
        for word in set(words) - set(accepted):
            assert Words([word, accepted[-1]], bits).below(n) == Words([accepted[-1]], bits).below(n)


def _again(word: int, n: int, bits: int) -> bool:
    try:
        Words([word], bits).below(n)
    except IndexError:
        return True
    return False


def test_after_a_word_that_is_not_used_the_next_one_decides_alone():
    """Exact over all pairs of 3 bit words: 1/3 each among those pairs that decide."""
    decided = [(a, b) for a, b in product(range(8), repeat=2) if a < 6 or b < 6]
    counts = Counter(Words(pair, 3).below(3) for pair in decided)
    assert counts == dict.fromkeys(range(3), len(decided) // 3)


def test_more_outcomes_than_words_are_refused_instead_of_drawn_for_ever():
    with pytest.raises(ValueError, match=r"n <= 2\*\*64"):
        RandomStream(b"").below(2**64 + 1)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_hosts_that_tie_come_in_every_order_with_the_same_probability(n):
    """Exact: n! orders, each with probability 1/n!."""
    orders = distribution(lambda stream: tuple(order_hosts(np.ones(n), stream, SHUFFLED).tolist()))
    assert orders == dict.fromkeys(permutations(range(n)), Fraction(1, math.factorial(n)))


@pytest.mark.parametrize(("n", "bits"), [(1, 3), (2, 3), (3, 3), (4, 3), (5, 3)])
def test_every_permutation_has_as_many_words_as_any_other(n, bits):
    """Exact over all words of this width: keys that collide are drawn again, the others make each order equally."""
    counts: Counter = Counter()
    for keys in product(range(1 << bits), repeat=n):
        if len(set(keys)) == n:
            counts[tuple(Words(keys, bits).permutation(n).tolist())] += 1
        else:
            with pytest.raises(IndexError):
                Words(keys, bits).permutation(n)
    assert counts == dict.fromkeys(permutations(range(n)), math.comb(1 << bits, n))


@pytest.mark.parametrize("n", [*range(1, 65), DRAWN + 1, 200])
def test_every_host_that_ties_comes_first_for_exactly_one_first_choice(n):
    """Exact: whatever the choices after it, the first one alone says who comes first, and reaches everybody."""
    for later in (0, 1):
        fronts = [first(n, Choices([choice, *([later] * (min(n - 1, DRAWN) - 2))])) for choice in range(n)]
        assert sorted(fronts) == list(range(n))


@pytest.mark.parametrize("subset", [2, 3, 5, 8])
def test_each_host_of_a_subset_comes_first_with_the_same_probability(subset):
    settings = OrderSettings(host_subset_size=subset, shuffle_best_same_weighed_hosts=False)
    weights = np.arange(10.0, 0.0, -1.0)
    fronts = distribution(lambda stream: int(order_hosts(weights, stream, settings)[0]))
    assert fronts == dict.fromkeys(range(subset), Fraction(1, subset))


@pytest.mark.parametrize("n", SIZES)
def test_a_million_draws_pass_a_chi_square_test(n):
    words = RandomStream(b"fixed seed", str(n))._words(10**6)
    assert int(words.max()) < 2**64 - 2**64 % n  # none of these is drawn again
    counts = np.bincount((words % np.uint64(n)).astype(np.int64), minlength=n)
    assert chi_square_p(counts.tolist()) > 1e-6
    stream = RandomStream(b"fixed seed")
    counts = np.bincount([stream.below(n) for _ in range(20_000)], minlength=n)
    assert chi_square_p(counts.tolist()) > 1e-6


def test_the_first_draws_of_many_requests_pass_a_chi_square_test():
    """As it is used: one stream a request, and mostly one draw from it."""
    source = SystemRandomSource(scripted_entropy("first draws"))
    draws = [RandomStream(source.seed(f"req-{number}")).below(10) for number in range(50_000)]
    assert chi_square_p(np.bincount(draws, minlength=10).tolist()) > 1e-6


def test_the_chi_square_test_finds_a_small_bias():
    """Negative control: bytes folded onto ten outcomes without drawing again."""
    folded = (RandomStream(b"fixed seed")._words(10**6) % np.uint64(256) % np.uint64(10)).astype(np.int64)
    assert chi_square_p(np.bincount(folded).tolist()) < 1e-6
    assert chi_square_p([50, 50, 50]) == pytest.approx(1.0)
    assert chi_square_p([516_000, 484_000]) < 1e-6 < chi_square_p([502_400, 497_600])
    # From tables: 3.841 for one degree of freedom and 16.919 for nine are exceeded with probability 0.05.
    assert chi_square_p([500_980, 499_020]) == pytest.approx(0.05, abs=0.001)


def test_draws_do_not_depend_on_the_draws_before():
    """Serial correlation of a million words at lags 1 to 10 stays below 5 sigma; sorted words show what it would be."""
    words = RandomStream(b"fixed seed")._words(10**6) / 2.0**64 - 0.5

    def sigmas(values: np.ndarray, lag: int) -> float:
        return float(abs((values[lag:] * values[:-lag]).mean()) * 12 * math.sqrt(len(values)))

    assert max(sigmas(words, lag) for lag in range(1, 11)) < 5
    assert sigmas(np.sort(words), 1) > 100


def test_a_hundred_million_bits_have_as_many_ones_and_runs_as_chance():
    bits = np.unpackbits(RandomStream(b"fixed seed")._words(100_000_000 // 64).view(np.uint8))
    sigma = math.sqrt(len(bits)) / 2
    assert abs(int(bits.sum(dtype=np.int64)) - len(bits) / 2) < 5 * sigma
    assert abs(int(np.count_nonzero(bits[1:] != bits[:-1])) - len(bits) / 2) < 5 * sigma
