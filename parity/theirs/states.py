"""From the hosts of a case to Nova's HostState, by the way that Nova goes: a ComputeNode, a service, aggregates."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from nova import objects
from nova.scheduler import host_manager

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
CELL = 1
ROOM = {"VCPU": [8, 0], "MEMORY_MB": [8192, 0], "DISK_GB": [100, 0]}

Fields = dict[str, Any]


def uuid(number: int) -> str:
    """Return the UUID that a number of a case stands for."""
    return f"00000000-0000-4000-8000-{number:012}"


def states(case: Fields) -> list[host_manager.HostState]:
    """Return the hosts of a case."""
    aggregates = {
        int(number): objects.Aggregate(uuid=uuid(int(number)), name=number, metadata=metadata)
        for number, metadata in case.get("aggregates", {}).items()
    }
    return [_state(position, host, aggregates) for position, host in enumerate(case["hosts"])]


def _state(position: int, host: Fields, aggregates: dict[int, objects.Aggregate]) -> host_manager.HostState:
    name = host.get("name", f"h{position}")
    node = str(host.get("node", name))
    state = host_manager.HostState(name, node, uuid(host.get("cell", CELL)))
    state.update(
        compute=compute_node(uuid(1000 + position), node, host),
        service=_service(host),
        aggregates=[aggregates[number] for number in host.get("aggregates", [])],
        inst_dict={uuid(number): _instance(host, number) for number in host.get("instances", [])},
    )
    return state


def compute_node(uuid: str, node: str, host: Fields) -> objects.ComputeNode:
    """Return the record of a host as Nova's database has it."""
    offered = [objects.HVSpec.from_list(one) for one in host.get("supported_instances", [])]
    pool = objects.PciDevicePool(product_id="1", vendor_id="1", tags={}, count=host.get("free_pci_devices", 0))
    return objects.ComputeNode(
        uuid=uuid,
        hypervisor_hostname=node,
        hypervisor_type=host.get("hypervisor_type", "QEMU"),
        hypervisor_version=host.get("hypervisor_version", 0),
        host_ip=host.get("host_ip"),
        cpu_info=json.dumps(host.get("cpu_info", {})),
        supported_hv_specs=offered,
        stats=_stats(host),
        metrics=json.dumps([_metric(*pair) for pair in host.get("metrics", {}).items()]),
        numa_topology=None,
        pci_device_pools=objects.PciDevicePoolList(objects=[pool] if pool.count else []),
        updated_at=NOW,
        **_room(host),
    )


def _room(host: Fields) -> Fields:
    room = {**ROOM, **host.get("room", {})}
    ratio = host.get("cpu_allocation_ratio", 1.0)
    (vcpus, vcpus_used), (ram, ram_used), (disk, disk_used) = (room[name] for name in ROOM)
    return {
        "vcpus": int(vcpus / ratio),
        "vcpus_used": vcpus_used,
        "memory_mb": ram,
        "memory_mb_used": ram_used,
        "free_ram_mb": ram - ram_used,
        "local_gb": disk,
        "local_gb_used": disk_used,
        "free_disk_gb": disk - disk_used,
        "disk_available_least": None,
        "cpu_allocation_ratio": ratio,
        "ram_allocation_ratio": 1.0,
        "disk_allocation_ratio": 1.0,
    }


def _stats(host: Fields) -> Fields:
    counted = {
        "num_instances": len(host.get("instances", [])),
        "io_workload": host.get("num_io_ops", 0),
        "failed_builds": host.get("failed_builds", 0),
    }
    return {**host.get("stats", {}), **{name: str(count) for name, count in counted.items()}}


def _metric(name: str, value: int) -> Fields:
    return {"name": name, "value": value, "timestamp": "2026-01-02T12:00:00Z", "source": "case"}


def _service(host: Fields) -> Fields:
    return {
        "disabled": host.get("disabled", False),
        "disabled_reason": None,
        "forced_down": host.get("forced_down", False),
        "last_seen_up": NOW - timedelta(seconds=host.get("silent_s", 0)),
        "created_at": NOW,
    }


def _instance(host: Fields, number: int) -> objects.Instance:
    properties = host.get("images", {}).get(str(number), {})
    system_metadata = {f"image_{name}": value for name, value in properties.items()}
    return objects.Instance(uuid=uuid(number), image_ref=None, system_metadata=system_metadata)
