"""The real Placement understands what requests become, and what their relaxations become."""

from uuid import UUID

import pytest
from msgspec import structs

from placement_client.client import PlacementClient
from placement_client.models import Inventory
from placement_client.testing import RealPlacement
from scheduler.explain import relaxations
from scheduler.model import (
    AggregateFact,
    Destination,
    Flavor,
    Image,
    RequestedNetwork,
    RequestGroup,
    RequestSpec,
    ServerGroup,
)
from scheduler.prefilters import Asking, Facts, placement_query
from scheduler.settings import PrefilterSettings

HOSTS = [UUID(int=number) for number in range(1, 4)]
RACK = UUID(int=100)


@pytest.fixture(scope="module")
def client():
    """Give a client of a fleet: h1 in the rack with GPUs, h2 in the rack with PCPU and accelerators, h3 disabled.

    Each has a nested port.
    """
    with RealPlacement() as server:
        yield fleet_on(server.client())


def fleet_on(client: PlacementClient) -> PlacementClient:
    client.create_trait("CUSTOM_A100")
    for number, uuid in enumerate(HOSTS, start=1):
        client.create_resource_provider(f"h{number}", uuid)
        amounts = {"VCPU": 8, "MEMORY_MB": 8192, "DISK_GB": 100} | ({"PGPU": 8} if number == 1 else {"PCPU": 8})
        client.set_inventories(uuid, 0, {name: Inventory(total=total) for name, total in amounts.items()})
        port = UUID(int=50 + number)
        client.create_resource_provider(f"port{number}", port, uuid)
        client.set_inventories(port, 0, {"NET_BW_EGR_KILOBIT_PER_SEC": Inventory(total=1000)})
    client.set_provider_traits(HOSTS[0], 1, ["CUSTOM_A100"])
    client.set_provider_traits(HOSTS[1], 1, ["COMPUTE_ACCELERATORS"])
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


def image(**properties) -> dict[str, Image]:
    return {"image": Image(properties=properties)}


