"""No Python loop over hosts: the work an instance costs does not grow with the fleet."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from scheduler.filters import CandidateFilter, filters_for, load_filters
from scheduler.filters.registry import built_in
from scheduler.hosts import HostTable
from scheduler.model import AggregateFact, Destination, Flavor, Image, RequestSpec, ServerGroup, TopologySpread
from scheduler.randomness import RandomStream
from scheduler.selection import Plugins, rank_hosts, settle
from scheduler.settings import DEFAULT_FILTERS, FilterSettings, MetricsSettings, OrderSettings, WeigherSettings
from scheduler.weighers import load_weighers
from tests.hosts.fleets import Node, spec, table, uid

PLUGINS = Plugins(
    load_filters(FilterSettings(enabled_filters=(*DEFAULT_FILTERS, "TopologySpreadFilter"))),
    load_weighers(WeigherSettings(), MetricsSettings(weight_setting=(("load", 1.0),))),
    OrderSettings(host_subset_size=5),
)
REQUEST = spec(
    flavor=Flavor(vcpus=1, memory_mb=1, extra_specs={"hypervisor_type": "QEMU", "vcpus_used": "<= 4"}),
    image=Image(properties={"hw_architecture": "x86_64", "img_hv_requested_version": ">=1", "os_distro": "a"}),
    requested_destination=Destination(cell=uid("cell"), allow_cross_cell_move=True),
    preferred_traits=("HW_A", "HW_B"),
    topology_spread=(TopologySpread(key="rack"), TopologySpread(key="trait:HW_", hard=False)),
    instance_group=ServerGroup(policy="anti-affinity", members=(uid("m"),), hosts=("h1",)),
    ignore_hosts=("h2",),
)
FACTS = {
    "hypervisor_type": "QEMU",
    "hypervisor_version": 2012000,
    "supported_instances": (("x86_64", "kvm", "hvm"),),
    "metrics": {"load": 0.5},
    "image_properties": {"os_distro": {"a": 2}},
    "aggregates": (uid("rack"),),
}
RACK = AggregateFact(uuid=uid("rack"), name="rack", metadata={"rack": "r1", "ram_weight_multiplier": "2"})


def fleet(size: int) -> HostTable:
    """Return a fleet of equals whose snapshot has been looked at before, as every request but the first finds it."""
    hosts = table(*(Node(f"h{number}", traits=("HW_A",), facts=FACTS) for number in range(size)), aggregates=[RACK])
    one_instance(hosts)
    return hosts


def one_instance(hosts: HostTable, request: RequestSpec = REQUEST) -> None:
    settled = settle(PLUGINS.filters, request, hosts)
    ranked = rank_hosts(PLUGINS, settled, request, hosts, RandomStream(b"seed"), best=5)
    row = int(ranked.rows[0])
    hosts.with_claim(row, int(hosts.fitting(row)[0]), uid("new"))


EVERY = FilterSettings(enabled_filters=tuple(built_in(FilterSettings())), isolated_hosts=("h3",))
METRICS = MetricsSettings(weight_setting=(("m", 1.0),))
DEMANDING = spec(
    flavor=Flavor(vcpus=1, memory_mb=1, extra_specs={"disk": "ssd", "provider_trait:CUSTOM_X": "forbidden"}),
    image=Image(properties={"os_distro": "debian"}),
    scheduler_hints={
        "different_host": (str(uid("m")),),
        "build_near_host_ip": "10.0.0.1",
        "query": '["and", [">=", "$free_ram_mb", 0], ["=", "$hypervisor_type", "QEMU"]]',
    },
)


def fleet_in_aggregates(size: int) -> HostTable:
    """Return hosts in two aggregates, whose snapshot every filter has looked at before."""
    said = {"disk": "ssd", "os_distro": "debian", "max_io_ops_per_host": "9"}
    known = [AggregateFact(uuid=uid(name), name=name, metadata=said) for name in ("one", "other")]
    facts = {**FACTS, "host_ip": "10.0.0.7", "metrics": {"m": 1.0}}
    nodes = (Node(f"h{n}", facts={**facts, "aggregates": (known[n % 2].uuid,)}) for n in range(size))
    hosts = table(*nodes, aggregates=known)
    all_filters(hosts)
    return hosts


def all_filters(hosts: HostTable) -> None:
    for plugin in filters_for(load_filters(EVERY, METRICS), DEMANDING):
        (plugin.keeps if isinstance(plugin, CandidateFilter) else plugin.passes)(DEMANDING, hosts)


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


def test_no_built_in_filter_loops_over_hosts() -> None:
    """Each judges a distinct value once, so that ten times the hosts cost no more calls."""
    small, large = fleet_in_aggregates(100), fleet_in_aggregates(1000)
    assert calls(lambda: all_filters(large)) == pytest.approx(calls(lambda: all_filters(small)), abs=25)
