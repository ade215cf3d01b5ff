"""The table over answers of the real Placement: shared storage, nested providers, reserved amounts."""

from collections.abc import Mapping

import pytest

from placement_client.client import PlacementClient
from placement_client.models import ConsumerWrite, Inventory, Resources
from placement_client.query import CandidateQuery, RequestGroup
from placement_client.testing import RealPlacement
from scheduler.hosts import HostTable, PlacementHostSource, build_host_table
from tests.hosts.fleets import row_of, uid


def create(client: PlacementClient, name: str, inventories: Mapping[str, Inventory], parent: str | None = None) -> int:
    """Create a provider, return its generation."""
    created = client.create_resource_provider(name, uid(name), uid(parent) if parent else None)
    return client.set_inventories(uid(name), created.generation, inventories).resource_provider_generation


@pytest.fixture
def client(real_placement: RealPlacement) -> PlacementClient:
    """Return a client of a Placement with two hosts that have two cards each and share one pool of disk."""
    client = real_placement.client()
    for host in ("h1", "h2"):
        generation = create(client, host, {"VCPU": Inventory(8, reserved=2, allocation_ratio=2.0)})
        client.set_aggregates(uid(host), generation, [uid("storage")])
        for card in ("card0", "card1"):
            create(client, f"{host}_{card}", {"PGPU": Inventory(1)}, host)
    generation = create(client, "pool", {"DISK_GB": Inventory(100)})
    shares = client.set_provider_traits(uid("pool"), generation, ["MISC_SHARES_VIA_AGGREGATE"])
    client.set_aggregates(uid("pool"), shares.resource_provider_generation or 0, [uid("storage")])
    held = ConsumerWrite({uid("h1"): Resources({"VCPU": 3}), uid("h1_card0"): Resources({"PGPU": 1})}, "p", "u")
    client.put_allocations(uid("somebody"), held)
    return client


def hosts_for(client: PlacementClient, **resources: int) -> HostTable:
    query = CandidateQuery({"": RequestGroup(resources=resources)})
    source = PlacementHostSource(client, details="full")
    return build_host_table(client.get_allocation_candidates(query), source.snapshot())


def test_hosts_are_those_that_compute(client: PlacementClient) -> None:
    hosts = hosts_for(client, VCPU=1, DISK_GB=60)
    assert set(hosts.names) == {"h1", "h2"}
    h1 = row_of(hosts, "h1")
    assert (hosts.capacity("VCPU")[h1], hosts.used("VCPU")[h1], hosts.reserved("VCPU")[h1]) == (12, 3, 2)
    assert hosts.in_aggregate(uid("storage")).all()


def test_a_claim_on_the_pool_is_felt_by_both(client: PlacementClient) -> None:
    hosts = hosts_for(client, VCPU=1, DISK_GB=60)
    after = hosts.with_claim(0, int(hosts.fitting(0)[0]), uid("i1"))
    assert hosts.has_room().all()
    assert not after.has_room().any()


def test_cards_are_candidates_of_their_host(client: PlacementClient) -> None:
    """The taken card is no candidate; the two free ones of the other host are two."""
    hosts = hosts_for(client, VCPU=1, PGPU=1)
    h1, h2 = row_of(hosts, "h1"), row_of(hosts, "h2")
    assert (len(hosts.fitting(h1)), len(hosts.fitting(h2))) == (1, 2)
    assert (hosts.capacity("PGPU")[h1], hosts.used("PGPU")[h1]) == (2, 1)
    after = hosts.with_claim(h2, int(hosts.fitting(h2)[0]), uid("i1"))
    assert len(after.fitting(h2)) == 1


def test_what_the_table_says_fits_can_be_claimed(client: PlacementClient) -> None:
    """Placing until the table is full, each claim written to Placement, is never refused."""
    hosts, placed = hosts_for(client, VCPU=4, PGPU=1), 0
    while hosts.has_room().any():
        row = int(hosts.has_room().argmax())
        candidate, instance = int(hosts.fitting(row)[0]), uid(f"i{placed}")
        way = hosts.request_of(candidate)
        client.put_allocations(instance, ConsumerWrite(way.allocations, "p", "u", mappings=way.mappings))
        hosts, placed = hosts.with_claim(row, candidate, instance), placed + 1
    assert placed == 3
