"""Objects of Nova, and plain dictionaries that stand for them, corner by corner; nothing is dropped in silence."""

from collections import UserDict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.compat.nova import (
    aggregate_fact_from,
    flavor_from,
    host_fact_from,
    host_fact_from_state,
    image_from,
    request_spec_from,
    request_spec_from_legacy,
    server_group_from,
)
from scheduler.compat.nova.passed_over import PASSED_OVER
from scheduler.errors import InvalidRequest
from scheduler.model import AggregateFact, Destination, Flavor, HostFact, Image, RequestSpec, ServerGroup
from tests.compat.test_recorded import FACT, RECORDED, REQUEST
from tests.hosts.fleets import uid

SIZE = {"vcpus": 1, "memory_mb": 64}
OWNER = {"project_id": "p", "user_id": "u"}
SMALL = {"flavor": SIZE, **OWNER}
GROUP = {"policy": "affinity", "members": [str(uid("i"))], "hosts": ["cmp"]}


class NovaObject:
    """Like an object of Nova: fields, of which some are set; reading one that is not set would load it."""

    def __init__(self, kind: str, data: dict[str, Any], unset: tuple[str, ...] = ("lazy",)) -> None:
        self.kind, self.data, self.fields = kind, data, {*data, *unset}

    def obj_name(self) -> str:
        return self.kind

    def obj_attr_is_set(self, name: str) -> bool:
        return name in self.data

    def __getattr__(self, name: str) -> Any:
        assert name in self.__dict__.get("data", {}), f"{name} would be loaded from the database"
        return self.data[name]


def revived(primitive: Any) -> Any:
    """Return the objects that a primitive was made of."""
    if isinstance(primitive, dict) and "nova_object.data" in primitive:
        return NovaObject(primitive["nova_object.name"], revived(primitive["nova_object.data"]))
    if isinstance(primitive, dict):
        return {name: revived(value) for name, value in primitive.items()}
    return [revived(value) for value in primitive] if isinstance(primitive, list) else primitive


def told(convert: Callable[[], Any]) -> tuple[str, ...]:
    with pytest.raises(InvalidRequest) as caught:
        convert()
    return caught.value.problems


def test_an_object_is_read_without_loading_what_it_has_not_set() -> None:
    assert request_spec_from(revived(RECORDED["request"])) == REQUEST
    known = (revived(RECORDED["compute_node"]), revived(RECORDED["service"]))
    assert host_fact_from(*known, aggregates=revived(RECORDED["aggregates"]), instances=FACT.instances) == FACT


def test_a_plain_dictionary_is_enough() -> None:
    assert request_spec_from(SMALL) == RequestSpec(flavor=Flavor(**SIZE), **OWNER)
    assert flavor_from({**SIZE, "name": None, "swap": 0}) == Flavor(**SIZE)
    assert server_group_from(GROUP) == ServerGroup(policy="affinity", members=(uid("i"),), hosts=("cmp",))
    assert aggregate_fact_from({"uuid": str(uid("a")), "name": "a", "metadata": None, "id": 1}) == AggregateFact(
        uuid=uid("a"), name="a"
    )


