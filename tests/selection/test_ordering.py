"""From weights to an order."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scheduler.randomness import RandomStream
from scheduler.selection.ordering import DRAWN, SMALL, order_hosts
from scheduler.settings import OrderSettings


def order(weights: list[float], seed: int = 0, *, subset: int = 1, shuffle: bool = False) -> list[int]:
    settings = OrderSettings(host_subset_size=subset, shuffle_best_same_weighed_hosts=shuffle)
    return order_hosts(np.array(weights), RandomStream(seed.to_bytes(32)), settings).tolist()


def test_best_first_and_ties_as_they_came() -> None:
    assert order([1, 3, 2, 3, 1]) == [1, 3, 2, 0, 4]
    assert order([1, 2] * 100) == [*range(1, 200, 2), *range(0, 200, 2)]
    assert order([]) == []
    assert order([], subset=3, shuffle=True) == []


def test_only_ties_at_the_top_are_shuffled() -> None:
    orders = {tuple(order([3, 3, 2, 2, 3], seed, shuffle=True)) for seed in range(200)}
    assert {one[3:] for one in orders} == {(2, 3)}
    assert len({one[:3] for one in orders}) == 6


def test_the_shuffle_is_uniform() -> None:
    counts = Counter(order([1] * 4, seed, shuffle=True)[0] for seed in range(4000))
    assert all(abs(counts[host] - 1000) < 150 for host in range(4))


def test_the_subset_draws_the_first_and_leaves_the_rest_in_order() -> None:
    orders = {tuple(order([5, 4, 3, 2], seed, subset=3)) for seed in range(100)}
    assert orders == {(0, 1, 2, 3), (1, 0, 2, 3), (2, 0, 1, 3)}


def test_a_subset_larger_than_the_fleet_is_the_fleet() -> None:
    assert {order([2, 1], seed, subset=100)[0] for seed in range(50)} == {0, 1}


@pytest.mark.parametrize("hosts", [1, 2, DRAWN, DRAWN + 1, 1000])
def test_an_order_is_a_permutation(hosts: int) -> None:
    assert sorted(order([1.0] * hosts, shuffle=True, subset=7)) == list(range(hosts))


def test_every_host_of_many_can_come_first() -> None:
    firsts = {order([1.0] * 200, seed, shuffle=True)[0] for seed in range(3000)}
    assert firsts == set(range(200))


def test_the_same_seed_gives_the_same_order() -> None:
    assert order([1.0] * 50, 7, shuffle=True, subset=5) == order([1.0] * 50, 7, shuffle=True, subset=5)


@given(
    weights=st.lists(st.integers(0, 5).map(float), min_size=1, max_size=60),
    beside=st.sampled_from((0, SMALL)),
    first=st.integers(1, 40),
    subset=st.integers(1, 4),
    shuffle=st.booleans(),
)
@example(weights=[*map(float, range(60))], beside=SMALL, first=30, subset=1, shuffle=False)
@example(weights=[*map(float, range(60))], beside=SMALL, first=3, subset=1, shuffle=True)
def test_the_first_places_are_those_of_the_whole_order(
    weights: list[float], beside: int, first: int, subset: int, shuffle: bool
) -> None:
    settings, totals = (
        OrderSettings(host_subset_size=subset, shuffle_best_same_weighed_hosts=shuffle),
        np.array(weights + [-1.0] * beside),
    )
    every, some = (order_hosts(totals, RandomStream(bytes(32)), settings, places) for places in (None, first))
    assert len(some) >= min(first, len(totals))
    assert some[:first].tolist() == every[:first].tolist()
