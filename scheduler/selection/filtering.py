"""Which hosts are left for an instance, and how many each filter removed."""

from collections.abc import Sequence

import numpy as np
from msgspec import structs

from scheduler.filters import AnyFilter, filters_for, judges_candidates, once_per_request
from scheduler.hosts.arrays import BoolArray, IntArray
from scheduler.hosts.table import HostTable
from scheduler.model import FilterStep, RequestSpec
from scheduler.selection.fingerprint import fingerprint, of_all_rows
from scheduler.selection.memory import Filtered, Memory, kept
from scheduler.selection.plugins import concerned, judged


def settle(filters: Sequence[AnyFilter], request: RequestSpec, hosts: HostTable) -> Memory:
    """Ask the filters whose answer holds for every instance of a batch, each about the hosts those before it left."""
    wanted = tuple([(one, concerned(one, request)) for one in filters_for(tuple(filters), request)])
    settled: dict[str, BoolArray] = {}
    rows = np.arange(len(hosts), dtype=np.int64)
    for plugin, concerns in wanted:
        if not (concerns and once_per_request(plugin)):
            continue
        settled[plugin.name] = answer = _answer(plugin, request, hosts, rows)
        hosts, rows = _left(plugin, answer if judges_candidates(plugin) else answer[rows], hosts, rows)
        if not rows.size:
            break
    return Memory(wanted, settled)


def filter_hosts(memory: Memory, request: RequestSpec, hosts: HostTable) -> Filtered:
    """Run the filters of a round in order over the hosts that are left, until none is."""
    if not memory.renew(request, hosts) and memory.filtered is not None:
        return structs.replace(memory.filtered, hosts=hosts)
    rows, steps = np.arange(len(hosts), dtype=np.int64), []
    for plugin, concerns in memory.wanted:
        before = len(rows)
        if concerns:
            hosts, rows = _left(plugin, memory.answer(plugin, request, hosts, rows), hosts, rows)
        steps.append(FilterStep(name=plugin.name, reason=plugin.reason, hosts_in=before, removed=before - len(rows)))
        if not rows.size:
            break
    stands_for = fingerprint(rows) if len(rows) < len(hosts) else of_all_rows(len(rows))
    filtered = Filtered(rows, hosts, tuple(steps), stands_for)
    memory.filtered = filtered if memory.lasts else None
    return filtered


def _answer(plugin: AnyFilter, request: RequestSpec, hosts: HostTable, rows: IntArray) -> BoolArray:
    """Ask a filter about these rows; its answer over all rows or all candidates, True for those not asked about."""
    if judges_candidates(plugin):
        return kept(plugin, request, hosts, rows)
    if len(rows) == len(hosts):
        return judged(plugin, request, hosts)
    answer = np.ones(len(hosts), dtype=np.bool_)
    answer[rows] = judged(plugin, request, hosts.take(rows))
    return answer


def _left(plugin: AnyFilter, answer: BoolArray, hosts: HostTable, rows: IntArray) -> tuple[HostTable, IntArray]:
    """Return the hosts with the candidates, and the rows, that the answer of a filter leaves of these rows."""
    if judges_candidates(plugin):
        hosts = hosts.keeping(answer)
        return hosts, rows[hosts.take(rows).has_room()]
    return hosts, rows if answer.all() else rows[answer]
