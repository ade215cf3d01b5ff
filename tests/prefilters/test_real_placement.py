"""The real Placement understands what requests become, and what their relaxations become."""

from uuid import UUID

import pytest

from placement_client.models import Inventory
from scheduler.explain import relaxations
from scheduler.model import Destination, Flavor, Image, RequestGroup, RequestSpec, ServerGroup
from scheduler.prefilters import placement_query

HOSTS = [UUID(int=number) for number in range(1, 4)]
RACK = UUID(int=100)


@pytest.fixture
def client(real_placement):
    """Give a client of a fleet: h1 in the rack with GPUs, h2 in the rack, h3 disabled; each with a nested port."""
    client = real_placement.client()
    client.create_trait("CUSTOM_A100")
    for number, uuid in enumerate(HOSTS, start=1):
        client.create_resource_provider(f"h{number}", uuid)
        amounts = {"VCPU": 8, "MEMORY_MB": 8192, "DISK_GB": 100} | ({"PGPU": 8} if number == 1 else {})
        client.set_inventories(uuid, 0, {name: Inventory(total=total) for name, total in amounts.items()})
        port = UUID(int=50 + number)
        client.create_resource_provider(f"port{number}", port, uuid)
        client.set_inventories(port, 0, {"NET_BW_EGR_KILOBIT_PER_SEC": Inventory(total=1000)})
    client.set_provider_traits(HOSTS[0], 1, ["CUSTOM_A100"])
    client.set_provider_traits(HOSTS[2], 1, ["COMPUTE_STATUS_DISABLED"])
    for uuid in HOSTS[:2]:
        client.set_aggregates(uuid, client.get_aggregates(uuid).resource_provider_generation, [RACK])
    return client


def spec_of(extra_specs=None, **change) -> RequestSpec:
    flavor = Flavor(vcpus=2, memory_mb=1024, root_gb=10, extra_specs=extra_specs or {})
    return RequestSpec(flavor=flavor, project_id="p", user_id="u", **change)


PORT = RequestGroup(requester_id="port-1", resources={"NET_BW_EGR_KILOBIT_PER_SEC": 10})
GPU = {"resources:PGPU": "1", "trait:CUSTOM_A100": "required"}


def hosts_of(client, query) -> set[int]:
    found = client.get_allocation_candidates(query)
    return {1 + HOSTS.index(uuid) for uuid in found.provider_summaries if uuid in HOSTS}


@pytest.mark.parametrize(
    ("spec", "targets", "hosts"),
    [
        (spec_of(), None, {1, 2}),
        (spec_of(), HOSTS[1:2], {2}),
        (spec_of(), HOSTS[2:], set()),
        (spec_of(GPU), None, {1}),
        (spec_of({"trait:CUSTOM_A100": "forbidden"}), None, {2}),
        (spec_of({"resources:VCPU": "0", "resources:PGPU": "8"}), None, {1}),
        (spec_of(requested_resources=(PORT,)), None, {1, 2}),
        (spec_of({"resources_NUMA0:PGPU": "1"}, requested_resources=(PORT,)), None, {1}),
        (spec_of(image=Image(traits_required=("CUSTOM_A100",))), None, {1}),
        (spec_of(requested_destination=Destination(aggregates=((RACK,),))), None, {1, 2}),
        (spec_of(requested_destination=Destination(forbidden_aggregates=(RACK,))), None, set()),
        (spec_of(root_required=("CUSTOM_A100",)), None, {1}),
        (spec_of(instance_group=ServerGroup(policy="affinity")), None, {1, 2}),
    ],
)
def test_a_request_finds_the_hosts_it_means(client, spec, targets, hosts):
    query = placement_query(spec, limit=1000, targets=targets, microversion=client.microversion)
    assert hosts_of(client, query) == hosts


def test_probes_tell_which_constraint_rules_the_fleet_out(client):
    """Nine GPUs are nowhere: without that number there is a host, and without anything else there is none."""
    spec = spec_of(
        {"resources:PGPU": "9", "trait:CUSTOM_A100": "required"},
        requested_resources=(PORT,),
        requested_destination=Destination(aggregates=((RACK,),)),
    )
    query = placement_query(spec, limit=1000, targets=None, microversion=client.microversion)
    assert hosts_of(client, query) == set()
    found = {label: hosts_of(client, weaker) for label, weaker in relaxations(query, {RACK: "rack r3"}, 20)}
    assert {label: hosts for label, hosts in found.items() if hosts} == {"PGPU 9": {1}}
    assert {"rack r3", "trait CUSTOM_A100", "VCPU 2"} <= set(found)
