"""Who is where: domains of aggregates and of traits, and by how much one would lead the others."""

from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.hosts import HostTable
from scheduler.hosts.groups import members_on, skews, somebody_is_somewhere
from scheduler.model import AggregateFact, RequestSpec, ServerGroup
from tests.hosts.fleets import Node, row_of, spec, table, uid

INF = float("inf")
RACKS = [
    AggregateFact(uuid=uid(f"agg{name}"), name=name, metadata={"rack": name, "room": "1"})
    for name in ("r1", "r2", "r3")
]


def host(name: str, rack: str | None, *instances: str, **facts: Any) -> Node:
    aggregates = (uid(f"agg{rack}"),) if rack else ()
    return Node(
        name, {"VCPU": (8, 0)}, facts={"aggregates": aggregates, "instances": tuple(map(uid, instances)), **facts}
    )


def fleet(*nodes: Node, offered: str) -> HostTable:
    """Return a table of which Placement offers these hosts only; of the others there are facts."""
    return table(*nodes, requests=[{name: {"VCPU": 1}} for name in offered.split()], aggregates=RACKS)


def group(*members: str, hosts: tuple[str, ...] = ()) -> RequestSpec:
    return spec(instance_group=ServerGroup(policy="soft-anti-affinity", members=tuple(map(uid, members)), hosts=hosts))


def by_name(hosts: HostTable, request: RequestSpec, key: str = "rack") -> dict[str, float]:
    found = skews(key, request, hosts)
    return {str(name): float(found[row_of(hosts, name)]) for name in hosts.names}


def test_members_anywhere_in_a_rack_count_for_all_of_its_hosts() -> None:
    """Also on a host that Placement does not offer, because it is full."""
    hosts = fleet(host("a", "r1", "x"), host("b", "r1"), host("full", "r1", "y"), host("c", "r2", "z"), offered="a b c")
    assert by_name(hosts, group("x", "y", "z")) == {"a": 2, "b": 2, "c": 1}


def test_a_rack_without_an_offered_host_is_not_the_emptiest_one() -> None:
    hosts = fleet(host("a", "r1", "x"), host("c", "r2", "z"), host("full", "r3"), offered="a c")
    assert by_name(hosts, group("x", "z")) == {"a": 1, "c": 1}
    offered = fleet(host("a", "r1", "x"), host("c", "r2", "z"), host("full", "r3"), offered="a c full")
    assert by_name(offered, group("x", "z")) == {"a": 2, "c": 2, "full": 1}


def test_the_emptiest_rack_is_looked_for_among_all_that_were_offered_not_among_those_left() -> None:
    """A filter that ran before, or a rack that filled up in this batch, does not let the others grow."""
    hosts = fleet(host("a", "r1", "x"), host("c", "r2"), offered="a c")
    left = hosts.take(np.array([row_of(hosts, "a")]))
    assert by_name(left, group("x")) == {"a": 2}


def test_a_host_in_no_rack_leads_by_more_than_anything() -> None:
    hosts = fleet(
        host("a", "r1"), host("b", None), Node("stranger", {"VCPU": (8, 0)}, known=False), offered="a b stranger"
    )
    assert by_name(hosts, group()) == {"a": 1, "b": INF, str(uid("stranger")): INF}
    assert set(by_name(hosts, group(), "unheard of").values()) == {INF}


def test_a_host_in_two_racks_is_in_a_domain_of_its_own() -> None:
    both = host("a", None, "x", aggregates=(uid("aggr1"), uid("aggr2")))
    hosts = fleet(both, host("b", "r1"), host("c", "r2", "y"), offered="a b c")
    assert by_name(hosts, group("x", "y")) == {"a": 2, "b": 1, "c": 2}


def test_aggregates_that_say_the_same_are_one_domain() -> None:
    hosts = fleet(host("a", "r1", "x"), host("c", "r2"), offered="a c")
    assert by_name(hosts, group("x"), "room") == {"a": 1, "c": 1}


def test_hosts_that_the_group_names_count_the_greater_number_holding() -> None:
    nodes = (host("a", "r1", "x"), host("full", "r1"), host("c", "r2"))
    hosts = fleet(*nodes, offered="a c")
    assert by_name(hosts, group("x", hosts=("a", "full", "full"))) == {"a": 4, "c": 1}


def test_the_instance_itself_does_not_count_and_one_that_moves_counts_twice() -> None:
    hosts = fleet(host("a", "r1", "x", "y"), host("c", "r2", "y"), offered="a c")
    assert by_name(hosts, group("x", "y").for_instance(uid("x"))) == {"a": 1, "c": 1}


def test_without_a_group_the_instances_of_the_batch_count() -> None:
    hosts = fleet(host("a", "r1", "x"), host("c", "r2"), offered="a c")
    row = row_of(hosts, "a")
    placed = hosts.with_claim(row, int(hosts.fitting(row)[0]), uid("new"))
    assert by_name(hosts, spec()) == {"a": 1, "c": 1}
    assert by_name(placed, spec()) == {"a": 2, "c": 1}


