"""The rules again, the slow and plain way: one host at a time, from facts and room, without arrays or tables."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from scheduler.filters.operators import predicate_of
from scheduler.hosts import HostTable
from scheduler.model import RequestSpec, ServerGroup
from scheduler.settings import MetricsSettings
from tests.hosts.fleets import Node

NOW = 1000.0


@dataclass
class View:
    """One host: its node, and the whole table to see who was placed where in this batch."""

    node: Node
    row: int
    hosts: HostTable
    everyone: list["View"] = field(default_factory=list)

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
    if wanted is None:
        return True
    here = wanted.allow_cross_cell_move or wanted.cell in (None, view.facts.get("cell_uuid"))
    return here and wanted.host in (None, view.node.name) and wanted.node in (None, view.nodename)


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

RATIOS = (("os_distro", 2.0), ("hw_machine_type", -0.5))
METRICS = MetricsSettings(weight_setting=(("load", -1.0), ("heat", 0.25)), required=False)


def image_properties(view: View, request: RequestSpec) -> float:
    total = 0.0
    for name, value in request.image.properties.items() if request.image else ():
        on_facts = view.facts.get("image_properties", {}).get(name, {}).get(value, 0)
        total += dict(RATIOS).get(name, 0.0) * (on_facts + len(view.placed))
    return total


def metrics(view: View, request: RequestSpec) -> float:
    measured = view.facts.get("metrics", {})
    if any(name not in measured for name, _ in METRICS.weight_setting):
        return METRICS.weight_of_unavailable
    return sum(measured[name] * ratio for name, ratio in METRICS.weight_setting)


def of_policy(policy: str, view: View, request: RequestSpec) -> int:
    group = request.instance_group
    return members(view, request, group) if group and group.policy == policy else 0


def cross_cell(view: View, request: RequestSpec) -> int:
    wanted = request.requested_destination
    if wanted is None or wanted.cell is None or not wanted.allow_cross_cell_move:
        return 0
    return 1 if view.facts.get("cell_uuid") == wanted.cell else -1


def preferred(view: View, request: RequestSpec) -> float:
    wanted = request.preferred_traits
    return sum(name in view.node.traits for name in wanted) / len(wanted) if wanted else 0


def spread(view: View, request: RequestSpec) -> int:
    """Return less what exceeds max_skew; fleets of these tests have no aggregates, so the domains are traits."""
    if not request.topology_spread:
        return 0
    (wish,) = request.topology_spread
    group = request.instance_group
    others = set(group.members if group else view.hosts.claimed)
    domains: dict[tuple[str, ...], int] = {}
    for one in view.everyone:
        named = group.hosts.count(one.node.name) if group else 0
        domain = tuple(sorted(name for name in one.node.traits if name.startswith("HW_")))
        domains[domain] = domains.get(domain, 0) + max(
            len((others - {request.instance_uuid}) & (one.instances if group else one.placed)), named
        )
    least = min((count for domain, count in domains.items() if domain), default=0)
    own = tuple(sorted(name for name in view.node.traits if name.startswith("HW_")))
    if not own:
        return -(len(others) + len(group.hosts if group else ()) + 1)
    return -max(0, domains[own] + 1 - least - wish.max_skew)


SCORES: dict[str, Callable[[View, RequestSpec], float]] = {
    "RAMWeigher": lambda view, _: view.free("MEMORY_MB"),
    "CPUWeigher": lambda view, _: view.free("VCPU"),
    "DiskWeigher": lambda view, _: view.free("DISK_GB"),
    "IoOpsWeigher": lambda view, _: view.facts.get("num_io_ops", 0) + len(view.placed),
    "NumInstancesWeigher": lambda view, _: len(view.facts.get("instances", ())) + len(view.placed),
    "PCIWeigher": lambda view, _: 100 - min(view.facts.get("free_pci_devices", 0), 99),
    "ServerGroupSoftAffinityWeigher": lambda view, request: of_policy("soft-affinity", view, request),
    "ServerGroupSoftAntiAffinityWeigher": lambda view, request: -of_policy("soft-anti-affinity", view, request),
    "BuildFailureWeigher": lambda view, _: view.facts.get("failed_builds", 0),
    "CrossCellWeigher": cross_cell,
    "HypervisorVersionWeigher": lambda view, _: view.facts.get("hypervisor_version", 0),
    "ImagePropertiesWeigher": image_properties,
    "MetricsWeigher": metrics,
    "TopologySpreadWeigher": spread,
    "PreferredTraitsWeigher": preferred,
}
