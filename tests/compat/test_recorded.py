"""What a real Nova serialized becomes a request and facts of ours; no Nova is needed for that.

``recorded/nova.json`` is what ``nova_objects.py`` prints. With PLACEMENT_SCHEDULER_NOVA_PYTHON naming a Python that has
nova, it is printed again and compared; to record another release of Nova, write the output of
``$PLACEMENT_SCHEDULER_NOVA_PYTHON tests/compat/nova_objects.py`` to the file.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from scheduler.compat.nova import (
    aggregate_fact_from,
    flavor_from,
    host_fact_from,
    image_from,
    request_spec_from,
    request_spec_from_legacy,
    server_group_from,
)
from scheduler.errors import InvalidRequest
from scheduler.model import AggregateFact, Destination, Flavor, HostFact, Image, RequestGroup, RequestSpec, ServerGroup

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / "recorded" / "nova.json").read_text())
NOVA_PYTHON = os.environ.get("PLACEMENT_SCHEDULER_NOVA_PYTHON")


def uuid(number: int) -> Any:

    return UUID(f"00000000-0000-4000-8000-{number:012}")


FLAVOR = Flavor(
    name="m1.small",
    vcpus=2,
    memory_mb=4096,
    root_gb=20,
    ephemeral_gb=5,
    swap=1024,
    extra_specs={"hw_rng:allowed": "true", "trait:HW_CPU_X86_SSE": "required"},
)
IMAGE = Image(
    id=str(uuid(10)),
    disk_format="qcow2",
    properties={
        "hw_architecture": "x86_64",
        "hw_disk_bus": "virtio",
        "hw_boot_menu": "true",
        "hw_cpu_cores": "2",
        "img_hv_requested_version": ">=2.6",
        "img_mappings": '[{"device":"vda","virtual":"root"}]',
    },
    traits_required=("HW_CPU_X86_AVX", "HW_CPU_X86_AVX2"),
)
GROUP = ServerGroup(
    uuid=uuid(20), policy="anti-affinity", members=(uuid(1), uuid(2)), hosts=("cmp-1",), max_server_per_host=2
)
REQUEST = RequestSpec(
    flavor=FLAVOR,
    image=IMAGE,
    instance_group=GROUP,
    project_id="p",
    user_id="u",
    num_instances=2,
    is_bfv=True,
    ignore_hosts=("cmp-9",),
    requested_destination=Destination(
        host="cmp-1", node="node-1", aggregates=((uuid(31), uuid(32)), (uuid(33),)), forbidden_aggregates=(uuid(34),)
    ),
    requested_resources=(
        RequestGroup(
            requester_id="port-1",
            resources={"NET_BW_EGR_KILOBIT_PER_SEC": 1000},
            required_traits=("CUSTOM_PHYSNET_A", "CUSTOM_VNIC_TYPE_NORMAL"),
            aggregates=((uuid(31), uuid(32)),),
        ),
    ),
    root_required=("COMPUTE_NODE",),
    same_subtree=(("port-1",),),
    scheduler_hints={"same_host": (str(uuid(2)), str(uuid(3))), "query": '["=", "$host", "a"]'},
)
FACT = HostFact(
    name="cmp-1",
    node="node-1",
    provider_uuid=uuid(40),
    enabled=False,
    up=True,
    last_seen_up=1767355200.0,
    instances=(uuid(1),),
    num_io_ops=3,
    failed_builds=1,
    hypervisor_type="QEMU",
    hypervisor_version=8002000,
    host_ip="192.0.2.11",
    cpu_info={"arch": "x86_64", "features": ["avx2"]},
    supported_instances=(("x86_64", "kvm", "hvm"),),
    stats={"io_workload": "3", "failed_builds": "1", "num_instances": "2", "ssd": "true"},
    metrics={"cpu.percent": 29.0, "cpu.frequency": 2600.0},
    free_pci_devices=3,
    aggregates=(uuid(31),),
)


def test_a_request() -> None:
    assert request_spec_from(RECORDED["request"]) == REQUEST


def test_the_dictionaries_that_came_before_it() -> None:
    """They know neither volumes, ports nor the rule of a group."""

    without = {"is_bfv": False, "requested_resources": (), "root_required": (), "same_subtree": ()}
    lesser = replace(REQUEST, instance_group=replace(GROUP, max_server_per_host=1), **without)
    assert request_spec_from_legacy(*RECORDED["legacy"]) == lesser


def test_the_cell_of_a_destination() -> None:
    assert request_spec_from(RECORDED["in_a_cell"]).requested_destination.cell == uuid(70)


@pytest.mark.parametrize("what", sorted(RECORDED["refused"]))
def test_what_has_no_form_here_is_refused_by_its_name(what: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request_spec_from(RECORDED["refused"][what])
    (problem,) = caught.value.problems
    assert problem.startswith(f"{what}: ")
    assert "secret" not in problem


def test_a_flavor_an_image_and_a_group() -> None:

    assert flavor_from(RECORDED["flavor"]) == replace(FLAVOR, extra_specs={})
    assert image_from(RECORDED["image"]) == IMAGE
    assert server_group_from(RECORDED["group"]) == GROUP


def test_a_compute_node_and_its_service() -> None:
    """Of the aggregates those count that name the host exactly."""
    aggregates = RECORDED["aggregates"]
    fact = host_fact_from(RECORDED["compute_node"], RECORDED["service"], aggregates=aggregates, instances=[uuid(1)])
    assert fact == FACT


def test_an_aggregate() -> None:
    metadata = {"availability_zone": "az1", "ssd": "true"}
    assert aggregate_fact_from(RECORDED["aggregates"][0]) == AggregateFact(
        uuid=uuid(31), name="rack-1", metadata=metadata
    )


NOT_NOVAS = {
    RequestSpec: {
        *("force_hosts", "force_nodes", "root_forbidden", "group_policy", "consumer_type", "instance_uuid"),
        *("availability_zone", "requested_networks", "topology_spread", "preferred_traits"),
    },
    Destination: {"cell", "allow_cross_cell_move"},
    RequestGroup: {"forbidden_traits", "in_tree", "any_of_traits", "forbidden_aggregates"},
    HostFact: {"up", "cell_uuid", "image_properties"},
}
"""Fields that the recorded objects leave at their default, or that Nova does not have."""


@pytest.mark.parametrize(
    "value",
    [
        REQUEST,
        FLAVOR,
        IMAGE,
        GROUP,
        REQUEST.requested_destination,
        REQUEST.requested_resources[0],
        FACT,
        AggregateFact(uuid=uuid(31), name="rack-1", metadata={"a": "b"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_field_is_converted_or_not_novas(value: Any) -> None:
    """A field that is added to the model must be converted, or listed above."""
    kind = type(value)
    required = {"flavor": None, "project_id": None, "user_id": None, "vcpus": -1, "memory_mb": -1, "policy": None}
    required |= {"name": None, "uuid": None, "requester_id": None}
    plain = kind(**{name: required[name] for name in kind.__struct_fields__ if name in required})
    same = {name for name in kind.__struct_fields__ if getattr(plain, name) == getattr(value, name)}
    assert same == NOT_NOVAS.get(kind, set())


@pytest.mark.skipif(not NOVA_PYTHON, reason="PLACEMENT_SCHEDULER_NOVA_PYTHON names no Python with nova")
def test_the_recorded_objects_are_what_nova_prints_now() -> None:
    printed = subprocess.run(
        [str(NOVA_PYTHON), str(HERE / "nova_objects.py")], capture_output=True, text=True, check=True, timeout=100
    )
    assert json.loads(printed.stdout) == RECORDED
