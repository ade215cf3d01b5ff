"""Weighers of what a request would like and can do without; Nova has no such wishes."""

import numpy as np

from scheduler.hosts.arrays import FloatArray
from scheduler.hosts.groups import most_skewed, skews
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.weighers.bounded import falling


class TopologySpreadWeigher:
    """Hosts in domains that keep within ``max_skew`` of every soft entry of ``topology_spread``."""

    name = "TopologySpreadWeigher"
    multiplier_key = "topology_spread_weight_multiplier"

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether a soft spread is asked for."""
        return any(not spread.hard for spread in request.topology_spread)

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return less the instances by which max_skew would be exceeded, added up; most where there is no domain."""
        total, most = np.zeros(len(hosts)), most_skewed(request, hosts)
        for spread in request.topology_spread:
            if not spread.hard:
                total -= np.clip(skews(spread.key, request, hosts) - spread.max_skew, 0, most)
        return total

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return 1 / (1 + n), n being the instances beyond max_skew, or 0 when nothing soft is asked for."""
        return falling(-scores) if self.concerns(request) else np.zeros(len(hosts))


class PreferredTraitsWeigher:
    """Hosts that have the ``preferred_traits`` on any provider of their tree."""

    name = "PreferredTraitsWeigher"
    multiplier_key = "preferred_traits_weight_multiplier"
    minval = 0.0
    maxval = 1.0
    per_host = True

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether traits are preferred."""
        return bool(request.preferred_traits)

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return the share of the preferred traits that the host has, 0 when none is preferred."""
        wanted = request.preferred_traits
        has = sum((hosts.offers_trait(name).astype(np.float64) for name in wanted), np.zeros(len(hosts)))
        return has / max(len(wanted), 1)

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return the share itself."""
        return scores
