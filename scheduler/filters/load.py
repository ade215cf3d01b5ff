"""Hosts that are not too busy: a limit for all, or one that their aggregates set."""

import re

import numpy as np

from scheduler.hosts.arrays import BoolArray, FloatArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec

_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,15}\s*", re.ASCII)


class NumInstancesFilter:
    """Hosts with fewer instances than ``max_instances_per_host``, those of this batch included."""

    name = "NumInstancesFilter"
    reason = "too_many_instances"
    per_host = True

    def __init__(self, max_instances_per_host: int) -> None:
        self._limit = max_instances_per_host

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts are below the limit."""
        below: BoolArray = hosts.column("num_instances") < self._limit
        return below


class AggregateNumInstancesFilter:
    """Hosts with fewer instances than the least ``max_instances_per_host`` of their aggregates, or the option."""

    name = "AggregateNumInstancesFilter"
    reason = "too_many_instances"
    per_host = True

    def __init__(self, max_instances_per_host: int) -> None:
        self._limit = max_instances_per_host

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts are below their limit."""
        below: BoolArray = hosts.column("num_instances") < _limits(hosts, "max_instances_per_host", self._limit)
        return below


class IoOpsFilter:
    """Hosts with fewer builds, resizes and moves under way than ``max_io_ops_per_host``, those of this batch too."""

    name = "IoOpsFilter"
    reason = "too_many_io_ops"
    per_host = True

    def __init__(self, max_io_ops_per_host: int) -> None:
        self._limit = max_io_ops_per_host

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts are below the limit."""
        below: BoolArray = hosts.column("num_io_ops") < self._limit
        return below


class AggregateIoOpsFilter:
    """Hosts with fewer operations than the least ``max_io_ops_per_host`` of their aggregates, or the option."""

    name = "AggregateIoOpsFilter"
    reason = "too_many_io_ops"
    per_host = True

    def __init__(self, max_io_ops_per_host: int) -> None:
        self._limit = max_io_ops_per_host

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts are below their limit."""
        below: BoolArray = hosts.column("num_io_ops") < _limits(hosts, "max_io_ops_per_host", self._limit)
        return below


def _limits(hosts: HostTable, key: str, otherwise: int) -> FloatArray:
    """Return the limit of each host, shape (n,)."""
    codes, sets = hosts.aggregate_values(key)
    return np.array([_least(values, otherwise) for values in sets], dtype=np.float64)[codes]


def _least(values: frozenset[str], otherwise: int) -> int:
    """Return the least of these numbers; the option's when there is none, or when one is no whole number, as Nova."""
    sound = values and all(_WHOLE.fullmatch(value) for value in values)
    return min(map(int, values)) if sound else otherwise
