"""The filters that are always there: room, and hosts that a request forces, requests or ignores."""

import numpy as np

from scheduler.filters.protocol import AnyFilter
from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec


class RoomFilter:
    """Hosts with an allocation candidate that fits what the instances before it in the batch have left."""

    name = "RoomFilter"
    reason = "no_room_left"
    per_host = True

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts have room; before the first instance of a batch all that Placement offers."""
        return hosts.has_room()


class ForcedHostFilter:
    """Only hosts and nodes that the request forces; host names are compared without case, as Nova does."""

    name = "ForcedHostFilter"
    reason = "not_forced"
    run_filter_once_per_request = True

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts are forced; host and node both, where both are given."""
        passes = np.ones(len(hosts), dtype=np.bool_)
        if request.force_hosts:
            passes &= hosts.named_any_case(request.force_hosts)
        if request.force_nodes:
            passes &= hosts.on_nodes(request.force_nodes)
        return passes


class RequestedHostFilter:
    """Only the host, node and cell of the requested destination, names compared exactly.

    A cell that may be left, for a move, removes no host; CrossCellWeigher prefers it.
    """

    name = "RequestedHostFilter"
    reason = "not_requested"
    run_filter_once_per_request = True

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts are the requested one; all where none is."""
        passes, wanted = np.ones(len(hosts), dtype=np.bool_), request.requested_destination
        if wanted and wanted.host is not None:
            passes &= hosts.named([wanted.host]) > 0
        if wanted and wanted.node is not None:
            passes &= hosts.on_nodes([wanted.node])
        if wanted and wanted.cell is not None and not wanted.allow_cross_cell_move:
            passes &= hosts.in_cell(wanted.cell)
        return passes


class IgnoredHostFilter:
    """No host that the request ignores; host names are compared without case, as Nova does."""

    name = "IgnoredHostFilter"
    reason = "ignored"
    run_filter_once_per_request = True

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts are not ignored."""
        return ~hosts.named_any_case(request.ignore_hosts)


ALWAYS: tuple[type[AnyFilter], ...] = (RoomFilter, ForcedHostFilter, RequestedHostFilter, IgnoredHostFilter)
"""The filters of this file, in their order."""


def filters_for(enabled: tuple[AnyFilter, ...], request: RequestSpec) -> tuple[AnyFilter, ...]:
    """Return the filters this request runs through, in order.

    Those of this file come first, as far as the request gives them something to do; where hosts or nodes are forced
    they are the only ones, as in Nova.
    """
    wanted = request.requested_destination
    always: list[AnyFilter] = [RoomFilter()]
    if request.force_hosts or request.force_nodes:
        always.append(ForcedHostFilter())
    if wanted and (wanted.host, wanted.node, wanted.cell) != (None, None, None):
        always.append(RequestedHostFilter())
    if request.ignore_hosts:
        always.append(IgnoredHostFilter())
    return tuple(always) if request.force_hosts or request.force_nodes else (*always, *enabled)
