"""Which hosts are left for an instance, and which filter removed each of the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scheduler.filters import Filter, filters_for, once_per_request
from scheduler.hosts.arrays import BoolArray, IntArray
from scheduler.hosts.table import HostTable
from scheduler.model import FilterStep, RequestSpec
from scheduler.selection.plugins import judged

Settled = Mapping[str, BoolArray]
"""Answers, by name and over all hosts, of the filters that are asked once a request."""


@dataclass(frozen=True, slots=True, eq=False)
class Filtered:
    """What the filters left: ``kept`` are rows (k,); ``removed_by`` (n,) indexes ``names``, -1 for hosts that stay."""

    kept: IntArray
    removed_by: npt.NDArray[np.int16]
    names: tuple[str, ...]
    steps: tuple[FilterStep, ...]


def settle(filters: Sequence[Filter], request: RequestSpec, hosts: HostTable) -> Settled:
    """Ask the filters whose answer holds for every instance of a batch, each about the hosts those before it left."""
    settled: dict[str, BoolArray] = {}
    rows = np.arange(len(hosts), dtype=np.int64)
    for plugin in filter(once_per_request, filters_for(tuple(filters), request)):
        answer = np.ones(len(hosts), dtype=np.bool_)
        answer[rows] = passes = judged(plugin, request, hosts.take(rows))
        settled[plugin.name], rows = answer, rows[passes]
        if not rows.size:
            break
    return settled


def filter_hosts(filters: Sequence[Filter], settled: Settled, request: RequestSpec, hosts: HostTable) -> Filtered:
    """Run the filters of a request in order over the hosts that are left, until none is."""
    wanted = filters_for(tuple(filters), request)
    rows, steps = np.arange(len(hosts), dtype=np.int64), []
    removed_by = np.full(len(hosts), -1, dtype=np.int16)
    for position, plugin in enumerate(wanted):
        passes = settled[plugin.name][rows] if plugin.name in settled else judged(plugin, request, hosts.take(rows))
        steps.append(_step(plugin, passes))
        removed_by[rows[~passes]] = position
        rows = rows[passes]
        if not rows.size:
            break
    return Filtered(rows, removed_by, tuple(plugin.name for plugin in wanted), tuple(steps))


def _step(plugin: Filter, passes: BoolArray) -> FilterStep:
    removed = len(passes) - int(np.count_nonzero(passes))
    return FilterStep(name=plugin.name, reason=plugin.reason, hosts_in=len(passes), removed=removed)
