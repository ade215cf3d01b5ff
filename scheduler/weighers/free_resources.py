"""Weighers of the room that is left, as Placement counts it: capacity less use, over the host's own providers.

With a positive multiplier they spread, with a negative one they pack. Less than nothing left counts as nothing.
"""

from scheduler.hosts.arrays import FloatArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec


class RAMWeigher:
    """Free memory in MiB."""

    name = "RAMWeigher"
    minval = 0.0

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return the free MEMORY_MB."""
        return hosts.free("MEMORY_MB")


class CPUWeigher:
    """Free virtual CPUs, overcommitment included."""

    name = "CPUWeigher"
    minval = 0.0

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return the free VCPU."""
        return hosts.free("VCPU")


class DiskWeigher:
    """Free disk of the host's own in GiB; shared storage does not tell hosts apart."""

    name = "DiskWeigher"
    minval = 0.0

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return the free DISK_GB."""
        return hosts.free("DISK_GB")
