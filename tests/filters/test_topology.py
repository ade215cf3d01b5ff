"""Spread over racks: hosts that would lead by too much are out, for one request and all through a batch."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.filters import load_filters
from scheduler.filters.topology import TopologySpreadFilter
from scheduler.hosts import HostTable
from scheduler.model import AggregateFact, RequestSpec, ServerGroup, TopologySpread
from scheduler.randomness import RandomStream
from scheduler.selection import Plan, Plugins, plan_batch, rank_hosts
from scheduler.settings import FilterSettings, OrderSettings, WeigherSettings
from scheduler.weighers import load_weighers
from scheduler.weighers.wishes import TopologySpreadWeigher
from tests.hosts.fleets import Node, names_where, row_of, spec, table, uid

PLUGINS = Plugins(
    load_filters(FilterSettings(enabled_filters=("TopologySpreadFilter",))),
    load_weighers(WeigherSettings(enabled_weighers=("TopologySpreadWeigher", "CPUWeigher"))),
    OrderSettings(),
)
MANY = {"VCPU": (100, 0)}


def racks(**sizes: int) -> HostTable:
    """Return hosts in racks: the capacity of each host, by its name, which begins with that of its rack."""
    aggregates = [AggregateFact(uuid=uid(rack), name=rack, metadata={"rack": rack}) for rack in {n[0] for n in sizes}]
    nodes = [Node(name, {"VCPU": (size, 0)}, facts={"aggregates": (uid(name[0]),)}) for name, size in sizes.items()]
    return table(*nodes, aggregates=aggregates)


def planned(hosts: HostTable, request: RequestSpec, instances: int) -> Plan | None:
    def rank(settled, asked, view):  # type: ignore[no-untyped-def] # as plan_batch calls it
        return rank_hosts(PLUGINS, settled, asked, view, stream, best=0)

    stream = RandomStream(b"seed")
    wanted = [uid(f"new{number}") for number in range(instances)]
    return plan_batch(PLUGINS.filters, rank, request, wanted, hosts, lambda _: None)


def per_rack(plan: Plan) -> Counter[str]:
    return Counter(placing.host[0] for placing in plan.placings)


@pytest.mark.parametrize("max_skew", [1, 2, 5])
def test_a_batch_never_leads_by_more_than_max_skew(max_skew: int) -> None:
    """Although the weights pull all of it to the largest rack."""
    hosts = racks(a1=100, a2=100, b1=10, c1=10)
    asked = spec(topology_spread=(TopologySpread(key="rack", max_skew=max_skew),))
    for instances in range(1, 12):
        plan = planned(hosts, asked, instances)
        assert plan is not None
        counts = [per_rack(plan)[rack] for rack in "abc"]
        assert max(counts) - min(counts) <= max_skew


def test_a_full_rack_holds_the_others_back() -> None:
    hosts = racks(a1=100, b1=1)
    asked = spec(topology_spread=(TopologySpread(key="rack"),))
    plan = planned(hosts, asked, 3)
    assert plan is not None
    assert per_rack(plan) == {"a": 2, "b": 1}
    assert planned(hosts, asked, 4) is None


def test_a_soft_spread_is_kept_as_long_as_it_can_be() -> None:
    hosts = racks(a1=100, b1=2)
    plan = planned(hosts, spec(topology_spread=(TopologySpread(key="rack", hard=False),)), 7)
    assert plan is not None
    assert per_rack(plan) == {"a": 5, "b": 2}
    assert Counter(placing.host[0] for placing in plan.placings[:4]) == {"a": 2, "b": 2}


def test_every_entry_has_to_hold_and_soft_ones_remove_nothing() -> None:
    aggregates = [
        AggregateFact(uuid=uid("r1"), name="r1", metadata={"rack": "1"}),
        AggregateFact(uuid=uid("r2"), name="r2", metadata={"rack": "2"}),
        AggregateFact(uuid=uid("z1"), name="z1", metadata={"zone": "1"}),
    ]
    nodes = [
        Node("a", MANY, facts={"aggregates": (uid("r1"), uid("z1")), "instances": (uid("x"),)}),
        Node("b", MANY, facts={"aggregates": (uid("r2"), uid("z1"))}),
        Node("c", MANY, facts={"aggregates": (uid("r2"),)}),
    ]
    hosts = table(*nodes, aggregates=aggregates)
    group = ServerGroup(policy="soft-affinity", members=(uid("x"),))
    rack, zone = TopologySpread(key="rack"), TopologySpread(key="zone")
    soft = TopologySpread(key="zone", hard=False)
    passes = TopologySpreadFilter().passes

    def left(*spread: TopologySpread) -> set[str]:
        return names_where(hosts, passes(spec(instance_group=group, topology_spread=spread), hosts))

    assert left() == {"a", "b", "c"}
    assert left(rack) == {"b", "c"}
    assert left(rack, zone) == {"b"}
    assert left(rack, soft) == {"b", "c"}
    scores = TopologySpreadWeigher().score(spec(instance_group=group, topology_spread=(rack, soft)), hosts)
    assert [scores[row_of(hosts, name)] for name in "abc"] == [0, 0, -2]


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["a1", "a2", "b1", "b2", "c1"]), st.integers(1, 4), min_size=1),
    st.integers(1, 3),
    st.integers(1, 8),
    st.booleans(),
)
def test_whatever_is_planned_keeps_within_max_skew(
    sizes: dict[str, int], max_skew: int, instances: int, grouped: bool
) -> None:
    group = ServerGroup(policy="soft-affinity") if grouped else None
    asked = spec(topology_spread=(TopologySpread(key="rack", max_skew=max_skew),), instance_group=group)
    plan = planned(racks(**sizes), asked, instances)
    room: dict[str, int] = {}
    for name, size in sizes.items():
        room[name[0]] = room.get(name[0], 0) + size
    if plan is None:  # then the smallest rack is full, with the others as far ahead as they may be
        least = min(room.values())
        assert sum(min(size, least + max_skew) for size in room.values()) < instances
    else:
        counts = [per_rack(plan)[rack] for rack in room]
        assert max(counts) - min(counts) <= max_skew
