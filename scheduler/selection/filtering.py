"""Which hosts are left for an instance, and which filter removed each of the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scheduler.filters import AnyFilter, CandidateFilter, filters_for, once_per_request
from scheduler.hosts.arrays import BoolArray, IntArray
from scheduler.hosts.table import HostTable
from scheduler.model import FilterStep, RequestSpec
from scheduler.selection.plugins import judged, kept_by

Settled = Mapping[str, BoolArray]
"""Answers, by name, of the filters that are asked once a request: over all hosts, or over all candidates."""


@dataclass(frozen=True, slots=True, eq=False)
class Filtered:
    """What the filters left: ``kept`` are rows (k,); ``removed_by`` (n,) indexes ``names``, -1 for hosts that stay.

    ``hosts`` is the table of all n hosts without the candidates that filters dropped.
    """

    kept: IntArray
    hosts: HostTable
    removed_by: npt.NDArray[np.int16]
    names: tuple[str, ...]
    steps: tuple[FilterStep, ...]


def settle(filters: Sequence[AnyFilter], request: RequestSpec, hosts: HostTable) -> Settled:
    """Ask the filters whose answer holds for every instance of a batch, each about the hosts those before it left."""
    settled: dict[str, BoolArray] = {}
    rows = np.arange(len(hosts), dtype=np.int64)
    for plugin in filter(once_per_request, filters_for(tuple(filters), request)):
        settled[plugin.name] = answer = _answer(plugin, request, hosts, rows)
        hosts, rows = _left(plugin, answer, hosts, rows)
        if not rows.size:
            break
    return settled


def filter_hosts(filters: Sequence[AnyFilter], settled: Settled, request: RequestSpec, hosts: HostTable) -> Filtered:
    """Run the filters of a request in order over the hosts that are left, until none is."""
    wanted = filters_for(tuple(filters), request)
    rows, steps = np.arange(len(hosts), dtype=np.int64), []
    removed_by = np.full(len(hosts), -1, dtype=np.int16)
    for position, plugin in enumerate(wanted):
        answer = settled[plugin.name] if plugin.name in settled else _answer(plugin, request, hosts, rows)
        hosts, left = _left(plugin, answer, hosts, rows)
        steps.append(_step(plugin, len(rows), len(rows) - len(left)))
        removed_by[rows], removed_by[left] = position, -1
        rows = left
        if not rows.size:
            break
    return Filtered(rows, hosts, removed_by, tuple(plugin.name for plugin in wanted), tuple(steps))


def _answer(plugin: AnyFilter, request: RequestSpec, hosts: HostTable, rows: IntArray) -> BoolArray:
    """Ask a filter about these rows; its answer over all hosts or all candidates, True for those not asked about."""
    asked = hosts.take(rows)
    if isinstance(plugin, CandidateFilter):
        return _spread(kept_by(plugin, request, asked), asked.candidates, hosts.candidate_count)
    return _spread(judged(plugin, request, asked), rows, len(hosts))


def _spread(answer: BoolArray, places: IntArray, size: int) -> BoolArray:
    spread = np.ones(size, dtype=np.bool_)
    spread[places] = answer
    return spread


def _left(plugin: AnyFilter, answer: BoolArray, hosts: HostTable, rows: IntArray) -> tuple[HostTable, IntArray]:
    """Return the hosts with the candidates, and the rows, that the answer of a filter leaves."""
    if isinstance(plugin, CandidateFilter):
        hosts = hosts.keeping(answer)
        return hosts, rows[hosts.take(rows).has_room()]
    return hosts, rows[answer[rows]]


def _step(plugin: AnyFilter, hosts_in: int, removed: int) -> FilterStep:
    return FilterStep(name=plugin.name, reason=plugin.reason, hosts_in=hosts_in, removed=removed)
