"""Weighers of what a host is: its free PCI devices, the version of its hypervisor, its builds that failed, its cell."""

import numpy as np

from scheduler.hosts.arrays import FloatArray
from scheduler.hosts.offers import FACT
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.model.devices import PCI_CLASS
from scheduler.weighers.bounded import rising
from scheduler.weighers.columns import ColumnWeigher

MAX_DEVICES = 99
"""More free PCI devices than this make no difference."""

MAJOR = 1_000_000
"""One major version, in versions as hypervisors report them."""


class PCIWeigher:
    """Hosts with few free PCI devices, so that those with many are kept for instances that need them."""

    name = "PCIWeigher"
    multiplier_key = "pci_weight_multiplier"
    per_host = True

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return 100 less the free PCI devices, of which 99 count at most."""
        free = hosts.column("free_pci_devices") - self._taken(hosts)
        return 1.0 + MAX_DEVICES - np.minimum(np.maximum(free, 0.0), MAX_DEVICES)

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return (score - 1) / 99: 1 without free devices, 0 with 99 or more."""
        return (scores - 1.0) / MAX_DEVICES

    def _taken(self, hosts: HostTable) -> FloatArray | float:
        return sum((hosts.taken(name) for name in hosts.added if name.startswith(PCI_CLASS)), 0.0)


class HypervisorVersionWeigher(ColumnWeigher):
    """Hosts with the newest hypervisor; versions of different hypervisors are compared as if they were of one."""

    name = "HypervisorVersionWeigher"
    multiplier_key = "hypervisor_version_weight_multiplier"
    column = (FACT, "hypervisor_version")

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return v / (1 + v), with v in major versions: 8.2 is 0.891."""
        return rising(scores / MAJOR)


class BuildFailureWeigher(ColumnWeigher):
    """Hosts on which builds failed lately; its multiplier is negated, so that they are avoided."""

    name = "BuildFailureWeigher"
    multiplier_key = "build_failure_weight_multiplier"
    column = (FACT, "failed_builds")
    multiplier_sign = -1.0

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return n / (1 + n)."""
        return rising(scores)


class CrossCellWeigher:
    """Hosts of the cell that the instance is in, in a move that may leave it."""

    name = "CrossCellWeigher"
    multiplier_key = "cross_cell_move_weight_multiplier"
    per_host = True

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether the instance may leave its cell."""
        wanted = request.requested_destination
        return wanted is not None and wanted.cell is not None and wanted.allow_cross_cell_move

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return 1 in the cell, -1 in another, and 0 where no cell may be left."""
        wanted = request.requested_destination
        if wanted is None or wanted.cell is None or not self.concerns(request):
            return np.zeros(len(hosts))
        return np.where(hosts.in_cell(wanted.cell), 1.0, -1.0)

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return 1 in the cell, else 0."""
        return np.maximum(scores, 0.0)
