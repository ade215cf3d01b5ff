"""The rules again, the slow and plain way: one host at a time, from facts and room, without arrays or tables."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from scheduler.filters.operators import predicate_of
from scheduler.hosts import HostTable
from scheduler.model import RequestSpec, ServerGroup
from tests.hosts.fleets import Node

NOW = 1000.0


@dataclass
class View:
    """One host: its node, and the whole table to see who was placed where in this batch."""

    node: Node
    row: int
    hosts: HostTable

    @property
    def placed(self) -> set[UUID]:
        return {instance for instance, host in self.hosts.claimed.items() if host == self.row}

    @property
    def facts(self) -> dict[str, Any]:
        return dict(self.node.facts) if self.node.known else {}

    @property
    def instances(self) -> set[UUID]:
        return set(self.facts.get("instances", ())) | self.placed

    @property
    def nodename(self) -> str:
        return self.facts.get("node") or self.node.name

    def used(self, name: str) -> int:
        return self.node.room[name][1] + len(self.placed)

    def free(self, name: str) -> int:
        return self.node.room[name][0] - self.used(name)


def everywhere(view: View) -> set[UUID]:
    """Return all instances that are on some host."""
    known = set(view.hosts.claimed)
    return known | {instance for fact in view.hosts.offers.snapshot.facts for instance in fact.instances}


def members(view: View, request: RequestSpec, group: ServerGroup) -> int:
    others = set(group.members) - {request.instance_uuid}
    return max(len(others & view.instances), group.hosts.count(view.node.name))


def compute(view: View, request: RequestSpec) -> bool:
    if not view.node.known or "COMPUTE_STATUS_DISABLED" in view.node.traits:
        return False
    seen = view.facts.get("last_seen_up")
    return view.facts["enabled"] and view.facts["up"] and (seen is None or NOW - seen <= 60)


def capabilities(view: View, request: RequestSpec) -> bool:
    return all(
        capability(view, key.removeprefix("capabilities:").split(":"), requirement)
        for key, requirement in request.flavor.extra_specs.items()
        if ":" not in key or key.startswith("capabilities:")
    )


def capability(view: View, path: list[str], requirement: str) -> bool:
    counted = {
        "vcpus_used": view.used("VCPU"),
        "num_instances": len(view.facts.get("instances", ())) + len(view.placed),
    }
    value = {**view.facts.get("stats", {}), **view.facts, **counted}.get(path[0])
    for key in path[1:]:
        value = value.get(key) if isinstance(value, dict) else None
    return value is not None and predicate_of(requirement)(str(value))


def image(view: View, request: RequestSpec) -> bool:
    properties = request.image.properties if request.image else {}
    same = {"amd64": "x86_64", "pv": "xen"}
    wanted = [
        same.get(value := properties.get(name, ""), value) for name in ("hw_architecture", "img_hv_type", "hw_vm_mode")
    ]
    offered = view.facts.get("supported_instances", ())
    if any(wanted) and not any(all(w in ("", h) for w, h in zip(wanted, one, strict=True)) for one in offered):
        return False
    version = view.facts.get("hypervisor_version", 0)
    rule = {"(>=2.1, <3)": 2001000 <= version < 3000000, "!=6.2": version != 6002000}
    return not version or rule.get(properties.get("img_hv_requested_version", ""), True)


def anti_affinity(view: View, request: RequestSpec) -> bool:
    group = request.instance_group
    if group is None or group.policy != "anti-affinity" or request.instance_uuid in view.instances:
        return True
    return members(view, request, group) < group.max_server_per_host


def affinity(view: View, request: RequestSpec) -> bool:
    group = request.instance_group
    if group is None or group.policy != "affinity":
        return True
    others = set(group.members) - {request.instance_uuid}
    if not group.hosts and not others & everywhere(view):
        return True
    return members(view, request, group) > 0


def requested(view: View, request: RequestSpec) -> bool:
    wanted = request.requested_destination
    return wanted is None or (wanted.host in (None, view.node.name) and wanted.node in (None, view.nodename))


def forced(view: View, request: RequestSpec) -> bool:
    hosts = {name.lower() for name in request.force_hosts} or {view.node.name.lower()}
    nodes = request.force_nodes or (view.nodename,)
    return view.node.name.lower() in hosts and view.nodename in nodes


def ignored(view: View, request: RequestSpec) -> bool:
    return view.node.name.lower() not in {name.lower() for name in request.ignore_hosts}


HOST_RULES: dict[str, Callable[[View, RequestSpec], bool]] = {
    "ComputeFilter": compute,
    "ComputeCapabilitiesFilter": capabilities,
    "ImagePropertiesFilter": image,
    "ServerGroupAntiAffinityFilter": anti_affinity,
    "ServerGroupAffinityFilter": affinity,
    "RoomFilter": lambda view, _: all(view.free(name) >= 1 for name in view.node.room),
    "ForcedHostFilter": forced,
    "RequestedHostFilter": requested,
    "IgnoredHostFilter": ignored,
}

SCORES: dict[str, Callable[[View], float]] = {
    "RAMWeigher": lambda view: view.free("MEMORY_MB"),
    "CPUWeigher": lambda view: view.free("VCPU"),
    "DiskWeigher": lambda view: view.free("DISK_GB"),
    "IoOpsWeigher": lambda view: view.facts.get("num_io_ops", 0) + len(view.placed),
    "NumInstancesWeigher": lambda view: len(view.facts.get("instances", ())) + len(view.placed),
}
