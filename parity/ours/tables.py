"""From the hosts and the request of a case to a HostTable and a RequestSpec."""

import json
from collections import Counter
from typing import Any
from uuid import UUID

import msgspec

from parity.case import Case, uuid
from placement_client.models import (
    AllocationCandidates,
    AllocationRequest,
    ProviderSummary,
    Resources,
    ResourceSummary,
)
from scheduler.hosts import HostTable, build_host_table, snapshot_of
from scheduler.model import AggregateFact, HostFact, RequestSpec

NOW = 1_000_000.0
CELL = 1
ROOM = {"VCPU": [8, 0], "MEMORY_MB": [8192, 0], "DISK_GB": [100, 0]}
WHOSE = {"project_id": "p", "user_id": "u"}

Fields = dict[str, Any]


def request_of(case: Case) -> RequestSpec:
    """Return the request of a case, checked as every request is. Raises InvalidRequest."""
    asked = case["request"]
    flavor = {"vcpus": 1, "memory_mb": 1, **asked.get("flavor", {})}
    return RequestSpec.from_json(json.dumps({**WHOSE, **asked, "flavor": flavor}))


def aggregates_of(case: Case) -> list[AggregateFact]:
    """Return the aggregates of a case."""
    return [
        AggregateFact(uuid=UUID(uuid(int(number))), name=number, metadata=metadata)
        for number, metadata in case.get("aggregates", {}).items()
    ]


def provider(position: int) -> UUID:
    """Return the root provider of the host at this position."""
    return UUID(uuid(1000 + position))


def facts_of(case: Case) -> list[HostFact]:
    """Return what is known of the hosts of a case."""
    return [
        msgspec.convert(_fact(position, host), type=HostFact) for position, host in enumerate(case.get("hosts", []))
    ]


def table_of(case: Case) -> HostTable:
    """Return the table of a case: every host is offered with what the flavor's size asks for."""
    hosts = case["hosts"]
    snapshot = snapshot_of(facts_of(case), aggregates=aggregates_of(case), taken_at=NOW)
    summaries = {provider(position): _summary(host) for position, host in enumerate(hosts)}
    taken = _taken(case)
    requests = [AllocationRequest({one: Resources(dict(taken))}, {"": [one]}) for one in summaries]
    return build_host_table(AllocationCandidates(requests, summaries), snapshot)


def _taken(case: Case) -> dict[str, int]:
    flavor = case["request"].get("flavor", {})
    disk = flavor.get("root_gb", 0) + flavor.get("ephemeral_gb", 0)
    taken = {"VCPU": flavor.get("vcpus", 1), "MEMORY_MB": flavor.get("memory_mb", 1), "DISK_GB": disk}
    return {name: amount for name, amount in taken.items() if amount}


def _summary(host: Fields) -> ProviderSummary:
    room = {**ROOM, **host.get("room", {})}
    resources = {name: ResourceSummary(capacity, used) for name, (capacity, used) in room.items()}
    return ProviderSummary(resources, list(host.get("traits", [])), None, None)


def _fact(position: int, host: Fields) -> Fields:
    name = host.get("name", f"h{position}")
    simple = ("hypervisor_version", "host_ip", "cpu_info", "supported_instances", "metrics", "num_io_ops")
    return {
        "hypervisor_type": "QEMU",
        **{key: host[key] for key in (*simple, "hypervisor_type", "failed_builds", "free_pci_devices") if key in host},
        "name": name,
        "node": host.get("node", name),
        "provider_uuid": str(provider(position)),
        "enabled": not host.get("disabled", False),
        "up": not host.get("forced_down", False),
        "last_seen_up": NOW - host.get("silent_s", 0),
        "instances": [uuid(number) for number in host.get("instances", [])],
        "aggregates": [uuid(number) for number in host.get("aggregates", [])],
        "cell_uuid": uuid(host.get("cell", CELL)),
        "image_properties": _image_properties(host),
        "stats": _stats(host),
    }


def _stats(host: Fields) -> Fields:
    """Return the stats that a compute service reports, with the counts that it always has."""
    counted = {
        "num_instances": len(host.get("instances", [])),
        "io_workload": host.get("num_io_ops", 0),
        "failed_builds": host.get("failed_builds", 0),
    }
    return {**host.get("stats", {}), **{name: str(count) for name, count in counted.items()}}


def _image_properties(host: Fields) -> dict[str, dict[str, int]]:
    counts = Counter(pair for properties in host.get("images", {}).values() for pair in properties.items())
    found: dict[str, dict[str, int]] = {}
    for (name, value), count in counts.items():
        found.setdefault(name, {})[value] = count
    return found
