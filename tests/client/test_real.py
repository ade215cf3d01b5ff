"""Each method once against the real Placement: what is written comes back."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from placement_client.client import PlacementClient
from placement_client.errors import CapacityExceeded, ConsumerConflict, NotFound, Refused, UnknownProvider
from placement_client.models import Answer, ConsumerWrite, Inventory, Request, Resources
from placement_client.query import CandidateQuery, ProviderFilter, RequestGroup
from placement_client.testing.real import RealPlacement


@pytest.fixture
def placement() -> Iterator[PlacementClient]:
    with RealPlacement() as real:
        yield real.client()


@pytest.fixture
def host(placement: PlacementClient) -> UUID:
    """A provider with 8 VCPU and a trait."""
    provider = placement.create_resource_provider("host", uuid4()).uuid
    placement.set_inventories(provider, 0, {"VCPU": Inventory(total=8)})
    placement.create_trait("CUSTOM_FAST")
    placement.set_provider_traits(provider, 1, ["CUSTOM_FAST"])
    return provider


def write(provider: UUID, amount: int, generation: int | None = None) -> ConsumerWrite:
    return ConsumerWrite({provider: Resources({"VCPU": amount})}, "p", "u", generation)


def test_the_newest_microversion_is_negotiated(placement: PlacementClient) -> None:
    assert placement.negotiate() == "1.39"


def test_a_provider_comes_back(placement: PlacementClient, host: UUID) -> None:
    child = placement.create_resource_provider("child", uuid4(), host)
    assert (child.parent_provider_uuid, child.root_provider_uuid) == (host, host)
    assert placement.get_resource_provider(child.uuid) == child
    assert [each.uuid for each in placement.list_resource_providers(ProviderFilter(name="host"))] == [host]
    assert {each.uuid for each in placement.list_resource_providers(ProviderFilter(in_tree=host))} == {host, child.uuid}


def test_inventories_come_back(placement: PlacementClient, host: UUID) -> None:
    wanted = {"VCPU": Inventory(8, 1, 1, 4, 1, 16.0), "MEMORY_MB": Inventory(1024, allocation_ratio=1.5)}
    assert placement.set_inventories(host, 2, wanted).inventories == wanted
    held = placement.get_inventories(host)
    assert (held.inventories, held.resource_provider_generation) == (wanted, 3)
    assert held.inventories["VCPU"].capacity == 112


def test_traits_come_back(placement: PlacementClient, host: UUID) -> None:
    assert placement.get_provider_traits(host).traits == ["CUSTOM_FAST"]
    assert placement.list_traits(["CUSTOM_FAST", "HW_CPU_X86_VMX", "CUSTOM_NONE"]) == ["CUSTOM_FAST", "HW_CPU_X86_VMX"]
    assert len(placement.list_traits()) > 300


def test_resource_classes_come_back(placement: PlacementClient) -> None:
    placement.create_resource_class("CUSTOM_LICENSE")
    placement.create_resource_class("CUSTOM_LICENSE")
    assert {"VCPU", "CUSTOM_LICENSE"} <= set(placement.list_resource_classes())


def test_aggregates_come_back(placement: PlacementClient, host: UUID) -> None:
    rack = uuid4()
    assert placement.set_aggregates(host, 2, [rack]).aggregates == [rack]
    assert placement.get_aggregates(host).resource_provider_generation == 3
    assert len(placement.list_resource_providers(ProviderFilter(member_of=(frozenset({rack}),)))) == 1


def test_a_claim_comes_back(placement: PlacementClient, host: UUID) -> None:
    """From candidates to allocations, as usage of the provider and of the project."""
    query = CandidateQuery({"": RequestGroup({"VCPU": 3}, required=(frozenset({"CUSTOM_FAST", "HW_CPU_X86_VMX"}),))})
    found = placement.get_allocation_candidates(query)
    [candidate] = found.allocation_requests
    assert found.provider_summaries[host].resources["VCPU"].capacity == 8
    consumer = uuid4()
    placement.put_allocations(consumer, ConsumerWrite(candidate.allocations, "p", "u", mappings=candidate.mappings))
    held = placement.get_allocations(consumer)
    assert (held.amounts(), held.consumer_generation) == ({host: {"VCPU": 3}}, 1)
    assert placement.get_provider_usages(host).usages == {"VCPU": 3}
    assert placement.get_project_usages("p").consumers("INSTANCE") == 1
    assert placement.get_project_usages("p", "nobody").consumers("INSTANCE") == 0
    assert set(placement.get_provider_allocations(host).allocations) == {str(consumer)}


def test_a_batch_moves_as_one(placement: PlacementClient, host: UUID) -> None:
    """What the claims protocol rests on: at full use, one POST empties one consumer and fills another."""
    reservation, instance = uuid4(), uuid4()
    placement.put_allocations(reservation, write(host, 8))
    placement.post_allocations({reservation: ConsumerWrite({}, "p", "u", 1), instance: write(host, 8)})
    assert placement.get_allocations(reservation).allocations == {}
    assert placement.get_allocations(instance).amounts() == {host: {"VCPU": 8}}


def test_refusals_are_told_apart(placement: PlacementClient, host: UUID) -> None:
    consumer = uuid4()
    placement.put_allocations(consumer, write(host, 1))
    for kind, attempt in (
        (CapacityExceeded, lambda: placement.put_allocations(uuid4(), write(host, 8))),
        (CapacityExceeded, lambda: placement.put_allocations(consumer, write(host, 9, 1))),
        (ConsumerConflict, lambda: placement.put_allocations(consumer, write(host, 1))),
        (ConsumerConflict, lambda: placement.put_allocations(consumer, write(host, 1, 7))),
        (ConsumerConflict, lambda: placement.put_allocations(uuid4(), write(host, 1, 1))),
        (UnknownProvider, lambda: placement.put_allocations(uuid4(), write(uuid4(), 1))),
        (UnknownProvider, lambda: placement.post_allocations({uuid4(): write(uuid4(), 1)})),
        (NotFound, lambda: placement.get_resource_provider(uuid4())),
        (Refused, lambda: placement.create_resource_provider("host", uuid4())),
        (Refused, lambda: placement.set_inventories(host, 3, {})),
    ):
        with pytest.raises(kind) as caught:
            attempt()
        assert type(caught.value) is kind
        assert caught.value.__context__ is None


class Older:
    """A transport that takes the newer microversions out of version discovery."""

    def __init__(self, inner: PlacementClient, newest: str) -> None:
        self.inner, self.newest = inner._transport, newest

    def send(self, request: Request, deadline: object) -> Answer:
        answer = self.inner.send(request, deadline)  # type: ignore[arg-type]
        if request.path != "/":
            return answer
        return Answer(answer.status, answer.headers, answer.body.replace(b'"1.39"', f'"{self.newest}"'.encode()))


@pytest.mark.parametrize("version", [f"1.{minor}" for minor in range(28, 40)])
def test_a_claim_works_at_every_microversion(placement: PlacementClient, host: UUID, version: str) -> None:
    older = PlacementClient(Older(placement, version))
    assert older.negotiate() == version
    [candidate] = older.get_allocation_candidates(
        CandidateQuery({"": RequestGroup({"VCPU": 3}, forbidden=frozenset({"HW_CPU_X86_VMX"}))})
    ).allocation_requests
    consumer = uuid4()
    older.put_allocations(consumer, ConsumerWrite(candidate.allocations, "p", "u", mappings=candidate.mappings))
    assert older.get_allocations(consumer).amounts() == {host: {"VCPU": 3}}
    older.post_allocations({consumer: ConsumerWrite({}, "p", "u", 1)})
    assert older.get_allocations(consumer).consumer_generation is None
