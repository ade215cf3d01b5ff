"""The built-in filters, one rule a test."""

from typing import Any

import pytest

from scheduler.errors import InvalidRequest
from scheduler.filters.affinity import ServerGroupAffinityFilter, ServerGroupAntiAffinityFilter
from scheduler.filters.capabilities import ComputeCapabilitiesFilter
from scheduler.filters.image import ImagePropertiesFilter
from scheduler.filters.protocol import Filter
from scheduler.filters.requested import (
    ForcedHostFilter,
    IgnoredHostFilter,
    RequestedHostFilter,
    RoomFilter,
    filters_for,
)
from scheduler.filters.status import ComputeFilter
from scheduler.hosts import HostTable
from scheduler.model import Destination, Flavor, Image, ServerGroup
from tests.hosts.fleets import Node, names_where, row_of, spec, table, uid


def passing(plugin: Filter, hosts: HostTable, **request: Any) -> set[str]:
    return names_where(hosts, plugin.passes(spec(**request), hosts))


def test_compute_filter_wants_known_enabled_and_up() -> None:
    hosts = table(
        Node("ok"),
        Node("disabled", facts={"enabled": False}),
        Node("down", facts={"up": False}),
        Node("unknown", known=False),
        Node("by_trait", traits=["COMPUTE_STATUS_DISABLED"]),
    )
    assert passing(ComputeFilter(60), hosts) == {"ok"}


def test_compute_filter_takes_a_host_silent_too_long_for_down() -> None:
    """So it does one whose heartbeat is from the future: a clock is wrong, and nothing is known of the host."""
    hosts = table(
        Node("fresh", facts={"last_seen_up": 940.0}),
        Node("silent", facts={"last_seen_up": 939.0}),
        Node("a_little_ahead", facts={"last_seen_up": 1060.0}),
        Node("far_ahead", facts={"last_seen_up": 1061.0}),
        Node("no_heartbeat"),
        taken_at=1000.0,
    )
    assert passing(ComputeFilter(60), hosts) == {"fresh", "a_little_ahead", "no_heartbeat"}


CPU = {"topology": {"cores": 4}, "maxphysaddr": {"mode": "emulate", "bits": 42}}
FLEET = (
    Node(
        "a", {"VCPU": (8, 2)}, facts={"hypervisor_type": "QEMU", "stats": {"ssd": "true"}, "hypervisor_version": 6000}
    ),
    Node("b", {"VCPU": (4, 0)}, facts={"hypervisor_type": "xen", "cpu_info": CPU}),
    Node("unknown", {"VCPU": (2, 0)}, known=False),
)


@pytest.mark.parametrize(
    ("extra_specs", "names"),
    [
        ({}, {"a", "b", "unknown"}),
        ({"capabilities:hypervisor_type": "QEMU"}, {"a"}),
        ({"hypervisor_type": "s!= QEMU"}, {"b"}),
        ({"capabilities:hypervisor_type": "<or> QEMU <or> xen"}, {"a", "b"}),
        ({"capabilities:cpu_info:topology:cores": ">= 4"}, {"b"}),
        ({"hw:maxphysaddr_bits": "42"}, {"b"}),
        ({"hw:maxphysaddr_bits": "43"}, set()),
        ({"ssd": "true"}, {"a"}),
        ({"no_such_capability": "s!= x"}, set()),
        ({"capabilities:vcpus_total": ">= 4"}, {"a", "b"}),
        ({"capabilities:vcpus_used": "== 0", "capabilities:vcpus_total": "4"}, {"b"}),
        ({"capabilities:num_instances": "== 0"}, {"a", "b", "unknown"}),
        ({"capabilities:hypervisor_version": "6000"}, {"a"}),
        (
            {"resources:VCPU": "1", "trait:HW_A": "required", "group_policy": "none", "quota:cpu": "1"},
            {"a", "b", "unknown"},
        ),
    ],
)
def test_compute_capabilities_filter(extra_specs: dict[str, str], names: set[str]) -> None:
    hosts = table(*FLEET, provider_names={uid("unknown"): "unknown"})
    flavor = Flavor(vcpus=1, memory_mb=1, extra_specs=extra_specs)
    assert passing(ComputeCapabilitiesFilter(), hosts, flavor=flavor) == names


def test_compute_capabilities_filter_names_every_malformed_extra_spec() -> None:
    flavor = Flavor(vcpus=1, memory_mb=1, extra_specs={"capabilities:a": ">=1", "b": "<or>", "capabilities:c:": "1"})
    with pytest.raises(InvalidRequest) as caught:
        ComputeCapabilitiesFilter().passes(spec(flavor=flavor), table(*FLEET))
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["flavor.extra_specs['capabilities"] * 1 + [
        "flavor.extra_specs['b']",
        "flavor.extra_specs['capabilities",
    ]
    assert caught.value.__context__ is None


