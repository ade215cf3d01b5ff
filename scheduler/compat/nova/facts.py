"""From what Nova knows of hosts to facts: ComputeNode with its Service, HostState, and Aggregate.

What cannot be expressed is InvalidRequest naming the field; what is left out is listed in ``passed_over``.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from scheduler.compat.nova.passed_over import PASSED_OVER
from scheduler.compat.nova.reading import (
    Fields,
    count_of,
    fields_of,
    list_of,
    mapping_of,
    objects_of,
    only,
    refuse_others,
    seconds_of,
    typed,
)
from scheduler.errors import InvalidRequest
from scheduler.model import AggregateFact, HostFact

_DESCRIBED = ("hypervisor_type", "hypervisor_version", "host_ip")
_HEARD = ("disabled", "forced_down", "last_seen_up", "created_at")
_COUNTS = {"num_io_ops": "io_workload", "failed_builds": "failed_builds"}
_PERCENT = frozenset(
    {"cpu.user.percent", "cpu.kernel.percent", "cpu.idle.percent", "cpu.iowait.percent", "cpu.percent"}
)
"""Metrics that a compute node reports as a share, and that Nova's scheduler reads as percent."""


def host_fact_from(
    compute_node: Any, service: Any, *, aggregates: Iterable[Any] = (), instances: Iterable[UUID | str] = ()
) -> HostFact:
    """Return a ComputeNode of Nova and its Service as a fact. Raises InvalidRequest.

    ``aggregates`` are Nova's Aggregates, of which those that name the host count; ``instances`` are those on the node.
    """
    fields = fields_of(compute_node, "ComputeNode", "compute_node")
    known = (*_DESCRIBED, "host", "hypervisor_hostname", "uuid", "cpu_info", "supported_hv_specs", "stats", "metrics")
    refuse_others(fields, (*known, "pci_device_pools"), PASSED_OVER["ComputeNode"], "compute_node")
    stats = _stats(fields, "compute_node.stats")
    plain = {
        **only({"name": fields.get("host"), "node": fields.get("hypervisor_hostname")}, ("name", "node")),
        "provider_uuid": fields.get("uuid"),
        "instances": [str(instance) for instance in instances],
        "supported_instances": _specs(fields.get("supported_hv_specs")),
        "metrics": _metrics(fields.get("metrics")),
        "free_pci_devices": _devices(fields.get("pci_device_pools"), "compute_node.pci_device_pools"),
        "aggregates": [uuid for uuid, hosts in map(_membership, aggregates) if fields.get("host") in hosts],
        **{name: count_of(stats.get(key, 0), f"compute_node.stats.{key}") for name, key in _COUNTS.items()},
        **_described(fields, stats),
        **_in_service(service),
    }
    return typed(plain, HostFact, "compute_node")


def host_fact_from_state(host_state: Any) -> HostFact:
    """Return a HostState of Nova, or a dictionary of its attributes, as a fact. Raises InvalidRequest."""
    fields = dict(host_state) if isinstance(host_state, Mapping) else _attributes(host_state)
    counts = ("num_io_ops", "failed_builds")
    known = (*_DESCRIBED, *counts, "host", "nodename", "uuid", "cpu_info", "supported_instances", "stats", "metrics")
    rest = ("aggregates", "instances", "service", "cell_uuid", "pci_stats")
    refuse_others(fields, (*known, *rest), PASSED_OVER["HostState"], "host_state")
    metrics, where = fields.get("metrics"), "host_state"
    plain = {
        **only({"name": fields.get("host"), "node": fields.get("nodename")}, ("name", "node")),
        "provider_uuid": fields.get("uuid"),
        **only(fields, (*counts, "cell_uuid")),
        "free_pci_devices": _devices(getattr(fields.get("pci_stats"), "pools", None), f"{where}.pci_stats"),
        "instances": list(mapping_of(fields.get("instances"), f"{where}.instances")),
        "supported_instances": list_of(fields.get("supported_instances"), f"{where}.supported_instances"),
        "metrics": _values([] if metrics is None else objects_of(metrics, "MonitorMetricList", f"{where}.metrics")),
        "aggregates": [_aggregate(one).get("uuid") for one in list_of(fields.get("aggregates"), f"{where}.aggregates")],
        **_described(fields, _stats(fields, f"{where}.stats")),
        **_in_service(fields.get("service")),
    }
    return typed(plain, HostFact, "host_state")


