"""No Python loop over hosts: the work an instance costs does not grow with the fleet."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from scheduler.filters import load_filters
from scheduler.hosts import HostTable
from scheduler.model import Flavor, Image, RequestSpec, ServerGroup
from scheduler.randomness import RandomStream
from scheduler.selection import Plugins, rank_hosts, settle
from scheduler.settings import FilterSettings, OrderSettings, WeigherSettings
from scheduler.weighers import load_weighers
from tests.hosts.fleets import Node, spec, table, uid

PLUGINS = Plugins(load_filters(FilterSettings()), load_weighers(WeigherSettings()), OrderSettings(host_subset_size=5))
REQUEST = spec(
    flavor=Flavor(vcpus=1, memory_mb=1, extra_specs={"hypervisor_type": "QEMU", "vcpus_used": "<= 4"}),
    image=Image(properties={"hw_architecture": "x86_64", "img_hv_requested_version": ">=1"}),
    instance_group=ServerGroup(policy="anti-affinity", members=(uid("m"),), hosts=("h1",)),
    ignore_hosts=("h2",),
)
FACTS = {
    "hypervisor_type": "QEMU",
    "hypervisor_version": 2012000,
    "supported_instances": (("x86_64", "kvm", "hvm"),),
}


def fleet(size: int) -> HostTable:
    """Return a fleet of equals whose snapshot has been looked at before, as every request but the first finds it."""
    hosts = table(*(Node(f"h{number}", facts=FACTS) for number in range(size)))
    one_instance(hosts)
    return hosts


def one_instance(hosts: HostTable, request: RequestSpec = REQUEST) -> None:
    settled = settle(PLUGINS.filters, request, hosts)
    ranked = rank_hosts(PLUGINS, settled, request, hosts, RandomStream(b"seed"), best=5)
    row = int(ranked.rows[0])
    hosts.with_claim(row, int(hosts.fitting(row)[0]), uid("new"))


def calls(work: Callable[[], None]) -> int:
    """Return how many functions, in Python and in C, are called."""
    count = 0

    def counting(_: Any, event: str, __: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counting)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("size", [400, 1600])
def test_the_work_for_an_instance_does_not_grow_with_the_fleet(size: int) -> None:
    small, large = fleet(200), fleet(size)
    assert calls(lambda: one_instance(large)) == pytest.approx(calls(lambda: one_instance(small)), abs=25)