def test_what_says_nothing_is_no_matter() -> None:
    nothing = {"numa_topology": None, "pci_requests": {"requests": []}, "requested_networks": {"objects": []}}
    empty = {"image": {}, "instance_group": None, "ignore_hosts": None, "scheduler_hints": None, "retry": {}}
    assert request_spec_from({**SMALL, **nothing, **empty, "invented": []}) == request_spec_from(SMALL)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("invented", 0, "invented: cannot be expressed here"),
        ("invented: \n", 1, "'invented: \\n': cannot be expressed here"),
        ("numa_topology", {"cells": []}, "numa_topology: cannot be expressed here"),
        ("availability_zone", 1, "availability_zone: expected a string or null, got an integer"),
        ("flavor", {**SIZE, "vcpus": "1"}, "flavor.vcpus: expected an integer, got a string"),
        ("flavor", {**SIZE, "invented": "x"}, "flavor.invented: cannot be expressed here"),
        ("flavor", 7, "flavor: expected a Flavor of Nova"),
        ("flavor", {"nova_object.name": "ImageMeta", "nova_object.data": {}}, "flavor: expected a Flavor of Nova"),
        ("image", {"properties": {"hw_numa_nodes": 2}}, "image.properties['hw_numa_nodes']: not honoured"),
        (
            "image",
            {"properties": {"architecture": "x86_64"}},
            "image.properties['architecture']: write hw_architecture",
        ),
        ("image", {"properties": {"trait:HW_A": "forbidden"}}, "image.properties['trait:HW_A']: write image.traits"),
        (
            "image",
            {"properties": {"hw_x": object()}},
            "image.properties['hw_x']: expected a value of an image property",
        ),
        ("image", {"properties": {"traits_required": "HW_A"}}, "image.properties.traits_required: expected an array"),
        ("instance_group", {"policy": "affinity", "hosts": []}, "instance_group.members: is not loaded"),
        ("instance_group", {**GROUP, "policy": None}, "instance_group.policy: expected exactly one policy, got 0"),
        ("instance_group", {**GROUP, "policies": ["anti-affinity"]}, "instance_group.policy: expected exactly one"),
        ("instance_group", {**GROUP, "policy": "legacy"}, "instance_group.policy: 'legacy' is not one of"),
        ("instance_group", {**GROUP, "members": ["i"]}, "instance_group.members"),
        ("instance_group", {**GROUP, "rules": {"other": 1}}, "instance_group.rules.other: cannot be expressed"),
        ("instance_group", {**GROUP, "rules": {"max_server_per_host": "-1"}}, "instance_group.rules.max_server_per"),
        ("requested_destination", {"cell": {"uuid": "c"}}, "requested_destination.cell: must be a UUID"),
        ("requested_destination", {"cell": "c"}, "requested_destination.cell: expected a CellMapping of Nova"),
        ("requested_destination", {"cell": {"x": 1}}, "requested_destination.cell.x: cannot be expressed here"),
        ("requested_destination", {"aggregates": ["a"]}, "requested_destination.aggregates[0][0]: must be a UUID"),
        ("requested_resources", [{"use_same_provider": False}], "requested_resources[0].use_same_provider: a group"),
        (
            "requested_resources",
            [{"forbidden_aggregates": ["a"]}],
            "requested_resources[0].forbidden_aggregates[0]: must be",
        ),
        ("requested_resources", [{"in_tree": "x"}], "requested_resources[0].in_tree: must be a UUID"),
        ("request_level_params", {"invented": "x"}, "request_level_params.invented: cannot be expressed here"),
        ("scheduler_hints", {"_nova_check_type": ["rebuild"]}, "scheduler_hints['_nova_check_type']: the operation is"),
        ("scheduler_hints", {"group": ["x"]}, "scheduler_hints['group']: needs instance_group"),
        ("scheduler_hints", {"same_host": [1]}, "scheduler_hints"),
        ("scheduler_hints", "x", "scheduler_hints: expected an object"),
        ("force_hosts", "cmp", "force_hosts: expected an array, got a string"),
    ],
)
def test_what_cannot_be_expressed_is_named(field: str, value: Any, problem: str) -> None:
    (only,) = told(lambda: request_spec_from({**SMALL, field: value}))
    assert only.startswith(problem)


def test_what_a_move_between_cells_says() -> None:
    """Without a cell it says nothing; Nova fills it in on every request."""
    cell = {"uuid": str(uid("c")), "name": "one", "transport_url": "secret"}
    move = {"cell": cell, "allow_cross_cell_move": True}
    wanted = request_spec_from({**SMALL, "requested_destination": move, "availability_zone": "az1"})
    assert (wanted.requested_destination, wanted.availability_zone) == (
        Destination(cell=uid("c"), allow_cross_cell_move=True),
        "az1",
    )
    nowhere = request_spec_from({**SMALL, "requested_destination": {"allow_cross_cell_move": True}})
    assert nowhere.requested_destination == Destination()


def test_every_strange_field_is_told_at_once() -> None:
    strange = {**SMALL, "numa_topology": {"cells": [1]}, "pci_requests": {"requests": [1]}, "tenant": "x"}
    assert told(lambda: request_spec_from(strange)) == (
        "numa_topology: cannot be expressed here",
        "pci_requests: cannot be expressed here",
        "tenant: cannot be expressed here",
    )


def with_more(kind: str) -> dict[str, Any]:
    """Return a request whose part of this kind says everything that is passed over."""
    more = dict.fromkeys(PASSED_OVER.get(kind, ()), "said")
    port = {"requester_id": "port", "resources": {"VGPU": 1}}
    parts = {
        "flavor": ("Flavor", SIZE),
        "image": ("ImageMeta", {}),
        "instance_group": ("InstanceGroup", GROUP),
    }
    cell = {"uuid": str(uid("cell")), **(more if kind == "CellMapping" else {})}
    filled = {name: {**(more if kind == of else {}), **part, "id": None} for name, (of, part) in parts.items()}
    filled["requested_resources"] = [{**port, **(more if kind == "RequestGroup" else {})}]
    filled["requested_destination"] = {"host": "cmp", "cell": cell}
    return {**OWNER, **filled, **(more if kind == "RequestSpec" else {})}


