"""Runs inside Nova's own virtual environment: Nova's rules over the same fleet, timed, by lines of JSON.

    python -P nova_driver.py DIRECTORY

DIRECTORY is the one that ``benchmarks`` is in. ``{"size": n}`` makes the hosts; ``{"rule": name}`` is answered by
``{"seconds": s}``, or by ``{}`` where Nova has no such rule. Only what a rule reads of the database is replaced: the
images of instances, and whether a service is up, which it takes from the record as Nova does by default.
"""

# mypy: disable-error-code="import-not-found"
# Nova is installed only where this runs.

from __future__ import annotations  # nova.objects has its classes only once they are registered

import json
import logging
import sys
import time
import types
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

sys.path.append(sys.argv[1])
logging.disable(logging.CRITICAL)

import nova.conf  # noqa: E402 - the path comes first
from nova import context, objects  # noqa: E402
from nova.scheduler import filters, host_manager, weights  # noqa: E402
from nova.weights import normalize  # noqa: E402

from benchmarks import fleet  # noqa: E402

OPTIONS: dict[str, dict[str, Any]] = {
    "filter_scheduler": {
        "isolated_hosts": ["cmp-00003", "cmp-00005"],
        "isolated_images": [fleet.IMAGE],
        "image_props_weight_multiplier": 1.0,
    },
    "metrics": {"weight_setting": ["cpu.percent=-1.0", "cpu.idle.percent=0.5"]},
}
PLAIN = ("num_io_ops", "failed_builds", "hypervisor_version", "host_ip", "stats", "supported_instances")


def _configure() -> None:
    nova.conf.CONF([], project="nova", default_config_files=[])
    for section, values in OPTIONS.items():
        for name, value in values.items():
            nova.conf.CONF.set_override(name, value, section)
    nova.conf.CONF.set_override("service_down_time", 1_000_000)  # hosts stay up, however long this runs
    objects.register_all()
    context.target_cell = _no_cell
    objects.CellMapping.get_by_uuid = lambda ctxt, uuid: uuid
    objects.InstanceList.fill_metadata = lambda instances: None


@contextmanager
def _no_cell(ctxt: object, cell: object) -> Iterator[object]:
    yield ctxt


def _states(size: int) -> list[host_manager.HostState]:
    known = {
        number: objects.Aggregate(uuid=fleet.uuid(9_000_000 + number), name=str(number), metadata=said)
        for number, said in fleet.aggregates(size)
    }
    stubs = [_instance("fedora" if number % 3 else "debian") for number in range(fleet.INSTANCES)]
    return [_state(host, known, stubs) for host in fleet.hosts(size)]


def _instance(distro: str) -> objects.Instance:
    return objects.Instance(uuid=fleet.uuid(0), image_ref=None, system_metadata={"image_os_distro": distro})


def _state(
    host: fleet.Fields, known: dict[int, objects.Aggregate], stubs: list[objects.Instance]
) -> host_manager.HostState:
    state = host_manager.HostState(host["name"], host["name"], fleet.uuid(host["cell"]))
    for name in PLAIN:
        setattr(state, name, host[name])
    (vcpus, vcpus_used), (ram, ram_used), (disk, disk_used) = host["room"].values()
    state.uuid, state.hypervisor_type, state.num_instances = host["uuid"], "QEMU", fleet.INSTANCES
    state.vcpus_total, state.vcpus_used, state.cpu_allocation_ratio = vcpus, vcpus_used, 1.0
    state.total_usable_ram_mb, state.free_ram_mb, state.free_disk_mb = ram, ram - ram_used, (disk - disk_used) * 1024
    state.cpu_info = json.dumps(host["cpu_info"])
    state.metrics = _metrics(host["metrics"])
    state.pci_stats = types.SimpleNamespace(pools=[{"count": host["free_pci_devices"]}])
    state.aggregates = [known[number] for number in host["aggregates"]]
    state.instances = dict(zip(host["instances"], stubs, strict=True))
    state.update(service=_service(host["enabled"]))
    return state


def _metrics(measured: dict[str, int]) -> objects.MonitorMetricList:
    seen = datetime.now(UTC)
    metrics = [
        objects.MonitorMetric(name=name, value=value, timestamp=seen, source="b") for name, value in measured.items()
    ]
    return objects.MonitorMetricList(objects=metrics)


def _service(enabled: bool) -> fleet.Fields:
    seen = datetime.now(UTC)
    return {"disabled": not enabled, "forced_down": False, "last_seen_up": seen, "created_at": seen, "host": "h"}


def _spec(said: fleet.Fields) -> objects.RequestSpec:
    group = said["group"]
    cell = objects.CellMapping(uuid=said["cell"])
    return objects.RequestSpec(
        instance_uuid=fleet.uuid(0),
        num_instances=1,
        project_id="p",
        user_id="u",
        flavor=objects.Flavor(name="small", vcpus=4, memory_mb=8192, extra_specs=said["extra_specs"]),
        image=objects.ImageMeta.from_dict({"id": fleet.IMAGE, "properties": said["properties"]}),
        instance_group=objects.InstanceGroup(policies=[group["policy"]], rules={}, **group),
        requested_destination=objects.Destination(cell=cell, allow_cross_cell_move=said["allow_cross_cell_move"]),
        scheduler_hints={name: said if isinstance(said, list) else [said] for name, said in said["hints"].items()},
    )


def _seconds(rule: str, states: list[host_manager.HostState]) -> float | None:
    """Return what one answer of a rule for all hosts costs, None where Nova has no rule of this name."""
    spec = _spec(fleet.request(rule))
    if rule in FILTERS:
        plugin = FILTERS[rule]()
        started = time.thread_time()
        list(plugin.filter_all(states, spec))
        return time.thread_time() - started
    if rule not in WEIGHERS:
        return None
    weigher, wrapped = WEIGHERS[rule](), [weights.WeighedHost(state, 0.0) for state in states]
    started = time.thread_time()
    scaled = normalize(weigher.weigh_objects(wrapped, spec), weigher.minval, weigher.maxval)
    for host, weight in zip(wrapped, scaled, strict=True):
        host.weight += weigher.weight_multiplier(host.obj) * weight
    return time.thread_time() - started


FILTERS = {one.__name__: one for one in filters.all_filters()}
WEIGHERS = {one.__name__: one for one in weights.all_weighers()}


def main() -> None:
    """Answer until standard input ends."""
    _configure()
    states: list[host_manager.HostState] = []
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "size" in asked:
            states = _states(asked["size"])
        spent = _seconds(asked["rule"], states) if "rule" in asked else None
        print(json.dumps({} if spent is None else {"seconds": spent}), flush=True)


if __name__ == "__main__":
    main()
