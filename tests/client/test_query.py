"""Query strings: complete, deterministic, escaped, and refused when the microversion cannot say them."""

import re
from urllib.parse import parse_qsl
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement_client.client import path_of
from placement_client.errors import InvalidQuery
from placement_client.query import (
    CandidateQuery,
    ProviderFilter,
    RequestGroup,
    provider_query_string,
    to_query_string,
    traits_query_string,
)

A = UUID("aaaaaaaa-0000-4000-8000-000000000000")
B = UUID("bbbbbbbb-0000-4000-8000-000000000000")
VCPU = {"VCPU": 1}


def any_of(*names: str) -> frozenset[str]:
    return frozenset(names)


def candidates(suffix: str = "", /, **parts: object) -> CandidateQuery:
    return CandidateQuery({suffix: RequestGroup(**{"resources": VCPU} | parts)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (candidates(resources={"VCPU": 2, "MEMORY_MB": 512}), "resources=MEMORY_MB:512,VCPU:2"),
        (candidates(required=(any_of("T"), any_of("S")), forbidden=any_of("X")), "required=S,T,!X&resources=VCPU:1"),
        (candidates(forbidden=any_of("X", "W")), "required=!W,!X&resources=VCPU:1"),
        (
            candidates(required=(any_of("T"), any_of("C", "B"))),
            "required=T&required=in:B,C&resources=VCPU:1",
        ),
        (candidates(member_of=(frozenset({A}),)), f"member_of={A}&resources=VCPU:1"),
        (
            candidates(member_of=(frozenset({B, A}), frozenset({B}))),
            f"member_of={B}&member_of=in:{A},{B}&resources=VCPU:1",
        ),
        (candidates(forbidden_aggregates=frozenset({A})), f"member_of=!{A}&resources=VCPU:1"),
        (candidates(forbidden_aggregates=frozenset({B, A})), f"member_of=!in:{A},{B}&resources=VCPU:1"),
        (candidates(in_tree=A), f"in_tree={A}&resources=VCPU:1"),
        (candidates("_GPU-1", in_tree=A), f"in_tree_GPU-1={A}&resources_GPU-1=VCPU:1"),
        (CandidateQuery({"": RequestGroup(VCPU)}, limit=7), "limit=7&resources=VCPU:1"),
        (
            CandidateQuery({"": RequestGroup(VCPU)}, root_required=any_of("R"), root_forbidden=any_of("Q")),
            "resources=VCPU:1&root_required=R,!Q",
        ),
        (
            CandidateQuery(
                {"_A": RequestGroup(VCPU), "_B": RequestGroup(required=(any_of("T"),))},
                group_policy="isolate",
                same_subtree=(any_of("_B", "_A"),),
            ),
            "group_policy=isolate&required_B=T&resources_A=VCPU:1&same_subtree=_A,_B",
        ),
    ],
)
def test_a_query_becomes_exactly_this(query: CandidateQuery, expected: str) -> None:
    assert to_query_string(query, "1.39") == expected


NEEDS = [
    (candidates(in_tree=A), 31, "in_tree"),
    (candidates(forbidden_aggregates=frozenset({A})), 32, "forbidden aggregates"),
    (candidates("_NUMA"), 33, "a group suffix"),
    (candidates("0"), 33, "a group suffix"),
    (CandidateQuery({"": RequestGroup(VCPU)}, root_required=any_of("R")), 35, "root_required"),
    (CandidateQuery({"": RequestGroup(VCPU)}, root_forbidden=any_of("R")), 35, "root_required"),
    (CandidateQuery({"1": RequestGroup(VCPU)}, same_subtree=(any_of("1"),)), 36, "same_subtree"),
    (candidates(required=(any_of("A", "B"),)), 39, "any-of traits"),
]


@pytest.mark.parametrize(("query", "minor", "feature"), NEEDS)
def test_what_needs_a_newer_microversion_says_so(query: CandidateQuery, minor: int, feature: str) -> None:
    to_query_string(query, f"1.{minor}")
    with pytest.raises(InvalidQuery, match=rf"{feature}.* needs microversion 1\.{minor}, not 1\.{minor - 1}"):
        to_query_string(query, f"1.{minor - 1}")


@pytest.mark.parametrize(
    "query",
    [
        candidates(),
        candidates("1"),
        candidates(required=(any_of("A"), any_of("B")), forbidden=any_of("C")),
        candidates(member_of=(frozenset({A, B}), frozenset({A}))),
        CandidateQuery({"1": RequestGroup(VCPU), "2": RequestGroup(VCPU)}, group_policy="none", limit=3),
    ],
)
def test_the_oldest_microversion_can_say_this(query: CandidateQuery) -> None:
    assert to_query_string(query, "1.28") == to_query_string(query, "1.39")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (CandidateQuery({}), "No group asks for resources"),
        (CandidateQuery({"": RequestGroup()}), "has no resources"),
        (CandidateQuery({"": RequestGroup(VCPU), "1": RequestGroup()}), "has no resources"),
        (CandidateQuery({"1": RequestGroup(VCPU), "2": RequestGroup(VCPU)}), "needs a group_policy"),
        (CandidateQuery({"": RequestGroup(VCPU)}, group_policy="pack"), "neither none nor isolate"),
        (CandidateQuery({"": RequestGroup(VCPU)}, limit=0), "Limit"),
        (CandidateQuery({"": RequestGroup(VCPU)}, limit=-1), "Limit"),
        (CandidateQuery({"": RequestGroup(VCPU)}, same_subtree=(any_of("_A"),)), "same_subtree|Same_subtree"),
        (CandidateQuery({"": RequestGroup(VCPU)}, same_subtree=(any_of(),)), "same_subtree|Same_subtree"),
        (CandidateQuery({"": RequestGroup(VCPU)}, root_required=any_of("A"), root_forbidden=any_of("A")), "both"),
        (candidates("a b"), "suffix"),
        (candidates("x" * 65), "suffix"),
        (candidates("1\n"), "suffix"),
        (candidates(resources={"VCPU": 0}), "amount"),
        (candidates(resources={"VCPU": True}), "amount"),
        (candidates(resources={"VCPU": 2**31}), "amount"),
        (candidates(resources={"vcpu": 1}), "name"),
        (candidates(resources={"VCPU:1,PCPU": 1}), "name"),
        (candidates(required=(any_of("A,!B"),)), "name"),
        (candidates(required=(any_of("A\n"),)), "name"),
        (candidates(required=(any_of("A", "in:B"),)), "name"),
        (candidates(forbidden=any_of("!A")), "name"),
        (candidates(required=(any_of(),)), "empty"),
        (candidates(member_of=(frozenset(),)), "empty"),
        (candidates(required=(any_of("A"),), forbidden=any_of("A")), "both"),
        (candidates(required=(any_of("A", "B"),), forbidden=any_of("A", "B", "C")), "both"),
    ],
)
def test_a_malformed_query_is_refused(query: CandidateQuery, message: str) -> None:
    with pytest.raises(InvalidQuery, match=message):
        to_query_string(query, "1.39")