NIC = {"resources_NIC:NET_BW_EGR_KILOBIT_PER_SEC": "10"}


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
        (spec_of({"member_of": f"in:{RACK},{UUID(int=101)}"}), None, {1, 2}),
        (spec_of({"member_of": f"!{RACK}"}), None, set()),
        (spec_of({"member_of": f"{RACK} !{UUID(int=101)}"}), None, {1, 2}),
        (spec_of({"in_tree": str(HOSTS[1])}), None, {2}),
        (spec_of({"root_required": "!CUSTOM_A100"}), None, {2}),
        (spec_of({"root_required": "CUSTOM_A100"}), None, {1}),
        (spec_of({"required": "in:CUSTOM_A100,COMPUTE_ACCELERATORS"}), None, {1, 2}),
        (spec_of({"required": "in:CUSTOM_A100,HW_CPU_X86_AVX in:COMPUTE_ACCELERATORS"}), None, set()),
        (spec_of(NIC | {"in_tree_NIC": str(HOSTS[0])}), None, {1}),
        (
            spec_of(NIC | {"trait_OWN:CUSTOM_A100": "required", "same_subtree": "_NIC,_OWN", "group_policy": "none"}),
            None,
            {1},
        ),
        (spec_of(NIC | {"required_NIC": "in:CUSTOM_A100,HW_NIC_ACCEL_SSL"}), None, set()),
        (
            spec_of(requested_resources=(structs.replace(PORT, forbidden_aggregates=(RACK,)),)),
            None,
            {1, 2},
        ),  # the port itself is in none
        (spec_of(requested_resources=(structs.replace(PORT, aggregates=((RACK,),)),)), None, set()),
        (spec_of(NIC | {"member_of_NIC": f"!{RACK}"}), None, {1, 2}),
        (
            spec_of(requested_resources=(structs.replace(PORT, any_of_traits=(("HW_NIC_ACCEL_SSL", "CUSTOM_A100"),)),)),
            None,
            set(),
        ),
        (spec_of({"hw:cpu_policy": "dedicated"}), None, {2}),
        (spec_of({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0"}), None, {2}),
        (spec_of({"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": "isolate"}), None, {2}),
        (spec_of({"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": "require"}), None, set()),
        (spec_of({"hw:mem_encryption": "yes"}, **image(hw_firmware_type="uefi")), None, set()),
        (spec_of({"hw:tpm_version": "2.0"}), None, set()),
        (spec_of({"accel:device_profile": "p"}, requested_resources=(PORT,)), None, {2}),
    ],
)
def test_a_request_finds_the_hosts_it_means(client, spec, targets, hosts):
    query = placement_query(spec, Asking(limit=1000, targets=targets, microversion=client.microversion))
    assert hosts_of(client, query) == hosts


def test_probes_tell_which_constraint_rules_the_fleet_out(client):
    """Nine GPUs are nowhere: without that number there is a host, and without anything else there is none."""
    spec = spec_of(
        {"resources:PGPU": "9", "trait:CUSTOM_A100": "required"},
        requested_resources=(PORT,),
        requested_destination=Destination(aggregates=((RACK,),)),
    )
    query = placement_query(spec, Asking(limit=1000, microversion=client.microversion))
    assert hosts_of(client, query) == set()
    found = {label: hosts_of(client, weaker) for label, weaker in relaxations(query, {RACK: "rack r3"}, 20)}
    assert {label: hosts for label, hosts in found.items() if hosts} == {"PGPU 9": {1}}
    assert {"rack r3", "trait CUSTOM_A100", "VCPU 2"} <= set(found)


ALL_ON = PrefilterSettings(
    limit_tenants_to_placement_aggregate=True,
    query_placement_for_image_type_support=True,
    enable_isolated_aggregate_filtering=True,
    image_metadata_prefilter=True,
    query_placement_for_routed_network_aggregates=True,
    require_owner_nova=True,
)
OTHER = UUID(int=102)
METADATA = {
    RACK: {"availability_zone": "az1", "filter_tenant_id": "p"},
    OTHER: {"availability_zone": "az2", "trait:CUSTOM_A100": "required"},
}


def test_the_real_placement_understands_what_all_prefilters_together_ask(client):
    """h2 has everything; without one of its traits, or in another zone, nothing is left."""
    demanding = spec_of(
        {"hw:virtio_packed_ring": "yes", "hw:tpm_version": "2.0", "hw:sound_model": "virtio"}
        | {"accel:device_profile": "p", "hw:ephemeral_encryption": "yes", "hw:ephemeral_encryption_format": "luks"},
        availability_zone="az1",
        image=Image(disk_format="qcow2", properties={"hw_disk_bus": "virtio", "hw_architecture": "x86_64"}),
        requested_networks=(
            RequestedNetwork(network_id="n", segments=((RACK,),)),
            RequestedNetwork(remote_managed=True),
        ),
        requested_resources=(PORT,),
    )
    facts = Facts({uuid: AggregateFact(uuid=uuid, name="a", metadata=said) for uuid, said in METADATA.items()})
    asking = Asking(limit=1000, microversion=client.microversion, facts=facts, settings=ALL_ON)
    query = placement_query(demanding, asking)
    assert len(query.root_required) == 11
    group = query.groups[""]
    assert (len(group.member_of), group.forbidden_aggregates) == (3, {OTHER})
    assert hosts_of(client, query) == set()
    everything = query.root_required | {trait for any_of in group.required for trait in any_of}
    generation = client.get_resource_provider(HOSTS[1]).generation
    generation = client.set_provider_traits(HOSTS[1], generation, sorted(everything)).resource_provider_generation
    assert hosts_of(client, query) == {2}
    elsewhere = placement_query(structs.replace(demanding, availability_zone="az2"), asking)
    assert hosts_of(client, elsewhere) == set()
    client.set_provider_traits(HOSTS[1], generation, ["COMPUTE_ACCELERATORS"])
