"""An answer of candidates stays as it was written, is as strict as the others, and is what its values say."""

import gc
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement_client.decode import decode
from placement_client.errors import BadAnswer
from placement_client.models import (
    AllocationCandidates,
    AllocationRequest,
    Answer,
    ProviderSummary,
    Request,
    Resources,
    ResourceSummary,
)
from scheduler.hosts import build_host_table, snapshot_of

ASKED = Request("GET", "/allocation_candidates", "/allocation_candidates", microversion="1.39")
HEAD = {"content-type": "application/json", "openstack-api-version": "placement 1.39"}
ONE, OTHER = (f"6a3f1a51-9c0f-4f5e-8a4a-2b7f3c0de11{end}" for end in "1a")

amounts = st.dictionaries(st.sampled_from(("VCPU", "MEMORY_MB", "CUSTOM_A")), st.integers(1, 9), min_size=1)
uuids = st.uuids()
requests = st.builds(
    AllocationRequest,
    st.dictionaries(uuids, st.builds(Resources, amounts), min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(("", "_1", "_NET")), st.lists(uuids, max_size=2), max_size=2),
)
summaries = st.builds(
    ProviderSummary,
    st.dictionaries(st.sampled_from(("VCPU", "DISK_GB")), st.builds(ResourceSummary, st.just(9), st.integers(0, 9))),
    st.lists(st.sampled_from(("HW_A", "HW_B", "CUSTOM_C")), max_size=2),
    st.none() | uuids,
    st.none() | uuids,
)
answers = st.builds(AllocationCandidates, st.lists(requests, max_size=3), st.dictionaries(uuids, summaries, max_size=3))


def body(**change: Any) -> dict[str, Any]:
    """Return an answer in which one provider is a candidate."""
    room = {"resources": {"VCPU": {"capacity": 8, "used": 0}}, "traits": ["HW_A"], "root_provider_uuid": ONE}
    way = {"allocations": {ONE: {"resources": {"VCPU": 1}}}, "mappings": {"": [ONE]}}
    return {"allocation_requests": [way], "provider_summaries": {ONE: room}} | change


def read(said: dict[str, Any]) -> AllocationCandidates:
    return decode(ASKED, Answer(200, HEAD, json.dumps(said).encode()), AllocationCandidates)


@given(answers)
def test_what_is_written_are_the_values_that_it_was_made_of(found: AllocationCandidates) -> None:
    again = AllocationCandidates.of(found.written)
    assert again == found
    assert len(again) == len(found.allocation_requests)
    assert AllocationCandidates(again.allocation_requests, again.provider_summaries).written == found.written


@given(answers)
def test_the_roots_are_those_of_the_summaries(found: AllocationCandidates) -> None:
    said = {one.root_provider_uuid or own for own, one in found.provider_summaries.items()}
    assert set(found.roots) == said
    assert len(found.roots) == len(said)


def test_the_answer_is_what_placement_says() -> None:
    found = read(body())
    assert found.allocation_requests == [AllocationRequest({UUID(ONE): Resources({"VCPU": 1})}, {"": [UUID(ONE)]})]
    assert found.provider_summaries == {
        UUID(ONE): ProviderSummary({"VCPU": ResourceSummary(8, 0)}, ["HW_A"], None, UUID(ONE))
    }


@pytest.mark.parametrize(
    "summaries",
    [
        {ONE: {"resources": {}}, "not-a-uuid": {"resources": {}}},
        {ONE: {"resources": {}, "root_provider_uuid": "not-a-uuid"}},
        {ONE: {"resources": {}, "root_provider_uuid": ""}},
        {ONE: {"resources": {}, "parent_provider_uuid": "not-a-uuid"}},
        {ONE: {"resources": {}, "parent_provider_uuid": ""}},
        {OTHER: {"resources": {}}, OTHER.upper(): {"resources": {}}},
        {ONE: {"resources": {}, "traits": ["not a trait"]}},
        {ONE: {"resources": {}, "traits": "HW_A"}},
        {ONE: {"resources": {"vcpu": {"capacity": 1, "used": 0}}}},
    ],
    ids=["provider", "root", "empty root", "parent", "empty parent", "one provider twice", "trait", "traits", "class"],
)
def test_what_is_no_answer_is_refused_when_it_is_read(summaries: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        read(body(provider_summaries=summaries))


@pytest.mark.parametrize("mappings", [{"": ["not-a-uuid"]}, {"": ONE}, [ONE], 7])
def test_mappings_that_are_none_are_refused_before_they_are_used(mappings: Any) -> None:
    way = {"allocations": {ONE: {"resources": {"VCPU": 1}}}, "mappings": mappings}
    hosts = build_host_table(read(body(allocation_requests=[way])), snapshot_of([]))
    with pytest.raises(BadAnswer, match="mappings") as caught:
        hosts.request_of(0)
    assert caught.value.__context__ is None
    with pytest.raises(BadAnswer):
        _ = read(body(allocation_requests=[way])).allocation_requests


def test_the_garbage_collector_has_next_to_nothing_to_look_at() -> None:
    names = [str(UUID(int=number)) for number in range(500)]
    room = body()["provider_summaries"][ONE]
    said = {
        "allocation_requests": [
            {"allocations": {name: {"resources": {"VCPU": 1}}}, "mappings": {"": [name]}} for name in names
        ],
        "provider_summaries": {name: room | {"root_provider_uuid": name} for name in names},
    }
    gc.collect()
    before = len(gc.get_objects())
    found = read(said).written
    gc.collect()
    assert len(gc.get_objects()) - before < 0.1 * len(names)
    assert len(found.allocation_requests) == len(names)
