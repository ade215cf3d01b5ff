"""Which rows something is on: names, instances, aggregates; each told as a loop over the facts tells it."""

from collections.abc import Sequence
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.hosts import snapshot_of
from scheduler.hosts.arrays import BLOCK, in_blocks
from scheduler.hosts.columns import columns_of, numbers_of
from scheduler.hosts.indexes import InstanceIndex, Memberships, NameIndex
from scheduler.model import AggregateFact, HostFact
from tests.hosts.fleets import uid

SAME_HASH = (1 << 61) - 1
"""Numbers that differ by it have one hash."""

FEW = [UUID(int=number) for number in (0, 1, 2, 1 + SAME_HASH, 2 + SAME_HASH, (1 << 128) - 1, 1 << 64, (1 << 64) + 1)]
uuids = st.sampled_from(FEW)
names = st.sampled_from(["a", "A", "b", "c"])


def test_the_uuids_that_are_tried_have_equal_hashes_among_them() -> None:
    assert hash(FEW[1].int) == hash(FEW[3].int)


@settings(deadline=None)
@given(st.lists(names, max_size=8))
def test_names_are_found_on_all_their_rows_in_order(given_names: list[str]) -> None:
    index = NameIndex.of_names(given_names)
    for name in ("a", "A", "b", "c", "other"):
        assert index.rows_of(name) == tuple(row for row, one in enumerate(given_names) if one == name)


def test_an_index_of_the_same_names_is_not_made_twice() -> None:
    index = NameIndex.of_names(["a", "b"])
    assert index.renamed(["a", "b"]) is index
    assert index.renamed(["b", "a"]).rows_of("a") == (1,)
    several = NameIndex.of_names(["a", "a"])
    assert several.renamed(["a", "b"]).rows_of("a") == (0,)


def test_the_case_of_host_names_counts_unless_told_otherwise() -> None:
    snapshot = snapshot_of([HostFact(name="Cmp", node="n"), HostFact(name="cmp", node="n"), HostFact(name="x")])
    assert (snapshot.rows_of_host("cmp"), snapshot.rows_of_host("CMP")) == ((1,), ())
    assert snapshot.rows_of_host("CMP", ignore_case=True) == (0, 1)
    assert (snapshot.rows_of_node("n"), snapshot.rows_of_node("x"), snapshot.rows_of_node("cmp")) == ((0, 1), (2,), ())


@settings(deadline=None)
@given(st.lists(st.lists(uuids, max_size=6), max_size=6))
def test_instances_are_found_where_they_are_although_others_have_their_hash(held: list[list[UUID]]) -> None:
    facts = tuple(HostFact(name=f"h{row}", instances=tuple(each)) for row, each in enumerate(held))
    index = InstanceIndex.of_facts(facts)
    for instance in FEW:
        assert index.rows_of(instance) == tuple(row for row, each in enumerate(held) if instance in each)


def test_an_instance_is_kept_as_a_number_of_eight_bytes() -> None:
    facts = [HostFact(name=f"h{row}", instances=tuple(uid(f"{row}-{at}") for at in range(10))) for row in range(10)]
    assert InstanceIndex.of_facts(facts).marks.nbytes == 8 * 100


@settings(deadline=None)
@given(st.lists(st.lists(uuids, max_size=4), max_size=6), st.dictionaries(uuids, st.sampled_from(["x", "y"])))
def test_memberships_are_those_of_a_loop_over_facts(given_ids: list[list[UUID]], said: dict[UUID, str]) -> None:
    facts = [HostFact(name=f"h{row}", aggregates=tuple(each)) for row, each in enumerate(given_ids)]
    known = Memberships.of_facts(facts)
    assert known.told(said) == [frozenset(said[one] for one in each if one in said) for each in [*given_ids, []]]
    for aggregate in FEW:
        assert known.members_of(aggregate).tolist() == [*(aggregate in each for each in given_ids), False]
    wanted = np.arange(len(facts) + 1) % 2 == 0
    assert known.of_rows(wanted) == {one.int for one in set().union(*given_ids[::2])}
    assert known.of_rows(np.ones(len(facts) + 1, dtype=np.bool_)) == {one.int for one in set().union(*given_ids)}


