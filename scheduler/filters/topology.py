"""Racks and zones: instances spread over them evenly."""

import numpy as np

from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.groups import skews
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec


class TopologySpreadFilter:
    """Hosts in domains that keep within ``max_skew`` of every hard entry of ``topology_spread``.

    A host in no domain is out. The rule is that of the Kubernetes scheduler's topology spread constraints.
    """

    name = "TopologySpreadFilter"
    reason = "topology_skew"

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether a hard spread is asked for."""
        return any(spread.hard for spread in request.topology_spread)

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts the instance may go to without leading the emptiest domain by too much."""
        passes = np.ones(len(hosts), dtype=np.bool_)
        for spread in request.topology_spread:
            if spread.hard:
                passes &= skews(spread.key, request, hosts) <= spread.max_skew
        return passes
