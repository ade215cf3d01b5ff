"""The fleet that speed is measured on, as plain values: for us and for Nova alike.

It is the fleet of the rules (``benchmarks/fleet.py``) as most clouds have it: root providers with three classes, no
devices, no aggregates, all enabled and still empty. Nothing but the standard library is imported, so that Nova's
environment can read it, too.
"""

import json
from collections.abc import Iterator
from typing import Any

from benchmarks import fleet

VCPUS, MEMORY_MB, ROOT_GB = 4, 8192, 40
AMOUNTS = {"VCPU": VCPUS, "MEMORY_MB": MEMORY_MB, "DISK_GB": ROOT_GB}
SAME = ("number", "name", "uuid", "num_io_ops", "failed_builds", "hypervisor_version", "host_ip", "supported_instances")

Fields = dict[str, Any]


def hosts(size: int) -> Iterator[Fields]:
    """Yield the hosts: what Placement and the facts say of each; ``room`` is (total, used) by class."""
    for host in fleet.hosts(size):
        room = {name: (total - used, 0) for name, (total, used) in host["room"].items()}
        yield {**{name: host[name] for name in SAME}, "room": room}


def answer(size: int) -> bytes:
    """Return Placement's answer in which every host is one candidate."""
    requests, summaries = [], {}
    for host in hosts(size):
        uuid = host["uuid"]
        requests.append({"allocations": {uuid: {"resources": AMOUNTS}}, "mappings": {"": [uuid]}})
        summaries[uuid] = {
            "resources": {name: {"capacity": total, "used": used} for name, (total, used) in host["room"].items()},
            "traits": [],
            "parent_provider_uuid": None,
            "root_provider_uuid": uuid,
        }
    return json.dumps({"allocation_requests": requests, "provider_summaries": summaries}).encode()


def instances(first: int, count: int) -> list[str]:
    """Return the UUIDs of so many instances, from this number on."""
    return [fleet.uuid(100_000_000 + number) for number in range(first, first + count)]
