"""The filter that removes nothing."""

import numpy as np

from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec


class AllHostsFilter:
    """Every host."""

    name = "AllHostsFilter"
    reason = "nothing_removed"
    run_filter_once_per_request = True

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return that all hosts pass."""
        return np.ones(len(hosts), dtype=np.bool_)
