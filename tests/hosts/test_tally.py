"""Counts over rows are those of a loop over the list, whatever list was counted before."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.hosts.tally import Tally

ROWS = {"a": (0,), "b": (1, 3), "c": (), "d": (3,)}
lists = st.lists(st.sampled_from("abcd"), max_size=6).map(tuple)


@pytest.mark.parametrize("once", [True, False])
@given(asked=st.lists(lists, max_size=5), grown_by=lists)
def test_every_list_is_counted_as_a_loop_counts_it(once: bool, asked: list[tuple[str, ...]], grown_by) -> None:
    tally = Tally(ROWS.__getitem__, 4, once=once)
    for named in [*asked, *((*one, *grown_by) for one in asked[-1:])]:
        counted = Counter(row for one in (set(named) if once else named) for row in ROWS[one])
        assert tally.of(named).tolist() == [counted[row] for row in range(4)]


def test_a_list_that_has_grown_is_counted_on_and_the_same_one_not_at_all() -> None:
    looked_up: list[str] = []
    tally = Tally(lambda name: looked_up.append(name) or ROWS[name], 4)
    named = ("a", "b")
    first = tally.of(named)
    assert tally.of(named) is first
    assert tally.of((*named, "d")).tolist() == [1, 1, 0, 2]
    assert looked_up == ["a", "b", "d"]
    assert first.tolist() == [1, 1, 0, 1]