@pytest.mark.parametrize("kind", ["RequestSpec", "Flavor", "ImageMeta", "InstanceGroup", "CellMapping", "RequestGroup"])
def test_what_is_passed_over_makes_no_difference(kind: str) -> None:
    assert with_more(kind) != with_more("nothing")
    assert request_spec_from(with_more(kind)) == request_spec_from(with_more("nothing"))


def test_the_group_of_old_dictionaries() -> None:
    asked = {"num_instances": 2, "image": {}, "instance_properties": {**OWNER, "uuid": "x"}, "instance_type": SIZE}
    wanted = {
        "group_updated": True,
        "group_policies": {"anti-affinity"},
        "group_hosts": {"b", "a"},
        "group_members": {str(uid("i"))},
        "scheduler_hints": {"group": "x", "same_host": str(uid("i"))},
        "force_hosts": ["a"],
    }
    request = request_spec_from_legacy(asked, wanted)
    assert request.instance_group == ServerGroup(policy="anti-affinity", members=(uid("i"),), hosts=("a", "b"))
    assert (request.force_hosts, request.scheduler_hints, request.num_instances) == (
        ("a",),
        {"same_host": str(uid("i"))},
        2,
    )
    assert told(lambda: request_spec_from_legacy({**asked, "odd": 1})) == (
        "request_spec.odd: cannot be expressed here",
    )
    assert told(lambda: request_spec_from_legacy(asked, {"odd": 1})) == (
        "filter_properties.odd: cannot be expressed here",
    )


# Facts

NODE = {"host": "cmp", "hypervisor_hostname": "node", "uuid": str(uid("node"))}
UP = {"disabled": False, "forced_down": False, "last_seen_up": datetime(2026, 1, 2, tzinfo=UTC)}
SECONDS = datetime(2026, 1, 2, tzinfo=UTC).timestamp()