X86, ARM = ("x86_64", "kvm", "hvm"), ("aarch64", "kvm", "hvm")
HYPERVISORS = (
    Node(
        "x86",
        facts={
            "supported_instances": (X86, ("i686", "qemu", "hvm")),
            "hypervisor_version": 2012000,
            "cpu_info": {"maxphysaddr": {"bits": 42}},
        },
    ),
    Node("arm", facts={"supported_instances": (ARM,), "hypervisor_version": 3000000}),
    Node("silent"),
)


@pytest.mark.parametrize(
    ("properties", "names"),
    [
        ({}, {"x86", "arm", "silent"}),
        ({"os_distro": "debian"}, {"x86", "arm", "silent"}),
        ({"hw_architecture": "x86_64"}, {"x86"}),
        ({"hw_architecture": "AMD64"}, {"x86"}),
        ({"hw_architecture": "i386"}, {"x86"}),
        ({"img_hv_type": "KVM"}, {"x86", "arm"}),
        ({"hw_vm_mode": "hv"}, {"x86", "arm"}),
        ({"hw_architecture": "i686", "img_hv_type": "kvm"}, set()),
        ({"hw_architecture": "s390x"}, set()),
        ({"img_hv_requested_version": "(>=2.0, <3)"}, {"x86", "silent"}),
        ({"img_hv_requested_version": ">=3", "img_hv_type": "kvm"}, {"arm"}),
        ({"hw_maxphysaddr_bits": "42"}, {"x86", "arm", "silent"}),
        ({"hw_maxphysaddr_bits": "43"}, {"arm", "silent"}),
    ],
)
def test_image_properties_filter(properties: dict[str, str], names: set[str]) -> None:
    """One supported instance must have everything; a version is not compared where the host reports none."""
    hosts = table(*HYPERVISORS)
    assert passing(ImagePropertiesFilter(), hosts, image=Image(properties=properties)) == names


def test_image_properties_filter_has_a_default_architecture() -> None:
    hosts = table(*HYPERVISORS)
    plugin = ImagePropertiesFilter("aarch64")
    assert passing(plugin, hosts) == {"arm"}
    assert passing(plugin, hosts, image=Image(properties={"hw_architecture": "x86_64"})) == {"x86"}


def test_image_properties_filter_refuses_a_malformed_version() -> None:
    image = Image(properties={"img_hv_requested_version": "about 3"})
    with pytest.raises(InvalidRequest, match="img_hv_requested_version"):
        ImagePropertiesFilter().passes(spec(image=image), table(*HYPERVISORS))


MEMBERS = (
    Node("one", facts={"instances": (uid("m1"), uid("stranger"))}),
    Node("two", facts={"instances": (uid("m2"), uid("m3"))}),
    Node("none", facts={"instances": (uid("other"),)}),
)
GROUP = tuple(uid(name) for name in ("m1", "m2", "m3", "m4"))


def anti(**fields: Any) -> ServerGroup:
    return ServerGroup(policy="anti-affinity", **fields)


def affine(**fields: Any) -> ServerGroup:
    return ServerGroup(policy="affinity", **fields)


@pytest.mark.parametrize(
    ("group", "names"),
    [
        (None, {"one", "two", "none"}),
        (affine(members=GROUP), {"one", "two", "none"}),
        (anti(), {"one", "two", "none"}),
        (anti(members=GROUP), {"none"}),
        (anti(members=GROUP, max_server_per_host=2), {"one", "none"}),
        (anti(members=GROUP, max_server_per_host=3), {"one", "two", "none"}),
        (anti(hosts=("none", "elsewhere")), {"one", "two"}),
        (anti(hosts=("none", "none"), max_server_per_host=2), {"one", "two"}),
        (anti(members=GROUP, hosts=("one",), max_server_per_host=2), {"one", "none"}),
    ],
)
def test_anti_affinity(group: ServerGroup | None, names: set[str]) -> None:
    """The greater of the members found and the times the group names the host counts, not their sum."""
    assert passing(ServerGroupAntiAffinityFilter(), table(*MEMBERS), instance_group=group) == names


def test_anti_affinity_lets_an_instance_stay_where_it_is() -> None:
    hosts, group = table(*MEMBERS), anti(members=GROUP)
    assert passing(ServerGroupAntiAffinityFilter(), hosts, instance_group=group, instance_uuid=uid("m2")) == {
        "two",
        "none",
    }


def test_anti_affinity_sees_those_placed_before_in_the_batch() -> None:
    hosts = table(*MEMBERS)
    row = row_of(hosts, "none")
    after = hosts.with_claim(row, int(hosts.fitting(row)[0]), uid("m4"))
    assert passing(ServerGroupAntiAffinityFilter(), after, instance_group=anti(members=GROUP)) == set()