def test_aggregates_of_rows_are_those_that_are_known_in_their_order() -> None:
    known = [AggregateFact(uuid=uid(name), name=name) for name in ("z", "b", "a")]
    facts = [HostFact(name="h", aggregates=(uid("a"), uid("gone"), uid("z"))), HostFact(name="i", aggregates=())]
    snapshot = snapshot_of(facts, aggregates=known)
    assert [one.name for one in snapshot.aggregates_of(np.array([True, False, False]))] == ["z", "a"]
    assert snapshot.aggregates_of(np.array([False, True, True])) == ()


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 1])
def test_what_is_read_in_blocks_is_what_is_read_at_once(count: int) -> None:
    longest = 0

    def read(values: Sequence[int]) -> list[np.ndarray]:
        nonlocal longest
        longest = max(longest, len(values))
        return [np.array(values, dtype=np.int64), np.repeat(np.array(values, dtype=np.int64), 2)]

    once, twice = in_blocks(list(range(count)), read)
    assert once.tolist() == list(range(count))
    assert twice.tolist() == [number for number in range(count) for _ in range(2)]
    assert longest == min(count, BLOCK)


def test_columns_have_a_row_for_each_fact_and_one_for_none() -> None:
    facts = [HostFact(name=f"h{row}", num_io_ops=row, instances=(uid("i"),)) for row in range(BLOCK + 2)]
    columns = columns_of([*facts, HostFact(name="last", node="n", last_seen_up=1.0, stats={"a": "b"})])
    assert {name: len(column) for name, column in columns.items()} == dict.fromkeys(columns, BLOCK + 4)
    assert columns["host"].tolist() == [*(fact.name for fact in facts), "last", None]
    assert columns["nodename"][-3:].tolist() == [f"h{BLOCK + 1}", "n", None]
    assert columns["num_io_ops"].tolist() == [*range(BLOCK + 2), 0, 0]
    assert columns["num_instances"][-3:].tolist() == [1, 0, 0]
    assert np.isnan(columns["last_seen_up"]).tolist() == [True] * (BLOCK + 2) + [False, True]
    assert columns["stats"][-3:].tolist() == [{}, {"a": "b"}, {}]
    assert (columns["up"][-2:].tolist(), columns["supported_instances"][-1]) == ([True, False], ())
    assert columns_of([])["host"].tolist() == [None]


counts = st.dictionaries(st.sampled_from(["debian", "fedora"]), st.integers(0, 9))
facts_with_numbers = st.builds(
    lambda metrics, images: HostFact(name="h", metrics=metrics, image_properties=images),
    st.dictionaries(st.sampled_from(["cpu", "io"]), st.floats(-1e100, 1e100)),
    st.dictionaries(st.sampled_from(["os", "arch"]), counts),
)


@settings(deadline=None)
@given(st.lists(facts_with_numbers, max_size=6))
def test_numbers_are_those_of_a_loop_over_facts(facts: list[HostFact]) -> None:
    expected: dict[tuple[str, ...], list[tuple[int, float]]] = {}
    for row, fact in enumerate(facts):
        for name, measured in fact.metrics.items():
            expected.setdefault(("metrics", name), []).append((row, measured))
        for name, values in fact.image_properties.items():
            for value, instances in values.items():
                expected.setdefault(("image_properties", name, value), []).append((row, instances))
    found = numbers_of(facts)
    assert {
        path: list(zip(*(array.tolist() for array in pair), strict=True)) for path, pair in found.items()
    } == expected
    assert {held.dtype for _, held in found.values()} <= {np.dtype(np.float64)}


def test_a_name_of_a_metric_is_not_mistaken_for_one_of_an_image_property() -> None:
    fact = HostFact(name="h", metrics={"os": 2}, image_properties={"os": {"debian": 3}})
    assert set(numbers_of([fact])) == {("metrics", "os"), ("image_properties", "os", "debian")}
