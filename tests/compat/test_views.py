"""A host and a request under Nova's attribute names: every value, its type and unit, and nothing to be changed."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from scheduler.compat.counterparts import WITHOUT_COUNTERPART, NoCounterpart
from scheduler.compat.nova.host_state import ATTRIBUTES, HostState, host_states
from scheduler.compat.nova.request_view import RequestSpecView
from scheduler.hosts import HostTable, inputs_of, table_of
from scheduler.model import (
    AggregateFact,
    Destination,
    Flavor,
    HostFact,
    Image,
    RequestGroup,
    RequestSpec,
    ServerGroup,
)
from tests.hosts.fleets import Node, candidates, row_of, spec, table, uid

FACTS = {
    "node": "node-1",
    "last_seen_up": 990.0,
    "instances": [uid("i1"), uid("i2")],
    "num_io_ops": 2,
    "failed_builds": 3,
    "hypervisor_type": "QEMU",
    "hypervisor_version": 8002000,
    "host_ip": "192.0.2.1",
    "cpu_info": {"arch": "x86_64", "features": ["avx"]},
    "supported_instances": [("x86_64", "kvm", "hvm")],
    "stats": {"ssd": "true"},
    "metrics": {"cpu.percent": 29.0},
    "cell_uuid": uid("cell"),
    "aggregates": [uid("rack"), uid("unlisted")],
}
ROOM = {"VCPU": (32, 4), "MEMORY_MB": (2048, 3000), "DISK_GB": (100, 60)}
NODES = (Node("known", ROOM, facts=FACTS), Node("stranger", {"VCPU": (4, 0)}, known=False))
RACK = AggregateFact(uuid=uid("rack"), name="rack", metadata={"availability_zone": "az1", "ssd": "true"})
HOSTS = table(*NODES, provider_names={uid("stranger"): "stranger"}, aggregates=[RACK], taken_at=1000.0)


def state_of(hosts: HostTable, name: str) -> HostState:
    return host_states(hosts)[row_of(hosts, name)]


KNOWN, STRANGER = state_of(HOSTS, "known"), state_of(HOSTS, "stranger")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", "known"),
        ("nodename", "node-1"),
        ("hypervisor_hostname", "node-1"),
        ("uuid", str(uid("known"))),
        ("cell_uuid", str(uid("cell"))),
        ("total_usable_ram_mb", 2048),
        ("free_ram_mb", -952),
        ("total_usable_disk_gb", 100),
        ("free_disk_mb", 40 * 1024),
        ("disk_mb_used", 60 * 1024),
        ("vcpus_total", 32),
        ("vcpus_used", 4),
        ("cpu_allocation_ratio", 1.0),
        ("ram_allocation_ratio", 1.0),
        ("disk_allocation_ratio", 1.0),
        ("pci_stats", None),
        ("numa_topology", None),
        ("num_instances", 2),
        ("num_io_ops", 2),
        ("failed_builds", 3),
        ("host_ip", "192.0.2.1"),
        ("hypervisor_type", "QEMU"),
        ("hypervisor_version", 8002000),
        ("cpu_info", json.dumps(FACTS["cpu_info"])),
        ("supported_instances", [["x86_64", "kvm", "hvm"]]),
        ("stats", {"ssd": "true"}),
        ("updated", datetime(1970, 1, 1, 0, 16, 40, tzinfo=UTC)),
        ("limits", {}),
    ],
)
def test_an_attribute_of_a_host(name: str, value: Any) -> None:
    seen = getattr(KNOWN, name)
    assert seen == value
    assert isinstance(seen, type(value))


def test_the_parts_of_a_host() -> None:
    assert [(one.uuid, one.name, one.metadata, one.availability_zone) for one in KNOWN.aggregates] == [
        (str(uid("rack")), "rack", RACK.metadata, "az1"),
        (str(uid("unlisted")), str(uid("unlisted")), {}, None),
    ]
    assert {key: stub.uuid for key, stub in KNOWN.instances.items()} == {str(i): str(i) for i in FACTS["instances"]}
    assert [(one.name, one.value) for one in KNOWN.metrics] == [("cpu.percent", 29.0)]
    assert KNOWN.service["last_seen_up"] == datetime(1970, 1, 1, 0, 16, 30, tzinfo=UTC)
    assert (KNOWN.service["disabled"], KNOWN.service["forced_down"], KNOWN.service["host"]) == (False, False, "known")
    held = {str(uid("known")): {"resources": {"VCPU": 1}}}
    free = state_of(table(Node("known")), "known")
    assert free.allocation_candidates == [{"allocations": held, "mappings": {"": [str(uid("known"))]}}]


def test_a_host_without_facts_is_out_of_service_and_has_nothing() -> None:
    assert (STRANGER.host, STRANGER.num_instances, STRANGER.vcpus_total) == ("stranger", 0, 4)
    assert (STRANGER.service["disabled"], STRANGER.service["forced_down"]) == (True, True)
    assert (STRANGER.aggregates, STRANGER.instances, STRANGER.stats, STRANGER.metrics) == ([], {}, {}, [])
    assert (json.loads(STRANGER.cpu_info), STRANGER.supported_instances, STRANGER.host_ip) == ({}, [], None)


def test_an_instance_of_the_batch_is_on_its_host() -> None:
    hosts = table(Node("a"), Node("b"))
    row = row_of(hosts, "b")
    after = hosts.with_claim(row, int(hosts.fitting(row)[0]), uid("new"))
    for rows in ([0, 1], [1, 0], [row]):
        taken = after.take(np.array(rows))
        there = {
            state.host: (list(state.instances), state.num_instances, state.vcpus_used) for state in host_states(taken)
        }
        assert there["b"] == ([str(uid("new"))], 1, 1)
        assert there.get("a", ([], 0, 0)) == ([], 0, 0)


def test_every_attribute_is_the_same_when_a_decision_is_made_again() -> None:
    """What a view shows comes from what a decision record keeps."""
    again = table_of(inputs_of(candidates(NODES), HOSTS, spec(), ()))
    assert list(ATTRIBUTES)
    for name, column in ATTRIBUTES.items():
        assert repr(column(again)) == repr(column(HOSTS)), name


@pytest.mark.parametrize(
    "change",
    [
        lambda host: setattr(host, "free_ram_mb", 1),
        lambda host: setattr(host, "allocation_candidates", []),
        lambda host: host.stats.update(ssd="false"),
        lambda host: host.service.pop("disabled"),
        lambda host: host.instances.clear(),
        lambda host: host.aggregates[0].metadata.__setitem__("ssd", "false"),
        lambda host: setattr(host.aggregates[0], "metadata", {}),
    ],
)
def test_a_host_cannot_be_changed(change: Any) -> None:
    with pytest.raises((AttributeError, TypeError)):
        change(KNOWN)


def test_limits_are_written_and_seen_by_nobody_else() -> None:
    states = host_states(HOSTS)
    states[0].limits["memory_mb"] = 1
    states[1].limits = {"disk_gb": 2}
    assert [state.limits for state in states] == [{"memory_mb": 1}, {"disk_gb": 2}]
    assert [state.limits for state in host_states(HOSTS)] == [{}, {}]


@pytest.mark.parametrize("kind", sorted(WITHOUT_COUNTERPART))
def test_what_has_no_counterpart_is_named_and_is_not_there(kind: str) -> None:
    view = {
        "HostState": KNOWN,
        "Aggregate": KNOWN.aggregates[0],
        "Instance": KNOWN.instances[str(uid("i1"))],
        "RequestSpec": WHOLE,
        "Flavor": WHOLE.flavor,
        "ImageMeta": WHOLE.image,
        "InstanceGroup": WHOLE.instance_group,
    }[kind]
    for name in WITHOUT_COUNTERPART[kind]:
        assert not hasattr(view, name)
        with pytest.raises(NoCounterpart, match=rf"{kind}\.{name} of Nova has no counterpart"):
            getattr(view, name)


# A request

REQUEST = spec(
    flavor=Flavor(name="m1", vcpus=2, memory_mb=512, root_gb=10, ephemeral_gb=5, swap=64, extra_specs={"ssd": "true"}),
    availability_zone="az1",
    image=Image(id="image", disk_format="raw", properties={"hw_architecture": "x86_64"}, traits_required=("HW_A",)),
    num_instances=2,
    is_bfv=True,
    instance_uuid=uid("i1"),
    instance_group=ServerGroup(policy="anti-affinity", members=(uid("i1"),), hosts=("cmp",), max_server_per_host=2),
    requested_destination=Destination(
        host="cmp", cell=uid("cell"), aggregates=((uid("a"), uid("b")), (uid("c"),)), forbidden_aggregates=(uid("d"),)
    ),
    ignore_hosts=("bad",),
    force_hosts=("good",),
    requested_resources=(
        RequestGroup(
            requester_id="port", resources={"VGPU": 1}, required_traits=("HW_B",), forbidden_aggregates=(uid("d"),)
        ),
    ),
    root_required=("HW_C",),
    same_subtree=(("port",),),
    scheduler_hints={"one": "text", "many": ("a", "b")},
)
WHOLE, BARE = RequestSpecView(REQUEST), RequestSpecView(spec())


def test_the_attributes_of_a_request() -> None:
    assert (WHOLE.project_id, WHOLE.user_id, WHOLE.num_instances, WHOLE.is_bfv) == ("p", "u", 2, True)
    assert (WHOLE.instance_uuid, BARE.instance_uuid) == (str(uid("i1")), None)
    assert (WHOLE.vcpus, WHOLE.memory_mb, WHOLE.root_gb, WHOLE.ephemeral_gb, WHOLE.swap) == (2, 512, 10, 5, 64)
    assert (WHOLE.flavor.name, WHOLE.flavor.extra_specs, WHOLE.flavor["vcpus"]) == ("m1", {"ssd": "true"}, 2)
    assert (WHOLE.ignore_hosts, WHOLE.force_hosts, WHOLE.force_nodes) == (["bad"], ["good"], [])
    assert (WHOLE.root_required, WHOLE.request_level_params.same_subtree) == ({"HW_C"}, [["port"]])
    assert (WHOLE.availability_zone, WHOLE.numa_topology, WHOLE.pci_requests) == ("az1", None, None)
    assert "extra_specs" in WHOLE.flavor
    assert WHOLE.obj_attr_is_set("image")
    assert "network_metadata" not in WHOLE
    assert WHOLE.obj_clone() is WHOLE


def test_the_parts_of_a_request() -> None:
    properties = WHOLE.image.properties
    assert (WHOLE.image.id, properties.get("hw_architecture"), properties.get("hw_vm_mode")) == (
        "image",
        "x86_64",
        None,
    )
    assert (properties.hw_architecture, properties.traits_required) == ("x86_64", ["HW_A"])
    group, wanted = WHOLE.instance_group, WHOLE.requested_destination
    assert (group.policy, group.policies, group.rules) == (
        "anti-affinity",
        ["anti-affinity"],
        {"max_server_per_host": 2},
    )
    assert (group.members, group.hosts) == ([str(uid("i1"))], ["cmp"])
    assert (wanted.host, wanted.node, wanted.cell.uuid) == ("cmp", None, str(uid("cell")))
    assert wanted.allow_cross_cell_move is False
    assert wanted.aggregates == [f"{uid('a')},{uid('b')}", str(uid("c"))]
    assert wanted.forbidden_aggregates == {str(uid("d"))}
    (port,) = WHOLE.requested_resources
    assert (WHOLE.image.disk_format, port.forbidden_aggregates) == ("raw", {str(uid("d"))})
    assert (port.requester_id, port.resources, port.required_traits) == ("port", {"VGPU": 1}, {"HW_B"})
    assert (BARE.image, BARE.instance_group, BARE.requested_destination) == (None, None, None)


def test_hints_are_lists_and_one_of_them_is_its_text() -> None:
    assert WHOLE.scheduler_hints == {"one": ["text"], "many": ["a", "b"]}
    assert (WHOLE.get_scheduler_hint("one"), WHOLE.get_scheduler_hint("many")) == ("text", ["a", "b"])
    assert (WHOLE.get_scheduler_hint("none"), WHOLE.get_scheduler_hint("none", "default")) == (None, "default")


@pytest.mark.parametrize(
    "change",
    [
        lambda asked: setattr(asked, "project_id", "other"),
        lambda asked: asked.flavor.extra_specs.clear(),
        lambda asked: setattr(asked.instance_group, "hosts", []),
        lambda asked: asked.scheduler_hints.setdefault("hint", []),
    ],
)
def test_a_request_cannot_be_changed(change: Any) -> None:
    with pytest.raises((AttributeError, TypeError)):
        change(WHOLE)


def test_views_can_be_copied_and_shown() -> None:
    assert copy.copy(WHOLE).project_id == "p"
    assert copy.deepcopy(WHOLE.flavor).extra_specs == {"ssd": "true"}
    assert copy.copy(KNOWN).host == copy.deepcopy(KNOWN).host == "known"
    for copied in (copy.copy(KNOWN.stats), copy.deepcopy(KNOWN.stats), KNOWN.stats.copy()):
        copied["ssd"] = "false"
    assert KNOWN.stats == {"ssd": "true"}
    assert repr(KNOWN) == "(known, node-1)"
    assert "project_id" in repr(WHOLE)


# Fields that are added to the model must be decided upon here too

SHOWN = {
    # Nova's classes do not know the last two; networks are Neutron's business in Nova
    RequestSpec: (
        WHOLE,
        {"group_policy", "consumer_type", "requested_networks", "topology_spread", "preferred_traits"},
    ),
    Flavor: (WHOLE.flavor, set()),
    Image: (WHOLE.image, {"traits_required"}),  # among the properties, as in Nova
    ServerGroup: (WHOLE.instance_group, {"max_server_per_host"}),  # among the rules, as in Nova
    Destination: (WHOLE.requested_destination, set()),
    RequestGroup: (WHOLE.requested_resources[0], {"any_of_traits"}),  # Nova has none
    AggregateFact: (KNOWN.aggregates[0], set()),
    # name and node are host and nodename; enabled, up and last_seen_up are in service
    HostFact: (
        KNOWN,
        {"name", "node", "provider_uuid", "enabled", "up", "last_seen_up", "free_pci_devices", "image_properties"},
    ),
}


@pytest.mark.parametrize("kind", SHOWN, ids=lambda kind: kind.__name__)
def test_every_field_is_shown_to_classes_of_nova_or_kept_from_them_on_purpose(kind: Any) -> None:
    view, otherwise = SHOWN[kind]
    assert {name for name in kind.__struct_fields__ if not hasattr(view, name)} <= otherwise


def test_what_is_shown_as_a_constant_has_no_field() -> None:
    constant = {"numa_topology", "pci_requests", "pci_stats", "use_same_provider", "provider_uuids"}
    fields = {(kind, name) for kind in SHOWN for name in kind.__struct_fields__ if name in constant}
    assert fields == set()
