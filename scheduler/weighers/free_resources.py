"""Weighers of the room that is left, as Placement counts it: capacity less use, over the host's own providers.

With a positive multiplier they spread, with a negative one they pack. Less than nothing left counts as nothing.
"""

from scheduler.hosts.arrays import FloatArray
from scheduler.hosts.offers import FREE
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.weighers.bounded import share
from scheduler.weighers.columns import ColumnWeigher


class RAMWeigher(ColumnWeigher):
    """Free memory in MiB."""

    name = "RAMWeigher"
    multiplier_key = "ram_weight_multiplier"
    column = (FREE, "MEMORY_MB")
    minval = 0.0

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return the share of the capacity that is free."""
        return share(scores, hosts.capacity("MEMORY_MB"))


class CPUWeigher(ColumnWeigher):
    """Free virtual CPUs, overcommitment included."""

    name = "CPUWeigher"
    multiplier_key = "cpu_weight_multiplier"
    column = (FREE, "VCPU")
    minval = 0.0

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return the share of the capacity that is free."""
        return share(scores, hosts.capacity("VCPU"))


class DiskWeigher(ColumnWeigher):
    """Free disk of the host's own in GiB; shared storage does not tell hosts apart."""

    name = "DiskWeigher"
    multiplier_key = "disk_weight_multiplier"
    column = (FREE, "DISK_GB")
    minval = 0.0

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return the share of the capacity that is free."""
        return share(scores, hosts.capacity("DISK_GB"))
