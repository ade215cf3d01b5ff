"""Server groups: members together, or apart.

How many members a host has is the greater of two counts: members found on it by instance UUID (in the facts, or placed
in this batch), and how often the group names the host. Either may be the fresher one.
"""

from uuid import UUID

import numpy as np

from scheduler.hosts.arrays import BoolArray, IntArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec, ServerGroup


class ServerGroupAntiAffinityFilter:
    """Hosts with fewer members of the instance's group than ``max_server_per_host``."""

    name = "ServerGroupAntiAffinityFilter"
    reason = "group_member_present"

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts may take one more member; the host the instance is on already may keep it."""
        group = request.instance_group
        if group is None or group.policy != "anti-affinity":
            return np.ones(len(hosts), dtype=np.bool_)
        passes: BoolArray = _member_count(group, request, hosts) < group.max_server_per_host
        if request.instance_uuid is not None:
            passes |= hosts.members([request.instance_uuid]) > 0
        return passes


class ServerGroupAffinityFilter:
    """Hosts that have members of the instance's group, once there are any."""

    name = "ServerGroupAffinityFilter"
    reason = "group_is_elsewhere"

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts have a member, or all while no member is known to be on a host."""
        group = request.instance_group
        if group is None or group.policy != "affinity":
            return np.ones(len(hosts), dtype=np.bool_)
        if not group.hosts and not hosts.placed_anywhere(_others(group, request)):
            return np.ones(len(hosts), dtype=np.bool_)
        return _member_count(group, request, hosts) > 0


def _member_count(group: ServerGroup, request: RequestSpec, hosts: HostTable) -> IntArray:
    return np.maximum(hosts.members(_others(group, request)), hosts.named(group.hosts))


def _others(group: ServerGroup, request: RequestSpec) -> set[UUID]:
    return {member for member in group.members if member != request.instance_uuid}