@pytest.mark.parametrize(
    ("group", "names"),
    [
        (None, {"one", "two", "none"}),
        (anti(members=GROUP), {"one", "two", "none"}),
        (affine(members=(uid("m4"),)), {"one", "two", "none"}),
        (affine(members=GROUP), {"one", "two"}),
        (affine(members=(uid("m4"),), hosts=("none",)), {"none"}),
        (affine(hosts=("elsewhere",)), set()),
    ],
)
def test_affinity(group: ServerGroup | None, names: set[str]) -> None:
    """With no member anywhere all hosts pass; with members on hosts that are not offered none does."""
    assert passing(ServerGroupAffinityFilter(), table(*MEMBERS), instance_group=group) == names


def test_affinity_does_not_tie_an_instance_to_itself() -> None:
    """A lone member that moves may go anywhere."""
    hosts, group = table(*MEMBERS), affine(members=(uid("m1"),))
    assert passing(ServerGroupAffinityFilter(), hosts, instance_group=group, instance_uuid=uid("m1")) == {
        "one",
        "two",
        "none",
    }


def test_affinity_follows_the_first_of_the_batch() -> None:
    hosts = table(*MEMBERS)
    row = row_of(hosts, "none")
    after = hosts.with_claim(row, int(hosts.fitting(row)[0]), uid("m4"))
    assert passing(ServerGroupAffinityFilter(), after, instance_group=affine(members=(uid("m4"),))) == {"none"}


NAMED = (
    Node("Cmp1", facts={"node": "n1"}),
    Node("cmp2", facts={"node": "n2", "cell_uuid": uid("cell1")}),
    Node("loner", known=False),
)


def named_table() -> HostTable:
    return table(*NAMED, provider_names={uid("loner"): "loner"})


@pytest.mark.parametrize(
    ("request_fields", "names"),
    [
        ({"force_hosts": ("CMP1",)}, {"Cmp1"}),
        ({"force_hosts": ("cmp1", "cmp2")}, {"Cmp1", "cmp2"}),
        ({"force_nodes": ("n2",)}, {"cmp2"}),
        ({"force_nodes": ("N2",)}, set()),
        ({"force_hosts": ("cmp1",), "force_nodes": ("n2",)}, set()),
        ({"force_hosts": ("LONER",)}, {"loner"}),
        ({}, {"Cmp1", "cmp2", "loner"}),
    ],
)
def test_forced(request_fields: dict[str, Any], names: set[str]) -> None:
    assert passing(ForcedHostFilter(), named_table(), **request_fields) == names


@pytest.mark.parametrize(
    ("destination", "names"),
    [
        (None, {"Cmp1", "cmp2", "loner"}),
        (Destination(), {"Cmp1", "cmp2", "loner"}),
        (Destination(host="Cmp1"), {"Cmp1"}),
        (Destination(host="cmp1"), set()),
        (Destination(node="n2"), {"cmp2"}),
        (Destination(host="Cmp1", node="n2"), set()),
        (Destination(cell=uid("cell1")), {"cmp2"}),
        (Destination(cell=uid("cell1"), allow_cross_cell_move=True), {"Cmp1", "cmp2", "loner"}),
        (Destination(cell=uid("cell1"), host="Cmp1"), set()),
        (Destination(cell=uid("cell2")), set()),
    ],
)
def test_requested(destination: Destination | None, names: set[str]) -> None:
    assert passing(RequestedHostFilter(), named_table(), requested_destination=destination) == names


def test_ignored_hosts_are_compared_without_case() -> None:
    assert passing(IgnoredHostFilter(), named_table(), ignore_hosts=("CMP1", "nobody", "Loner")) == {"cmp2"}


def test_room_is_what_is_left_in_the_batch() -> None:
    hosts = table(Node("a", {"VCPU": (1, 0)}), Node("b"))
    row = row_of(hosts, "a")
    after = hosts.with_claim(row, int(hosts.fitting(row)[0]), uid("i"))
    assert passing(RoomFilter(), hosts) == {"a", "b"}
    assert passing(RoomFilter(), after) == {"b"}


def test_only_what_a_request_gives_something_to_do_runs() -> None:
    enabled = (ComputeFilter(60),)
    everything = {"requested_destination": Destination(host="a"), "ignore_hosts": ("b",)}
    names = [plugin.name for plugin in filters_for(enabled, spec(**everything))]
    assert names == ["RoomFilter", "RequestedHostFilter", "IgnoredHostFilter", "ComputeFilter"]
    assert [plugin.name for plugin in filters_for(enabled, spec())] == ["RoomFilter", "ComputeFilter"]


def test_forced_requests_skip_the_enabled_filters() -> None:
    enabled = (ComputeFilter(60),)
    names = [plugin.name for plugin in filters_for(enabled, spec(force_nodes=("n",), ignore_hosts=("b",)))]
    assert names == ["RoomFilter", "ForcedHostFilter", "IgnoredHostFilter"]
