"""Relaxations leave out one constraint at a time, the telling ones first, and stay queries that can be sent."""

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from placement_client.query import CandidateQuery, RequestGroup, to_query_string
from scheduler.explain import relaxations

R3, R4, H1 = UUID(int=3), UUID(int=4), UUID(int=1)
NAMES = {R3: "rack r3", H1: "h1"}


def labels(query: CandidateQuery, at_most: int = 100) -> list[str]:
    return [label for label, _ in relaxations(query, NAMES, at_most)]


def traits(*names: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset({name}) for name in names)


RICH = CandidateQuery(
    groups={
        "": RequestGroup(
            resources={"VCPU": 4, "MEMORY_MB": 64, "DISK_GB": 10, "PGPU": 8},
            required=(*traits("A100"), frozenset({"X", "Y"})),
            forbidden=frozenset({"SLOW"}),
            member_of=(frozenset({R3}), frozenset({R3, R4})),
            forbidden_aggregates=frozenset({R4}),
            in_tree=H1,
        ),
        "p": RequestGroup(resources={"NET": 5}, required=traits("PHYS")),
    },
    group_policy="isolate",
    root_required=frozenset({"BIG"}),
    root_forbidden=frozenset({"OFF"}),
)


def test_every_constraint_is_left_out_once_the_telling_ones_first():
    assert labels(RICH) == [
        "host h1",
        "rack r3",
        f"{R4} or rack r3",
        f"keeping out of {R4}",
        "trait A100",
        "trait X or Y",
        "forbidden trait SLOW",
        "trait PHYS of group p",
        "trait BIG of the host",
        "PGPU 8",
        "NET 5 of group p",
        "group_policy isolate",
        "forbidden trait OFF of the host",
        "VCPU 4",
        "MEMORY_MB 64",
        "DISK_GB 10",
    ]


def test_a_relaxation_lacks_what_its_label_says_and_nothing_else():
    found = dict(relaxations(RICH, NAMES, 100))
    assert found["PGPU 8"].groups[""].resources == {"VCPU": 4, "MEMORY_MB": 64, "DISK_GB": 10}
    assert found["PGPU 8"].groups["p"] == RICH.groups["p"]
    assert found["rack r3"].groups[""].member_of == (frozenset({R3, R4}),)
    assert found["host h1"].groups[""].in_tree is None
    assert found["group_policy isolate"].group_policy == "none"
    assert found["trait BIG of the host"].root_required == frozenset()


def test_the_last_class_of_a_group_takes_the_group_with_it():
    found = dict(relaxations(RICH, NAMES, 100))
    assert set(found["NET 5 of group p"].groups) == {""}


def test_no_more_than_asked_for():
    assert labels(RICH, at_most=3) == labels(RICH)[:3]
    assert labels(RICH, at_most=0) == []


def test_a_query_for_one_class_alone_has_nothing_to_leave_out():
    assert labels(CandidateQuery(groups={"": RequestGroup(resources={"VCPU": 1})})) == []


def test_a_subtree_that_is_left_out_takes_groups_without_resources_along():
    query = CandidateQuery(
        groups={
            "": RequestGroup(resources={"VCPU": 1}),
            "a": RequestGroup(resources={"X": 1}),
            "b": RequestGroup(required=traits("T")),
        },
        group_policy="none",
        same_subtree=(frozenset({"a", "b"}),),
    )
    found = dict(relaxations(query, {}, 100))
    assert set(found["same_subtree a, b"].groups) == {"", "a"}
    assert found["X 1 of group a"].same_subtree == (frozenset({"b"}),)


NAME = st.sampled_from(["VCPU", "MEMORY_MB", "PGPU", "X"])
TRAIT = st.sampled_from(["A", "B", "C", "D"])
GROUP = st.builds(
    RequestGroup,
    resources=st.dictionaries(NAME, st.integers(1, 9), min_size=1),
    required=st.lists(TRAIT.map(lambda name: frozenset({name})), max_size=2, unique=True).map(tuple),
    member_of=st.lists(st.sampled_from([frozenset({R3}), frozenset({R4})]), max_size=2, unique=True).map(tuple),
    in_tree=st.sampled_from([None, H1]),
)


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(["", "a", "b"]), GROUP, min_size=1), st.booleans())
def test_every_relaxation_can_be_sent_and_differs_from_all_others(groups, tied):
    subtree = (frozenset(groups) - {""},) if tied and set(groups) - {""} else ()
    query = CandidateQuery(groups=groups, group_policy="isolate", same_subtree=subtree, root_required=frozenset({"A"}))
    found = relaxations(query, NAMES, 100)
    texts = [to_query_string(weaker, "1.39") for _, weaker in found]
    assert len({*texts, to_query_string(query, "1.39")}) == len(found) + 1
