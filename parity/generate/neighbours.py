"""Cases of the filters and weighers that look at who is where: server groups, hints, addresses."""

from typing import Any

from parity.draw import Draw
from parity.generate.pools import INSTANCES, UUIDS, Fields, case, placed

POLICIES = ("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")
NAMES = ("h0", "h1", "h2", "h9")
ADDRESSES = ("192.0.2.1", "192.0.2.77", "192.0.3.5", "198.51.100.1", "2001:db8::1")
NEAR = (*ADDRESSES, "192.0.2.0", "2001:db8::2", "no address", "192.0.2", "")
PREFIXES = ("/24", "/32", "/16", "/0", "24", "/25", "/64", "/33", "x", "")


def server_group(draw: Draw, policies: tuple[str, ...] = POLICIES) -> Fields:
    """Draw groups whose members are on hosts, where what the group and the facts say of that agrees."""
    hosts = draw.several(lambda _: {"instances": placed(draw)}, 1, 5)
    request: Fields = {"instance_uuid": draw.pick(UUIDS)} if draw.one_in(4) else {}
    if not draw.one_in(8):
        members = draw.some(INSTANCES, 5)
        request["instance_group"] = _group(draw, policies, members, hosts)
    return case(hosts, request)


def _group(draw: Draw, policies: tuple[str, ...], members: list[int], hosts: list[Fields]) -> Fields:
    policy = draw.pick(policies)
    limited = draw.one_in(3 if policy == "anti-affinity" else 30)
    limit = {"max_server_per_host": draw.pick((1, 2, 3))} if limited else {}
    named = [
        name for name, host in zip(("h0", "h1", "h2", "h3", "h4"), hosts, strict=False) for _ in _on(host, members)
    ]
    if draw.one_in(6):
        named = draw.some(NAMES, 2)  # what the group says is not what the facts say
    known = {
        name: value for name, value in (("members", [UUIDS[one - 1] for one in members]), ("hosts", named)) if value
    }
    return {"policy": policy, **known, **limit}


def _on(host: Fields, members: list[int]) -> list[int]:
    return [number for number in host["instances"] if number in members]


def anti_affinity(draw: Draw) -> Fields:
    """Draw mostly groups whose members must be apart."""
    return server_group(draw, ("anti-affinity", "anti-affinity", "anti-affinity", "affinity"))


def affinity(draw: Draw) -> Fields:
    """Draw mostly groups whose members must be together."""
    return server_group(draw, ("affinity", "affinity", "affinity", "soft-affinity"))


def _listed(draw: Draw, name: str) -> Fields:
    values: list[Any] = [draw.pick(UUIDS), draw.some(UUIDS, 3), draw.some((*UUIDS, "no uuid"), 2), UUIDS[0].upper()]
    hints = {} if draw.one_in(12) else {name: draw.pick(values)}
    request = {"scheduler_hints": hints} if hints else {}
    return case(draw.several(lambda _: {"instances": placed(draw)}, 1, 4), request)


def different_host(draw: Draw) -> Fields:
    """Draw instances to be apart from."""
    return _listed(draw, "different_host")


def same_host(draw: Draw) -> Fields:
    """Draw instances to be together with."""
    return _listed(draw, "same_host")


def near_address(draw: Draw) -> Fields:
    """Draw addresses to be near, with prefixes of every spelling."""
    hints: Fields = {} if draw.one_in(15) else {"build_near_host_ip": draw.pick(ADDRESSES if draw.below(4) else NEAR)}
    if draw.one_in(2):
        hints["cidr"] = draw.pick(PREFIXES[:4] if draw.below(3) else PREFIXES)
    hosts = draw.several(lambda _: {} if draw.one_in(12) else {"host_ip": draw.pick(ADDRESSES)}, 1, 4)
    return case(hosts, {"scheduler_hints": hints} if hints else {})


RULES = {
    "ServerGroupAntiAffinityFilter": anti_affinity,
    "ServerGroupAffinityFilter": affinity,
    "DifferentHostFilter": different_host,
    "SameHostFilter": same_host,
    "SimpleCIDRAffinityFilter": near_address,
}
"""By the name of the filter."""
