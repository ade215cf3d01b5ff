"""A row of the host table as Nova's ``HostState``: its names and units, nothing computed before it is read."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

import numpy as np

from scheduler.compat.counterparts import NoCounterpart
from scheduler.compat.nova.views import ReadOnlyDict, View
from scheduler.hosts.table import HostTable
from scheduler.model.facts import ZONE_KEY, AggregateFact, HostFact

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class HostState:
    """One host as a class of Nova sees it; every column is read from the table when it is first asked for.

    Read-only, but for ``limits``: what a filter writes there is not handed to anybody. Raises NoCounterpart for what is
    not known here.
    """

    __slots__ = ("_columns", "_row", "limits")

    def __init__(self, columns: "Columns", row: int) -> None:
        self._columns = columns
        self._row = row

    def __getattr__(self, name: str) -> Any:
        if name == "limits":
            self.limits: dict[str, Any] = {}
            return self.limits
        if name not in ATTRIBUTES:
            raise NoCounterpart("HostState", name)
        return self._columns[name][self._row]

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __repr__(self) -> str:
        return f"({self.host}, {self.nodename})"


class Columns:
    """The attributes of all hosts of a table, each found when it is first asked for."""

    def __init__(self, hosts: HostTable) -> None:
        self._hosts = hosts
        self._known: dict[str, Sequence[Any]] = {}

    def __getitem__(self, name: str) -> Sequence[Any]:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = ATTRIBUTES[name](self._hosts)
        return known


def host_states(hosts: HostTable) -> list[HostState]:
    """Return the rows of a host table as host states, in the order of the table."""
    columns = Columns(hosts)
    return [HostState(columns, row) for row in range(len(hosts))]


Column = Callable[[HostTable], Sequence[Any]]


def _number(name: str) -> Column:
    return lambda hosts: hosts.column(name).tolist()


def _same(value: Any) -> Column:
    return lambda hosts: [value] * len(hosts)


def _by_value(name: str, shown: Callable[[Any], Any]) -> Column:
    """Return the column of a fact, each distinct value converted once."""

    def column(hosts: HostTable) -> Sequence[Any]:
        codes, values = hosts.distinct((name,))
        converted = [shown(value) for value in values]
        return [converted[code] for code in codes.tolist()]

    return column


def _facts(hosts: HostTable) -> Iterator[HostFact | None]:
    facts = hosts.offers.snapshot.facts
    return (facts[row] if row >= 0 else None for row in hosts.fact_rows.tolist())


def _uuids(hosts: HostTable) -> Sequence[str]:
    return [str(uuid) for uuid in hosts.provider_uuids]


def _aggregates(hosts: HostTable) -> Sequence[list[View]]:
    known = hosts.offers.snapshot.aggregates
    views: dict[UUID, View] = {}
    for uuid in {uuid for fact in _facts(hosts) if fact for uuid in fact.aggregates}:
        views[uuid] = _aggregate(known.get(uuid) or AggregateFact(uuid=uuid, name=str(uuid)))
    return [[views[uuid] for uuid in fact.aggregates] if fact else [] for fact in _facts(hosts)]


def _aggregate(fact: AggregateFact) -> View:
    metadata = ReadOnlyDict(fact.metadata)
    values = {"uuid": str(fact.uuid), "name": fact.name, "metadata": metadata}
    return View("Aggregate", values | {"availability_zone": metadata.get(ZONE_KEY)})


def _instances(hosts: HostTable) -> Sequence[ReadOnlyDict]:
    placed: dict[int, list[UUID]] = {}
    for instance, host in hosts.claimed.items():
        placed.setdefault(host, []).append(instance)
    pairs = zip(_facts(hosts), hosts.hosts.tolist(), strict=True)
    return [_stubs([*(fact.instances if fact else ()), *placed.get(host, ())]) for fact, host in pairs]


def _stubs(instances: list[UUID]) -> ReadOnlyDict:
    return ReadOnlyDict({str(uuid): View("Instance", {"uuid": str(uuid)}) for uuid in instances})


def _services(hosts: HostTable) -> Sequence[ReadOnlyDict]:
    columns = (hosts.names, *(hosts.column(name).tolist() for name in ("enabled", "up", "last_seen_up")))
    return [_service(*values) for values in zip(*columns, strict=True)]


def _service(host: str, enabled: bool, up: bool, last_seen_up: float) -> ReadOnlyDict:
    seen = None if np.isnan(last_seen_up) else _time(last_seen_up)
    return ReadOnlyDict(
        host=host,
        binary="nova-compute",
        topic="compute",
        disabled=not enabled,
        disabled_reason=None,
        forced_down=not up,
        last_seen_up=seen,
        created_at=None,
        updated_at=seen,
    )


def _updated(hosts: HostTable) -> Sequence[datetime | None]:
    return [_time(hosts.taken_at) if hosts.taken_at else None] * len(hosts)


def _time(seconds: float) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _metrics(hosts: HostTable) -> Sequence[list[View]]:
    return [
        [View("MonitorMetric", {"name": name, "value": value}) for name, value in fact.metrics.items()] if fact else []
        for fact in _facts(hosts)
    ]


def _candidates(hosts: HostTable) -> Sequence[list[dict[str, Any]]]:
    return [[_allocation(hosts, int(one)) for one in hosts.fitting(row)] for row in range(len(hosts))]


def _allocation(hosts: HostTable, candidate: int) -> dict[str, Any]:
    request = hosts.request_of(candidate)
    held = {str(uuid): {"resources": dict(given.resources)} for uuid, given in request.allocations.items()}
    mappings = {suffix: [str(uuid) for uuid in uuids] for suffix, uuids in request.mappings.items()}
    return {"allocations": held, "mappings": mappings}


ATTRIBUTES: Mapping[str, Column] = {
    "host": lambda hosts: hosts.names.tolist(),
    "nodename": lambda hosts: hosts.nodes.tolist(),
    "hypervisor_hostname": lambda hosts: hosts.nodes.tolist(),
    "uuid": _uuids,
    "cell_uuid": _by_value("cell_uuid", lambda uuid: None if uuid is None else str(uuid)),
    "total_usable_ram_mb": _number("total_usable_ram_mb"),
    "total_usable_disk_gb": _number("total_usable_disk_gb"),
    "disk_mb_used": _number("disk_mb_used"),
    "free_ram_mb": _number("free_ram_mb"),
    "free_disk_mb": _number("free_disk_mb"),
    "vcpus_total": _number("vcpus_total"),
    "vcpus_used": _number("vcpus_used"),
    # Capacity has the ratio in it already, so that a class which multiplies by it is right.
    "cpu_allocation_ratio": _same(1.0),
    "ram_allocation_ratio": _same(1.0),
    "disk_allocation_ratio": _same(1.0),
    # A request that needs them is refused before any filter sees it.
    "pci_stats": _same(None),
    "numa_topology": _same(None),
    "num_instances": _number("num_instances"),
    "num_io_ops": _number("num_io_ops"),
    "failed_builds": _number("failed_builds"),
    "host_ip": _number("host_ip"),
    "hypervisor_type": _number("hypervisor_type"),
    "hypervisor_version": _number("hypervisor_version"),
    "cpu_info": _by_value("cpu_info", lambda info: json.dumps(info or {}, sort_keys=True)),
    "supported_instances": _by_value("supported_instances", lambda offered: [list(one) for one in offered or ()]),
    "stats": _by_value("stats", lambda stats: ReadOnlyDict(stats or {})),
    "metrics": _metrics,
    "aggregates": _aggregates,
    "instances": _instances,
    "service": _services,
    "updated": _updated,
    "allocation_candidates": _candidates,
}
"""Every attribute of a host state but ``limits``: how the values of all hosts of a table are had."""
