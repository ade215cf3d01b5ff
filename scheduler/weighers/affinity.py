"""Weighers of soft server group policies: members together or apart where that can be had."""

import numpy as np

from scheduler.hosts.arrays import FloatArray
from scheduler.hosts.groups import members_on
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.weighers.bounded import falling, rising


class ServerGroupSoftAffinityWeigher:
    """Hosts with many members of the instance's group."""

    name = "ServerGroupSoftAffinityWeigher"
    multiplier_key = "soft_affinity_weight_multiplier"

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether there is a group with this policy."""
        return _has_policy(request, "soft-affinity")

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return the number of members with policy soft-affinity, else 0."""
        return members_on(request, hosts).astype(np.float64) if self.concerns(request) else np.zeros(len(hosts))

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return n / (1 + n)."""
        return rising(scores)


class ServerGroupSoftAntiAffinityWeigher:
    """Hosts with few members of the instance's group; ``max_server_per_host`` plays no part."""

    name = "ServerGroupSoftAntiAffinityWeigher"
    multiplier_key = "soft_anti_affinity_weight_multiplier"

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether there is a group with this policy."""
        return _has_policy(request, "soft-anti-affinity")

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return less the number of members with policy soft-anti-affinity, else 0."""
        return -members_on(request, hosts).astype(np.float64) if self.concerns(request) else np.zeros(len(hosts))

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return 1 / (1 + n) with the policy, else 0."""
        return falling(-scores) if self.concerns(request) else np.zeros(len(hosts))


def _has_policy(request: RequestSpec, policy: str) -> bool:
    return request.instance_group is not None and request.instance_group.policy == policy
