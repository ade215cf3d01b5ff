"""Weighers of how busy a host is; those placed in this batch count."""

from scheduler.hosts.arrays import FloatArray
from scheduler.hosts.offers import FACT
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.weighers.bounded import rising
from scheduler.weighers.columns import ColumnWeigher


class IoOpsWeigher(ColumnWeigher):
    """Instances that are being built, resized or moved; the default multiplier is negative and prefers idle hosts."""

    name = "IoOpsWeigher"
    multiplier_key = "io_ops_weight_multiplier"
    column = (FACT, "num_io_ops")
    minval = 0.0

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return n / (1 + n)."""
        return rising(scores)


class NumInstancesWeigher(ColumnWeigher):
    """Instances on the host; a positive multiplier packs, a negative one spreads."""

    name = "NumInstancesWeigher"
    multiplier_key = "num_instances_weight_multiplier"
    column = (FACT, "num_instances")

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return n / (1 + n)."""
        return rising(scores)