class HostState:
    """Like Nova's: no object with fields, but attributes, of which one is a lock's name."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes, _lock_name="cmp-node")


def test_a_host_state() -> None:
    aggregate = NovaObject("Aggregate", {"uuid": str(uid("rack")), "name": "rack", "metadata": {}, "hosts": ["cmp"]})
    metrics = NovaObject(
        "MonitorMetricList", {"objects": [NovaObject("MonitorMetric", {"name": "cpu.percent", "value": 29})]}
    )
    told_of = {
        "host": "cmp",
        "nodename": "node",
        "uuid": str(uid("node")),
        "num_io_ops": 2,
        "failed_builds": 1,
        "hypervisor_type": "QEMU",
        "hypervisor_version": 8002000,
        "host_ip": "192.0.2.1",
        "cpu_info": '{"arch": "x86_64"}',
        "supported_instances": [["x86_64", "kvm", "hvm"]],
        "stats": {"ssd": "true", "gone": None},
        "aggregates": [aggregate],
        "instances": {str(uid("i")): object()},
        "cell_uuid": str(uid("cell")),
        "pci_stats": HostState(pools=[{"vendor_id": "10de", "count": 2}, {"vendor_id": "8086", "count": 1}]),
        "service": UserDict(UP),
        **dict.fromkeys(PASSED_OVER["HostState"], 1),
    }
    fact = HostFact(
        name="cmp",
        node="node",
        provider_uuid=uid("node"),
        last_seen_up=SECONDS,
        instances=(uid("i"),),
        num_io_ops=2,
        failed_builds=1,
        hypervisor_type="QEMU",
        hypervisor_version=8002000,
        host_ip="192.0.2.1",
        cpu_info={"arch": "x86_64"},
        supported_instances=(("x86_64", "kvm", "hvm"),),
        stats={"ssd": "true"},
        metrics={"cpu.percent": 29.0},
        cell_uuid=uid("cell"),
        free_pci_devices=3,
        aggregates=(uid("rack"),),
    )
    assert host_fact_from_state(HostState(**told_of, metrics=metrics)) == fact
    assert host_fact_from_state({**told_of, "metrics": [{"name": "cpu.percent", "value": 29}]}) == fact


@pytest.mark.parametrize(
    ("more", "seen"),
    [
        ({}, SECONDS),
        ({"last_seen_up": "2026-01-02T00:00:00Z"}, SECONDS),
        ({"last_seen_up": datetime(2026, 1, 2)}, SECONDS),
        ({"last_seen_up": None, "created_at": "2026-01-02T00:00:00"}, SECONDS),
        ({"last_seen_up": None}, None),
    ],
)
def test_a_heartbeat_is_seconds_or_else_the_start_of_the_service(more: dict[str, Any], seen: float | None) -> None:
    assert host_fact_from(NODE, {**UP, **more}).last_seen_up == seen


def test_a_service_that_is_disabled_or_forced_down() -> None:
    facts = [host_fact_from(NODE, {**UP, name: True}) for name in ("disabled", "forced_down")]
    assert [(fact.enabled, fact.up) for fact in facts] == [(False, True), (True, False)]


@pytest.mark.parametrize(
    ("node", "service", "problem"),
    [
        (NODE, None, "service: needed, as Nova uses no node without one"),
        (NODE, {**UP, "last_seen_up": "today"}, "service.last_seen_up: expected a date and time"),
        (NODE, {**UP, "odd": 1}, "service.odd: cannot be expressed here"),
        ({**NODE, "odd": 1}, UP, "compute_node.odd: cannot be expressed here"),
        ({**NODE, "host": None}, UP, "name: is required"),
        ({**NODE, "uuid": "x"}, UP, "provider_uuid: must be a UUID"),
        ({**NODE, "cpu_info": "{"}, UP, "cpu_info: expected JSON"),
        ({**NODE, "cpu_info": "[1]"}, UP, "cpu_info: expected an object, got an array"),
        ({**NODE, "metrics": "7"}, UP, "compute_node.metrics: expected an array"),
        ({**NODE, "metrics": '[{"name": "x", "value": NaN}]'}, UP, "compute_node.metrics: expected JSON"),
        ({**NODE, "stats": {"io_workload": "many"}}, UP, "compute_node.stats.io_workload: expected an integer"),
        ({**NODE, "supported_hv_specs": [["x86_64"]]}, UP, "supported_instances"),
    ],
)
def test_what_is_wrong_with_a_node_is_named(node: Any, service: Any, problem: str) -> None:
    (only,) = told(lambda: host_fact_from(node, service))
    assert only.startswith(problem)


def test_a_metric_without_a_single_value_is_as_if_not_reported() -> None:
    metrics = '[{"name": "numa.membw.current", "numa_membw_values": {"0": 1}}, {"name": "cpu.percent", "value": 0.57}]'
    assert host_fact_from({**NODE, "metrics": metrics}, UP).metrics == {"cpu.percent": 57.0}


# Whatever comes


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**70) | st.floats() | st.text(max_size=3) | st.builds(object),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(("objects", "nova_object.data", "nova_object.name", "x")), inner, max_size=2)
    ),
    max_leaves=4,
)
WHOLE = {
    **SMALL,
    "image": {"id": "i", "properties": {"traits_required": []}},
    "instance_group": {**GROUP, "rules": {"max_server_per_host": 1}},
    "requested_destination": {"host": "cmp", "node": "n", "aggregates": [], "forbidden_aggregates": []},
    "requested_resources": [
        {"requester_id": "port", "resources": {"VGPU": 1}, "required_traits": [], "aggregates": []}
    ],
    "request_level_params": {"root_required": [], "same_subtree": []},
    "scheduler_hints": {"same_host": ["x"]},
    **dict.fromkeys(
        ("num_instances", "ignore_hosts", "pci_requests", "requested_networks", "is_bfv", "policies"), None
    ),
}
HOST = {
    "host_ip": "192.0.2.1",
    **NODE,
    **dict.fromkeys(("cpu_info", "stats", "metrics", "supported_hv_specs", "nodename", "service"), None),
    **dict.fromkeys(("supported_instances", "aggregates", "instances"), None),
}


@st.composite
def spoilt(draw: Any, whole: Any) -> Any:
    """Draw a value that is sound but for one place somewhere in it."""
    if isinstance(whole, dict) and whole and draw(st.integers(0, 9)):
        name = draw(st.sampled_from(sorted(whole)))
        return {**whole, name: draw(spoilt(whole[name]))}
    if isinstance(whole, list) and whole and draw(st.integers(0, 3)):
        return [draw(spoilt(whole[0]))]
    return draw(junk)


@settings(max_examples=300, deadline=None)
@given(spoilt(WHOLE), spoilt(HOST), spoilt(UP))
def test_whatever_comes_is_converted_or_refused_in_words(asked: Any, host: Any, service: Any) -> None:
    for convert in (
        lambda: request_spec_from(asked),
        lambda: request_spec_from_legacy(asked, asked),
        lambda: image_from(asked),
        lambda: server_group_from(asked),
        lambda: host_fact_from(host, UP, aggregates=[asked]),
        lambda: host_fact_from(NODE, service),
        lambda: host_fact_from_state(host),
        lambda: aggregate_fact_from(host),
    ):
        with suppress(InvalidRequest):
            assert isinstance(convert(), RequestSpec | Image | ServerGroup | HostFact | AggregateFact)
