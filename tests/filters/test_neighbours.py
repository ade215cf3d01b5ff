"""The filters of neighbours and networks, which read a tenant's hints."""

from typing import Any

import pytest

from scheduler.errors import InvalidRequest
from scheduler.filters import check_demands
from tests.filters.asking import made, passing
from tests.hosts.fleets import Node, spec, table, uid

FLEET = table(
    Node("ab", facts={"instances": (uid("a"), uid("b"))}),
    Node("c", facts={"instances": (uid("c"),)}),
    Node("none"),
)
A, B, C = (str(uid(name)) for name in "abc")


@pytest.mark.parametrize(
    ("hint", "apart", "beside"),
    [
        (None, {"ab", "c", "none"}, {"ab", "c", "none"}),
        ((), {"ab", "c", "none"}, {"ab", "c", "none"}),
        (A, {"c", "none"}, {"ab"}),
        ((A,), {"c", "none"}, {"ab"}),
        ((A, C), {"none"}, {"ab", "c"}),
        ((A.upper(), A), {"c", "none"}, {"ab"}),
        ((str(uid("nobody")),), {"ab", "c", "none"}, set()),
    ],
)
def test_apart_from_all_and_beside_any(hint: Any, apart: set[str], beside: set[str]) -> None:
    for name, key, names in (("DifferentHostFilter", "different_host", apart), ("SameHostFilter", "same_host", beside)):
        hints = {} if hint is None else {key: hint}
        assert passing(made(name), FLEET, scheduler_hints=hints) == names


NETWORK = table(
    Node("near", facts={"host_ip": "10.1.2.200"}),
    Node("far", facts={"host_ip": "10.1.3.1"}),
    Node("six", facts={"host_ip": "fd00::200"}),
    Node("silent"),
    Node("odd", facts={"host_ip": "rack 7"}),
    Node("zone", facts={"host_ip": "fe80::1%eth0"}),
)


@pytest.mark.parametrize(
    ("hints", "names"),
    [
        ({}, {"near", "far", "six", "silent", "odd", "zone"}),
        ({"build_near_host_ip": "10.1.2.3"}, {"near"}),
        ({"build_near_host_ip": "10.1.2.3", "cidr": "24"}, {"near"}),
        ({"build_near_host_ip": "10.1.2.3", "cidr": "/24"}, {"near"}),
        ({"build_near_host_ip": ("10.1.2.3",), "cidr": ("/16",)}, {"near", "far"}),
        ({"build_near_host_ip": "10.1.2.3", "cidr": "/255.255.0.0"}, {"near", "far"}),
        ({"build_near_host_ip": "10.1.2.3", "cidr": "/32"}, set()),
        ({"build_near_host_ip": "10.9.9.9", "cidr": "/0"}, {"near", "far"}),
        ({"build_near_host_ip": "fd00::1", "cidr": "64"}, {"six"}),
        ({"build_near_host_ip": "fd00::1", "cidr": "/120"}, set()),
        ({"build_near_host_ip": "fd00::1"}, {"six"}),
    ],
)
def test_near_an_address(hints: dict[str, Any], names: set[str]) -> None:
    """A host that tells no address is near none, and one of the other version is not either."""
    assert passing(made("SimpleCIDRAffinityFilter"), NETWORK, scheduler_hints=hints) == names


@pytest.mark.parametrize(
    ("name", "hints", "problem"),
    [
        ("DifferentHostFilter", {"different_host": (A, "vm-7")}, "['different_host']: 'vm-7' is not the UUID"),
        ("SameHostFilter", {"same_host": ""}, "['same_host']: '' is not the UUID"),
        ("SimpleCIDRAffinityFilter", {"cidr": "/24"}, "['cidr']: has no effect without build_near_host_ip"),
        ("SimpleCIDRAffinityFilter", {"build_near_host_ip": "10.1.2"}, "'10.1.2' is not an IP address"),
        ("SimpleCIDRAffinityFilter", {"build_near_host_ip": ""}, "'' is not an IP address"),
        ("SimpleCIDRAffinityFilter", {"build_near_host_ip": "10.1.2.0/24"}, "is not an IP address"),
        ("SimpleCIDRAffinityFilter", {"build_near_host_ip": "fe80::1%eth0"}, "is not an IP address"),
        ("SimpleCIDRAffinityFilter", {"build_near_host_ip": ("10.1.2.3", "10.1.2.4")}, "takes one text, not a list"),
        *(
            ("SimpleCIDRAffinityFilter", {"build_near_host_ip": "10.1.2.3", "cidr": cidr}, "is not a prefix")
            for cidr in ("/33", "-1", "", "/", "//24", "+24", "24/", "/24 ", "\u0662\u0664")
        ),
    ],
)
def test_a_malformed_hint_is_the_requests_fault_before_placement_is_asked(
    name: str, hints: dict[str, Any], problem: str
) -> None:
    plugin, request = made(name), spec(scheduler_hints=hints)
    with pytest.raises(InvalidRequest) as early:
        check_demands([plugin], request)
    with pytest.raises(InvalidRequest) as late:
        plugin.passes(request, NETWORK)
    assert problem in early.value.problems[0]
    assert early.value.problems == late.value.problems
    assert early.value.problems[0].startswith("scheduler_hints['")


@pytest.mark.parametrize(
    ("name", "hints"),
    [
        ("DifferentHostFilter", {"different_host"}),
        ("SameHostFilter", {"same_host"}),
        ("SimpleCIDRAffinityFilter", {"build_near_host_ip", "cidr"}),
        ("JsonFilter", {"query"}),
    ],
)
def test_a_filter_says_which_hints_it_reads(name: str, hints: set[str]) -> None:
    assert made(name).hints == hints
