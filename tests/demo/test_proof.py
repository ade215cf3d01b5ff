"""Each statement of the proof turns false when what it says is broken."""

from dataclasses import replace
from uuid import UUID

import pytest

from demo.proof import Provider, proofs
from placement_client.models import AllocationRequest, ConsumerAllocations, ProviderAllocation, Resources
from scheduler.model import Selection

INSTANCE, HOST = UUID(int=1), UUID(int=2)
SELECTION = Selection(
    instance_uuid=INSTANCE,
    service_host="h1",
    nodename="h1",
    compute_node_uuid=HOST,
    allocation_request=AllocationRequest(allocations={HOST: Resources({"VCPU": 2, "PGPU": 1})}),
    allocation_request_version="1.39",
    claimed=True,
)
HELD = {HOST: {"VCPU": 2, "PGPU": 1}}
PROVIDER = Provider("h1", {"VCPU": 2, "PGPU": 8}, {"VCPU": 2, "PGPU": 1}, frozenset({str(INSTANCE)}))


def _held(amounts: dict[UUID, dict[str, int]], consumer_type: str = "INSTANCE") -> dict[UUID, ConsumerAllocations]:
    allocations = {provider: ProviderAllocation(resources) for provider, resources in amounts.items()}
    return {INSTANCE: ConsumerAllocations(allocations, 1, "p", "u", consumer_type)}


def _holding(**changed) -> list[bool]:
    facts = {"selections": [SELECTION], "held": _held(HELD), "providers": [PROVIDER], "reservations": 0} | changed
    return [proof.holds for proof in proofs(**facts)]


def test_all_holds_after_a_sound_run() -> None:
    assert _holding() == [True, True, True, True]


@pytest.mark.parametrize(
    "amounts",
    [
        {},
        {HOST: {"VCPU": 2}},
        {HOST: {"VCPU": 3, "PGPU": 1}},
        {UUID(int=3): {"VCPU": 2, "PGPU": 1}},
        HELD | {UUID(int=3): {"VCPU": 1}},
    ],
)
def test_an_instance_that_holds_anything_else_is_found(amounts) -> None:
    assert _holding(held=_held(amounts)) == [False, True, True, True]


def test_an_instance_that_is_still_a_reservation_is_found() -> None:
    assert _holding(held=_held(HELD, "SCHED_RESERVATION")) == [False, True, True, True]


def test_a_reservation_that_is_left_is_found() -> None:
    assert _holding(reservations=1) == [True, False, True, True]


@pytest.mark.parametrize("used", [{"VCPU": 3}, {"PGPU": 9}, {"DISK_GB": 1}])
def test_a_provider_over_capacity_is_found(used) -> None:
    assert _holding(providers=[replace(PROVIDER, used=used)]) == [True, True, False, True]


def test_a_consumer_that_is_nobody_is_found() -> None:
    provider = replace(PROVIDER, holders=frozenset({str(INSTANCE), str(UUID(int=9))}))
    assert _holding(providers=[provider]) == [True, True, True, False]
