"""Whether the provider that an instance holds room of is a candidate for its new size."""

from dataclasses import replace
from uuid import UUID

import pytest

from placement_client.models import (
    AllocationCandidates,
    AllocationRequest,
    Inventory,
    ProviderSummary,
    Resources,
    ResourceSummary,
)
from placement_client.query import CandidateQuery, RequestGroup
from scheduler.moves.offers import OwnHost, own_candidate, without_use

ROOT, NODE, RACK, OTHER = (UUID(int=number) for number in (1, 2, 3, 4))
OWN = OwnHost(
    provider_uuid=NODE,
    root_uuid=ROOT,
    summaries={
        ROOT: ProviderSummary({}, ["R"], None, ROOT),
        NODE: ProviderSummary({"VCPU": ResourceSummary(8, 7)}, ["A", "B"], ROOT, ROOT),
    },
    inventories={"VCPU": Inventory(total=8, min_unit=2, max_unit=6, step_size=2)},
    aggregates=frozenset({RACK}),
)
HELD = {"VCPU": 3}


def asked(amount: int = 4, name: str = "VCPU", **group) -> CandidateQuery:
    return CandidateQuery({"": RequestGroup({name: amount}, **group)})


@pytest.mark.parametrize(
    "query",
    [
        asked(),
        asked(required=(frozenset({"A"}), frozenset({"X", "B"})), forbidden=frozenset({"R"})),
        asked(member_of=(frozenset({RACK, OTHER}),), forbidden_aggregates=frozenset({OTHER})),
        asked(in_tree=ROOT),
        asked(in_tree=NODE),
        replace(asked(), root_required=frozenset({"R"}), root_forbidden=frozenset({"A"})),
    ],
)
def test_it_is_where_room_traits_and_aggregates_fit_with_its_own_use_given_back(query):
    """7 of 8 are used, 3 of them its own."""
    found = own_candidate(OWN, query, HELD)
    assert found == AllocationRequest({NODE: Resources({"VCPU": 4})}, {"": [NODE]})


@pytest.mark.parametrize(
    "query",
    [
        asked(6),  # one more than there is
        asked(3),  # not a step
        asked(name="PCPU"),
        asked(required=(frozenset({"A"}), frozenset({"R"}))),
        asked(forbidden=frozenset({"B"})),
        asked(member_of=(frozenset({RACK}), frozenset({OTHER}))),
        asked(forbidden_aggregates=frozenset({RACK})),
        asked(in_tree=OTHER),
        replace(asked(), root_required=frozenset({"A"})),
        replace(asked(), root_forbidden=frozenset({"R"})),
        CandidateQuery({"1": RequestGroup({"VCPU": 4})}),
        CandidateQuery({"": RequestGroup({"VCPU": 2}), "1": RequestGroup({"VCPU": 2})}),
    ],
)
def test_it_is_none_where_anything_asked_for_does_not_fit(query):
    assert own_candidate(OWN, query, HELD) is None


def test_what_an_instance_holds_is_taken_off_the_providers_that_it_holds_it_on():
    found = AllocationCandidates([], {**OWN.summaries, OTHER: OWN.summaries[NODE]})
    left = without_use(found, {NODE: Resources(HELD)}).provider_summaries
    assert [left[uuid].resources["VCPU"].used for uuid in (NODE, OTHER)] == [4, 7]
    assert (left[NODE].traits, left[ROOT]) == (["A", "B"], OWN.summaries[ROOT])
    over = without_use(found, {NODE: Resources({"VCPU": 9})}).provider_summaries
    assert over[NODE].resources["VCPU"].used == 0