def aggregate_fact_from(aggregate: Any) -> AggregateFact:
    """Return an Aggregate of Nova as a fact; its hosts are in their own facts. Raises InvalidRequest."""
    fields = _aggregate(aggregate)
    refuse_others(fields, ("uuid", "name", "metadata"), PASSED_OVER["Aggregate"], "aggregate")
    return typed(only(fields, ("uuid", "name", "metadata")), AggregateFact, "aggregate")


def _aggregate(aggregate: Any) -> Fields:
    return fields_of(aggregate, "Aggregate", "aggregate")


def _membership(aggregate: Any) -> tuple[str, list[str]]:
    fields = _aggregate(aggregate)
    return str(fields.get("uuid")), list_of(fields.get("hosts"), "aggregate.hosts")


def _attributes(host_state: Any) -> Fields:
    try:
        return {name: value for name, value in vars(host_state).items() if not name.startswith("_")}
    except TypeError:
        problem = "host_state: expected a HostState of Nova"
    raise InvalidRequest(problem)


def _described(fields: Fields, stats: Fields) -> Fields:
    described = only(fields, _DESCRIBED)
    if "host_ip" in described:
        described["host_ip"] = str(described["host_ip"])
    return {**described, "cpu_info": _object(fields.get("cpu_info"), "cpu_info"), "stats": stats}


def _in_service(service: Any) -> Fields:
    """Return what a service says of its host; a heartbeat that never was is the start of the service, as in Nova."""
    if service is None:
        raise InvalidRequest("service: needed, as Nova uses no node without one")
    fields = fields_of(service, "Service", "service")
    refuse_others(fields, _HEARD, PASSED_OVER["Service"], "service")
    seen = fields.get("last_seen_up") or fields.get("created_at")
    up = not fields.get("forced_down")
    return {"enabled": not fields.get("disabled"), "up": up, "last_seen_up": seconds_of(seen, "service.last_seen_up")}


def _devices(pools: Any, where: str) -> int:
    """Return how many PCI devices the pools of a host have left."""
    listed = [] if pools is None else objects_of(pools, "PciDevicePoolList", where)
    return sum(count_of(fields_of(pool, "PciDevicePool", where).get("count", 0), where) for pool in listed)


def _stats(fields: Fields, where: str) -> Fields:
    """Return the stats without those that are None: a host that does not know lacks the capability."""
    return {name: str(value) for name, value in mapping_of(fields.get("stats"), where).items() if value is not None}


def _specs(specs: Any) -> list[list[Any]]:
    listed = list_of(specs, "compute_node.supported_hv_specs")
    return [list(one) if isinstance(one, list | tuple) else _spec(one) for one in listed]


def _spec(spec: Any) -> list[Any]:
    fields = fields_of(spec, "HVSpec", "compute_node.supported_hv_specs")
    return [fields.get(name) for name in ("arch", "hv_type", "vm_mode")]


def _metrics(text: Any) -> Fields:
    """Return the metrics that a compute node reports as JSON."""
    values = _values(list_of(_parsed(text, "compute_node.metrics") if text else None, "compute_node.metrics"))
    shares = {name for name, value in values.items() if name in _PERCENT and isinstance(value, float) and value <= 1}
    return {name: round(value * 100) if name in shares else value for name, value in values.items()}


def _values(metrics: list[Any]) -> Fields:
    """Return metrics by name; one that reports no single value, as that of memory bandwidth, is as if lacking."""
    fields = [fields_of(one, "MonitorMetric", "metrics") for one in metrics]
    return {str(one.get("name")): one["value"] for one in fields if one.get("value") is not None}


def _object(text: Any, name: str) -> Any:
    """Return a JSON object that Nova keeps as text; nothing is an empty one."""
    return (_parsed(text, name) if isinstance(text, str) else text) or {}


def _parsed(text: Any, name: str) -> Any:
    try:
        return msgspec.json.decode(text)  # refuses numbers that are none
    except (TypeError, ValueError, RecursionError):
        problem = f"{name}: expected JSON"
    raise InvalidRequest(problem)