def test_a_member_placed_on_a_host_without_facts_is_in_no_domain() -> None:
    hosts = fleet(host("a", "r1"), Node("stranger", {"VCPU": (8, 0)}, known=False), offered="a stranger")
    row = row_of(hosts, str(uid("stranger")))
    placed = hosts.with_claim(row, int(hosts.fitting(row)[0]), uid("new"))
    assert by_name(placed, spec())["a"] == 1


def test_traits_with_a_prefix_are_domains_too() -> None:
    nodes = [
        Node("a", {"VCPU": (8, 0)}, traits=("CUSTOM_RACK_1", "HW_A"), facts={"instances": (uid("x"),)}),
        Node("b", {"VCPU": (8, 0)}, traits=("CUSTOM_RACK_1",)),
        Node("c", {"VCPU": (8, 0)}, traits=("HW_A", "CUSTOM_RACK_2")),
        Node("d", {"VCPU": (8, 0)}, traits=("HW_A",)),
    ]
    assert by_name(table(*nodes), group("x"), "trait:CUSTOM_RACK_") == {"a": 2, "b": 2, "c": 1, "d": INF}


names = st.sampled_from(["x", "y", "z"])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([None, "r1", "r2", "r3"]), st.lists(names, unique=True)), min_size=1, max_size=6
    ),
    st.data(),
)
def test_skews_are_those_of_a_loop_over_hosts(fleet_of: list[tuple[str | None, list[str]]], data: Any) -> None:
    nodes = [host(f"h{number}", rack, *instances) for number, (rack, instances) in enumerate(fleet_of)]
    offered = data.draw(st.lists(st.sampled_from([node.name for node in nodes]), min_size=1, unique=True))
    named = tuple(data.draw(st.lists(st.sampled_from([*(node.name for node in nodes), "gone"]), max_size=4)))
    members = data.draw(st.lists(names, unique=True))
    hosts, request = fleet(*nodes, offered=" ".join(offered)), group(*members, hosts=named)
    wanted: set[UUID] = set(map(uid, members))
    count = dict.fromkeys(("r1", "r2", "r3"), 0)
    for node, (rack, _) in zip(nodes, fleet_of, strict=True):
        if rack:
            count[rack] += max(len(wanted & set(node.facts["instances"])), named.count(node.name))
    rack_of = {node.name: rack for node, (rack, _) in zip(nodes, fleet_of, strict=True)}
    least = min((count[rack] for name in offered if (rack := rack_of[name])), default=0)
    expected = {name: count[rack] + 1 - least if (rack := rack_of[name]) else INF for name in offered}
    assert by_name(hosts, request) == pytest.approx(expected)


batches = st.lists(st.tuples(st.sampled_from(["x", "y", "new", "newer"]), st.sampled_from(["a", "b", "stranger"])))


@settings(max_examples=300, deadline=None)
@given(
    known=st.fixed_dictionaries({name: st.lists(names, unique=True) for name in ("a", "b", "full")}),
    members=st.lists(names, max_size=4),
    named=st.lists(st.sampled_from(["a", "full", "gone", str(uid("stranger"))]), max_size=3),
    batch=batches.map(lambda placed: list(dict(placed).items())),
    own=st.sampled_from([None, "x", "new", "elsewhere"]),
)
def test_members_are_those_of_a_loop_over_hosts_and_instances(known, members, named, batch, own) -> None:
    """Members of the group and instances of the batch, where the facts or the batch have them; or as hosts are named.

    Asked after each instance of a batch, as what was counted before is counted on from.
    """
    nodes = [host(name, None, *instances) for name, instances in known.items()]
    hosts = fleet(*nodes, Node("stranger", {"VCPU": (8, 0)}, known=False), offered="a b stranger")
    request = group(*members, hosts=tuple(named)).with_members([uid(name) for name, _ in batch])
    where = {name: set(instances) for name, instances in known.items()} | {"stranger": set()}
    names_of = {"stranger": str(uid("stranger"))}
    counted = list(named)
    for instance, there in [(None, None), *batch]:
        if instance:
            row = row_of(hosts, names_of.get(there, there))
            hosts = hosts.with_claim(row, int(hosts.fitting(row)[0]), uid(instance))
            request = request.with_member_on(names_of.get(there, there))
            where[there].add(instance)
            counted.append(names_of.get(there, there))
        others = ({*members} | {name for name, _ in batch}) - {own}
        expected = {
            names_of.get(name, name): max(len(others & where[name]), counted.count(names_of.get(name, name)))
            for name in ("a", "b", "stranger")
        }
        asked = request.for_instance(uid(own)) if own else request
        assert dict(zip(hosts.names, members_on(asked, hosts).tolist(), strict=True)) == expected
        anybody = bool(counted) or any(others & there for there in where.values())
        assert somebody_is_somewhere(asked, hosts) == anybody
