"""Where a tenant wants an instance to be: apart from instances, beside one, or near an address."""

from collections.abc import Iterable
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import numpy as np

from scheduler.filters.hints import refused, text_of, uuids_of
from scheduler.filters.protocol import problems_of
from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.model.messages import shown

NEAR, PREFIX, USUAL_PREFIX = "build_near_host_ip", "cidr", "/24"

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class DifferentHostFilter:
    """Hosts with none of the instances that the hint ``different_host`` lists."""

    name = "DifferentHostFilter"
    reason = "instance_is_there"
    hints = frozenset({"different_host"})
    run_filter_once_per_request = True

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether there is the hint."""
        return "different_host" in request.scheduler_hints

    def problems(self, request: RequestSpec) -> Iterable[str]:
        """Return what is not the UUID of an instance."""
        return problems_of(partial(uuids_of, name="different_host"), request)

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts have none of them; InvalidRequest when one is no UUID."""
        passes: BoolArray = hosts.members(uuids_of(request, "different_host")) == 0
        return passes


class SameHostFilter:
    """Hosts with at least one of the instances that the hint ``same_host`` lists."""

    name = "SameHostFilter"
    reason = "no_instance_is_there"
    hints = frozenset({"same_host"})
    run_filter_once_per_request = True

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether there is the hint."""
        return "same_host" in request.scheduler_hints

    def problems(self, request: RequestSpec) -> Iterable[str]:
        """Return what is not the UUID of an instance."""
        return problems_of(partial(uuids_of, name="same_host"), request)

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts have one of them, all where none is listed; InvalidRequest when one is no UUID."""
        wanted = uuids_of(request, "same_host")
        return hosts.members(wanted) > 0 if wanted else np.ones(len(hosts), dtype=np.bool_)


class SimpleCIDRAffinityFilter:
    """Hosts whose ``host_ip`` is in the network around the address that the hint ``build_near_host_ip`` gives.

    The hint ``cidr`` is the length of the network's prefix, with or without a slash; 24 when it is left out.
    """

    name = "SimpleCIDRAffinityFilter"
    reason = "outside_network"
    hints = frozenset({NEAR, PREFIX})
    run_filter_once_per_request = True

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether there is one of the hints."""
        return not self.hints.isdisjoint(request.scheduler_hints)

    def problems(self, request: RequestSpec) -> Iterable[str]:
        """Return what is no address or prefix."""
        return problems_of(network_of, request)

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts are in the network, all where none is asked for; InvalidRequest when it is none."""
        network = network_of(request)
        if network is None:
            return np.ones(len(hosts), dtype=np.bool_)
        codes, addresses = hosts.distinct(("host_ip",))
        return np.array([_within(address, network) for address in addresses], dtype=np.bool_)[codes]


def network_of(request: RequestSpec) -> Network | None:
    """Return the network that the hints ask for, None where they ask for none. Raises InvalidRequest."""
    near, prefix = text_of(request, NEAR), text_of(request, PREFIX)
    if near is None and prefix is not None:
        raise refused(PREFIX, f"has no effect without {NEAR}")
    if near is None:
        return None
    if _address(near) is None:
        raise refused(NEAR, f"{shown(near)} is not an IP address")
    network = _network(near, USUAL_PREFIX if prefix is None else prefix)
    if network is None:
        raise refused(PREFIX, f"{shown(prefix or '')} is not a prefix for {shown(near)}, such as /24")
    return network


@lru_cache(maxsize=1 << 16)
def _address(text: str) -> Address | None:
    """Return the address that a text is, None where it is none; hosts keep theirs, so that each is read once."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return None if "%" in text else address  # a zone means something only on the host that gave it


def _network(address: str, prefix: str) -> Network | None:
    try:
        return ip_network(f"{address}/{prefix.removeprefix('/')}", strict=False)
    except ValueError:
        return None


def _within(text: str | None, network: Network) -> bool:
    address = None if text is None else _address(text)
    return address is not None and address in network
