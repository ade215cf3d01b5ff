"""Server groups: members together, or apart."""

import numpy as np

from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.groups import members_on, somebody_is_somewhere
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec


class ServerGroupAntiAffinityFilter:
    """Hosts with fewer members of the instance's group than ``max_server_per_host``."""

    name = "ServerGroupAntiAffinityFilter"
    reason = "group_member_present"

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether there is a group with this policy."""
        return request.instance_group is not None and request.instance_group.policy == "anti-affinity"

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts may take one more member; the host the instance is on already may keep it."""
        group = request.instance_group
        if group is None or not self.concerns(request):
            return np.ones(len(hosts), dtype=np.bool_)
        passes: BoolArray = members_on(request, hosts) < group.max_server_per_host
        if request.instance_uuid is not None:
            passes |= hosts.members([request.instance_uuid]) > 0
        return passes


class ServerGroupAffinityFilter:
    """Hosts that have members of the instance's group, once there are any."""

    name = "ServerGroupAffinityFilter"
    reason = "group_is_elsewhere"

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether there is a group with this policy."""
        return request.instance_group is not None and request.instance_group.policy == "affinity"

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts have a member, or all while no member is known to be on a host."""
        group = request.instance_group
        if group is None or not self.concerns(request):
            return np.ones(len(hosts), dtype=np.bool_)
        if not somebody_is_somewhere(request, hosts):
            return np.ones(len(hosts), dtype=np.bool_)
        return members_on(request, hosts) > 0
