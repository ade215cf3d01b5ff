"""Whether a host is in service."""

import numpy as np

from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec

DISABLED = "COMPUTE_STATUS_DISABLED"


class ComputeFilter:
    """Hosts that are known, enabled and up.

    A host without facts is out, as a node without service record is in Nova. So is one whose root provider has the
    trait COMPUTE_STATUS_DISABLED, and one last seen up more than ``service_down_time_s`` ago, or as far in the future:
    one of the clocks is wrong then, and the heartbeat says nothing.
    """

    name = "ComputeFilter"
    reason = "disabled_or_down"
    run_filter_once_per_request = True

    def __init__(self, service_down_time_s: float) -> None:
        self._service_down_time_s = service_down_time_s

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts are in service; a host without facts has no set flag."""
        silent = np.abs(hosts.taken_at - hosts.column("last_seen_up")) > self._service_down_time_s
        in_service: BoolArray = hosts.column("enabled") & hosts.column("up") & ~(silent | hosts.has_trait(DISABLED))
        return in_service
