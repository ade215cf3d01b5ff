"""Weighers of how busy a host is; those placed in this batch count."""

import numpy as np

from scheduler.hosts.arrays import FloatArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.weighers.bounded import rising


class IoOpsWeigher:
    """Instances that are being built, resized or moved; the default multiplier is negative and prefers idle hosts."""

    name = "IoOpsWeigher"
    multiplier_key = "io_ops_weight_multiplier"
    per_host = True
    minval = 0.0

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return the number of operations."""
        return hosts.column("num_io_ops").astype(np.float64)

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return n / (1 + n)."""
        return rising(scores)


class NumInstancesWeigher:
    """Instances on the host; a positive multiplier packs, a negative one spreads."""

    name = "NumInstancesWeigher"
    multiplier_key = "num_instances_weight_multiplier"
    per_host = True

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return the number of instances."""
        return hosts.column("num_instances").astype(np.float64)

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return n / (1 + n)."""
        return rising(scores)