NAMES = st.text("ABCXYZ_019", min_size=1, max_size=6)
TRAITS = st.frozensets(NAMES, min_size=1, max_size=3)
AGGREGATES = st.frozensets(st.uuids(), min_size=1, max_size=3)
GROUPS = st.builds(
    RequestGroup,
    resources=st.dictionaries(NAMES, st.integers(1, 2**31 - 1), min_size=1, max_size=3),
    required=st.lists(TRAITS, max_size=3).map(tuple),
    member_of=st.lists(AGGREGATES, max_size=2).map(tuple),
    forbidden_aggregates=st.frozensets(st.uuids(), max_size=2),
    in_tree=st.none() | st.uuids(),
)


@given(st.dictionaries(st.text("abc_-09", max_size=4), GROUPS, min_size=1, max_size=3))
def test_every_part_of_every_group_is_in_the_query(groups: dict[str, RequestGroup]) -> None:
    """Read back, the query has each amount, trait and aggregate under the key of its group, and no more values."""
    text = to_query_string(CandidateQuery(groups, group_policy="none"), "1.39")
    pairs = parse_qsl(text, strict_parsing=True)
    for suffix, group in groups.items():
        values = {key: [value for name, value in pairs if name == key + suffix] for key in KEYS}
        assert values["resources"] == [",".join(f"{name}:{group.resources[name]}" for name in sorted(group.resources))]
        assert traits_in(values["required"]) == set(group.required)
        assert len(values["member_of"]) == len(group.member_of) + bool(group.forbidden_aggregates)
        assert values["in_tree"] == ([str(group.in_tree)] if group.in_tree else [])


KEYS = ("resources", "required", "member_of", "in_tree")


def traits_in(values: list[str]) -> set[frozenset[str]]:
    """Return the any-of sets that these values of ``required`` mean, as Placement reads them."""
    chosen = {frozenset(value[3:].split(",")) for value in values if value.startswith("in:")}
    return chosen | {frozenset({name}) for value in values if not value.startswith("in:") for name in value.split(",")}


@given(st.dictionaries(NAMES, st.integers(1, 9), min_size=2, max_size=5))
def test_equal_queries_have_equal_strings(resources: dict[str, int]) -> None:
    backwards = dict(reversed(resources.items()))
    texts = {to_query_string(candidates(resources=each), "1.39") for each in (resources, backwards)}
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("providers", "expected"),
    [
        (ProviderFilter(), ""),
        (ProviderFilter(name="a b&c=d/é"), "name=a%20b%26c%3Dd%2F%C3%A9"),
        (ProviderFilter(uuid=A, in_tree=B), f"in_tree={B}&uuid={A}"),
        (ProviderFilter(resources={"VCPU": 1}, required=(any_of("T"),)), "required=T&resources=VCPU:1"),
        (ProviderFilter(member_of=(frozenset({A, B}),)), f"member_of=in:{A},{B}"),
    ],
)
def test_a_provider_filter_becomes_exactly_this(providers: ProviderFilter, expected: str) -> None:
    assert provider_query_string(providers, "1.28") == expected


@pytest.mark.parametrize(
    ("providers", "minor"),
    [
        (ProviderFilter(required=(any_of("A", "B"),)), 39),
        (ProviderFilter(forbidden_aggregates=frozenset({A})), 32),
    ],
)
def test_a_provider_filter_can_need_a_newer_microversion(providers: ProviderFilter, minor: int) -> None:
    provider_query_string(providers, f"1.{minor}")
    with pytest.raises(InvalidQuery, match=rf"needs microversion 1\.{minor}"):
        provider_query_string(providers, f"1.{minor - 1}")


def test_traits_are_asked_for_by_name() -> None:
    assert traits_query_string(["B", "A"]) == "name=in:A,B"


@given(st.text())
def test_no_name_can_change_a_path(name: str) -> None:
    """Whatever the text, the path is one segment below its template or the name is refused."""
    try:
        path = path_of("/traits/{name}", {"name": name})
    except InvalidQuery:
        return
    assert re.fullmatch(r"/traits/[A-Z0-9_]{1,255}", path)


@pytest.mark.parametrize("name", ["../resource_providers", "A/B", "A?b", "A#b", "", "a", "A\n", "A\x00", "%2e%2e", "Ä"])
def test_traversal_is_refused(name: str) -> None:
    with pytest.raises(InvalidQuery):
        path_of("/traits/{name}", {"name": name})
