"""The host table: what it says of hosts, and that views never disturb each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placement_client.errors import BadAnswer
from placement_client.models import AllocationCandidates
from scheduler.hosts import build_host_table, snapshot_of
from scheduler.model import AggregateFact
from tests.hosts.fleets import Node, candidates, names_where, row_of, table, uid

SHARES = "MISC_SHARES_VIA_AGGREGATE"


def test_hosts_are_the_roots_that_candidates_stand_on() -> None:
    """A root without candidate is no host; a nested provider never is."""
    hosts = table(
        Node("a"),
        Node("b"),
        Node("b_gpu", {"PGPU": (2, 0)}, root="b"),
        requests=[{"b": {"VCPU": 1}, "b_gpu": {"PGPU": 1}}],
    )
    assert list(hosts.names) == ["b"]
    assert hosts.provider_uuids[0] == uid("b")
    assert hosts.candidate_count == 1


def test_amounts_are_summed_over_the_own_tree() -> None:
    nodes = (Node("a", {"VCPU": (8, 2), "PGPU": (1, 1)}), Node("a_gpu", {"PGPU": (4, 1)}, root="a"), Node("b"))
    hosts = table(*nodes)
    a, b = row_of(hosts, "a"), row_of(hosts, "b")
    assert hosts.capacity("PGPU")[a] == 5
    assert hosts.used("PGPU")[a] == 2
    assert hosts.free("PGPU")[a] == 3
    assert hosts.free("PGPU")[b] == 0
    assert hosts.free("NO_SUCH_CLASS").tolist() == [0, 0]
    assert hosts.free("VCPU").dtype == np.float64


def test_a_sharing_provider_is_not_a_host_and_its_room_is_not_the_hosts() -> None:
    nodes = (Node("a"), Node("b"), Node("pool", {"DISK_GB": (100, 0)}, [SHARES]))
    ways = [{"pool": {"DISK_GB": 60}, name: {"VCPU": 1}} for name in ("a", "b")]
    hosts = table(*nodes, requests=ways)
    assert set(hosts.names) == {"a", "b"}
    assert hosts.free("DISK_GB").tolist() == [0, 0]


def test_one_instance_takes_shared_room_from_all_hosts() -> None:
    """After 60 of 100 shared GiB are taken, no host fits another 60."""
    nodes = (Node("a"), Node("b"), Node("pool", {"DISK_GB": (100, 0)}, [SHARES]))
    ways = [{"pool": {"DISK_GB": 60}, name: {"VCPU": 1}} for name in ("a", "b")]
    hosts = table(*nodes, requests=ways)
    after = hosts.with_claim(0, int(hosts.fitting(0)[0]), uid("i1"))
    assert hosts.has_room().tolist() == [True, True]
    assert after.has_room().tolist() == [False, False]
    assert after.fitting(1).tolist() == []


def test_when_all_providers_share_the_first_one_is_the_host() -> None:
    nodes = (Node("a", traits=[SHARES]), Node("pool", {"DISK_GB": (100, 0)}, [SHARES]))
    hosts = table(*nodes, requests=[{"a": {"VCPU": 1}, "pool": {"DISK_GB": 1}}])
    assert list(hosts.names) == ["a"]


def test_candidates_of_a_host_are_used_one_after_the_other() -> None:
    """Two NUMA nodes of one slot each take two instances, in Placement's order, and not a third."""
    nodes = (
        Node("a", {}),
        Node("a_numa0", {"VCPU": (4, 0)}, root="a"),
        Node("a_numa1", {"VCPU": (4, 0)}, root="a"),
    )
    hosts = table(*nodes, requests=[{"a_numa1": {"VCPU": 3}}, {"a_numa0": {"VCPU": 3}}])
    first = hosts.fitting(0)
    assert [set(hosts.request_of(int(c)).allocations) for c in first] == [{uid("a_numa1")}, {uid("a_numa0")}]
    after = hosts.with_claim(0, int(first[0]), uid("i1"))
    assert after.fitting(0).tolist() == [first[1]]
    assert after.has_room().all()
    full = after.with_claim(0, int(first[1]), uid("i2"))
    assert full.fitting(0).tolist() == []
    assert not full.has_room().any()


def test_a_candidate_needs_room_for_every_entry() -> None:
    hosts = table(Node("a", {"VCPU": (8, 0), "PGPU": (1, 0)}), requests=[{"a": {"VCPU": 1, "PGPU": 1}}])
    after = hosts.with_claim(0, 0, uid("i1"))
    assert after.free("VCPU").tolist() == [7]
    assert not after.has_room().any()


def test_with_claim_gives_a_new_view_and_leaves_the_old_one() -> None:
    hosts = table(Node("a", facts={"instances": (uid("old"),), "num_io_ops": 3}))
    after = hosts.with_claim(0, 0, uid("i1"))
    assert (hosts.used("VCPU")[0], after.used("VCPU")[0]) == (0, 1)
    assert (hosts.column("num_instances")[0], after.column("num_instances")[0]) == (1, 2)
    assert (hosts.column("num_io_ops")[0], after.column("num_io_ops")[0]) == (3, 4)
    assert (hosts.members([uid("i1")])[0], after.members([uid("i1")])[0]) == (0, 1)


def test_with_claim_refuses_what_does_not_fit_or_belongs_elsewhere() -> None:
    hosts = table(Node("a", {"VCPU": (1, 0)}), Node("b"))
    a, b = row_of(hosts, "a"), row_of(hosts, "b")
    candidate = int(hosts.fitting(a)[0])
    with pytest.raises(ValueError, match="not one of the host"):
        hosts.with_claim(b, candidate, uid("i1"))
    with pytest.raises(ValueError, match="no longer fits"):
        hosts.with_claim(a, candidate, uid("i1")).with_claim(a, candidate, uid("i2"))


def test_claims_on_tells_what_a_candidate_takes_from_where() -> None:
    nodes = (Node("a", {"VCPU": (8, 2)}), Node("a_gpu", {"PGPU": (4, 1)}, root="a"))
    hosts = table(*nodes, requests=[{"a": {"VCPU": 2}, "a_gpu": {"PGPU": 3}}])
    assert hosts.claims_on(0) == [(uid("a"), "VCPU", 8, 2, 2), (uid("a_gpu"), "PGPU", 4, 1, 3)]
    assert hosts.with_claim(0, 0, uid("i1")).claims_on(0)[0] == (uid("a"), "VCPU", 8, 4, 2)


def test_take_keeps_what_belongs_to_each_host() -> None:
    hosts = table(Node("a", {"VCPU": (8, 1)}), Node("b", {"VCPU": (8, 2)}), Node("c", {"VCPU": (8, 3)}))
    rows = np.array([2, 0])
    taken = hosts.take(rows)
    assert len(taken) == 2
    assert list(taken.names) == [hosts.names[2], hosts.names[0]]
    assert taken.used("VCPU").tolist() == hosts.used("VCPU")[rows].tolist()
    candidate = int(taken.fitting(0)[0])
    assert set(taken.request_of(candidate).allocations) == {taken.provider_uuids[0]}
    after = taken.with_claim(0, candidate, uid("i1"))
    assert after.members([uid("i1")]).tolist() == [1, 0]


def test_an_empty_table_answers_with_empty_arrays() -> None:
    hosts = table(Node("a")).take(np.array([], dtype=np.int64))
    for answer in (hosts.free("VCPU"), hosts.has_room(), hosts.members([]), hosts.column("up"), hosts.has_trait("X")):
        assert answer.shape == (0,)
    nothing = build_host_table(AllocationCandidates([], {}), snapshot_of([]))
    assert len(nothing) == 0
    assert nothing.candidate_count == 0
    assert nothing.free("VCPU").shape == nothing.has_room().shape == (0,)


def test_traits_are_those_of_the_root() -> None:
    hosts = table(Node("a", traits=["HW_A"]), Node("b"), Node("b_gpu", {"PGPU": (1, 0)}, ["HW_A"], root="b"))
    assert names_where(hosts, hosts.has_trait("HW_A")) == {"a"}


def test_members_are_counted_once_a_host() -> None:
    """An instance that the facts already show where it was just placed is one member; one that moves counts on both."""
    hosts = table(
        Node("a", facts={"instances": (uid("m1"), uid("m2"), uid("x"))}),
        Node("b", facts={"instances": (uid("m2"),)}),
    )
    a, b = row_of(hosts, "a"), row_of(hosts, "b")
    counted = hosts.members([uid("m1"), uid("m2"), uid("m2")])
    assert (counted[a], counted[b]) == (2, 1)
    again = hosts.with_claim(a, int(hosts.fitting(a)[0]), uid("m1"))
    assert again.members([uid("m1")])[a] == 1


def test_aggregates_and_reserved_come_from_the_facts() -> None:
    rack = AggregateFact(uuid=uid("rack"), name="r1")
    hosts = table(
        Node("a", facts={"aggregates": (uid("rack"),)}),
        Node("b"),
        Node("a_gpu", {"PGPU": (1, 0)}, root="a"),
        aggregates=[rack],
        reserved={(uid("a"), "VCPU"): 2},
    )
    assert names_where(hosts, hosts.in_aggregate(uid("rack"))) == {"a"}
    assert not hosts.in_aggregate(uid("other")).any()
    assert hosts.reserved("VCPU")[row_of(hosts, "a")] == 2
    assert hosts.reserved("PGPU").tolist() == [0, 0]


def test_a_host_without_facts_is_named_by_its_provider_and_is_not_in_service() -> None:
    hosts = table(Node("a", known=False), Node("b", known=False), provider_names={uid("b"): "b.example"})
    assert set(hosts.names) == {str(uid("a")), "b.example"}
    assert not hosts.column("enabled").any()
    assert hosts.column("num_instances").tolist() == [0, 0]
    assert hosts.named(["b.example", "b.example"]).sum() == 2
    assert names_where(hosts, hosts.named_any_case(["B.EXAMPLE"])) == {"b.example"}
    assert names_where(hosts, hosts.on_nodes(["b.example"])) == {"b.example"}


def test_columns_have_novas_names() -> None:
    room = {"VCPU": (16, 4), "MEMORY_MB": (1024, 24), "DISK_GB": (100, 10)}
    hosts = table(Node("a", room, facts={"hypervisor_version": 2012000, "failed_builds": 1}))
    wanted = {
        "vcpus_total": 16,
        "vcpus_used": 4,
        "free_ram_mb": 1000,
        "total_usable_ram_mb": 1024,
        "free_disk_mb": 90 * 1024,
        "disk_mb_used": 10 * 1024,
        "total_usable_disk_gb": 100,
        "hypervisor_version": 2012000,
        "failed_builds": 1,
    }
    assert {name: hosts.column(name)[0] for name in wanted} == wanted
    with pytest.raises(KeyError):
        hosts.column("no_such_column")


def test_the_order_of_the_answer_decides_nothing() -> None:
    nodes = [Node(name) for name in "abcdef"]
    assert list(table(*nodes).names) == list(table(*reversed(nodes)).names)


@pytest.mark.parametrize(
    "ways",
    [[{"a": {"PGPU": 1}}], [{"ghost": {"VCPU": 1}}], [{}], [{"a": {}}]],
    ids=["class without summary", "provider without summary", "no provider", "no amount"],
)
def test_a_candidate_that_names_nothing_known_is_a_bad_answer(ways: list[dict[str, dict[str, int]]]) -> None:
    with pytest.raises(BadAnswer) as caught:
        build_host_table(candidates([Node("a")], ways), snapshot_of([]))
    assert caught.value.__context__ is None


def test_the_root_of_a_candidate_needs_a_summary_and_that_of_another_provider_does_not() -> None:
    nodes = (Node("a"), Node("lost", {"PGPU": (1, 0)}, root="gone"))
    assert table(*nodes).offers.providers.hosts.tolist() == [0, -1]
    with pytest.raises(BadAnswer):
        build_host_table(candidates(nodes, [{"lost": {"PGPU": 1}}]), snapshot_of([]))


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([("a",), ("b",), ("a", "a_gpu"), ("b_gpu", "b"), ("pool", "a"), ("pool",)]), max_size=8)
)
def test_candidates_are_those_of_their_host_in_the_order_of_the_answer(ways: list[tuple[str, ...]]) -> None:
    nodes = (
        Node("a", {"VCPU": (8, 0), "DISK_GB": (9, 0)}),
        Node("a_gpu", {"PGPU": (8, 0)}, root="a"),
        Node("b", {"DISK_GB": (9, 0), "VCPU": (8, 0)}),
        Node("b_gpu", {"PGPU": (8, 0)}, root="b"),
        Node("pool", {"DISK_GB": (9, 0)}, traits=[SHARES]),
    )
    room = {node.name: node.room for node in nodes}
    asked = [{name: dict.fromkeys(room[name], number + 1) for name in way} for number, way in enumerate(ways)]
    hosts, owners = table(*nodes, requests=asked), [way[-1].removesuffix("_gpu") for way in ways]
    expected = [
        [(uid(name), kind, room[name][kind][0], 0, amount) for name in way for kind, amount in way[name].items()]
        for host in sorted(set(owners), key=uid)
        for owner, way in zip(owners, asked, strict=True)
        if owner == host
    ]
    assert [hosts.claims_on(number) for number in range(len(asked))] == expected
    assert [str(hosts.offers.names[host]) for host in hosts.offers.candidates.hosts] == sorted(owners, key=uid)


def test_an_answer_without_roots_takes_providers_for_hosts() -> None:
    """Before 1.29 Placement names no roots."""
    answer = candidates([Node("a")])
    summary = answer.provider_summaries[uid("a")]
    plain = AllocationCandidates(
        answer.allocation_requests, {uid("a"): type(summary)(summary.resources, summary.traits, None, None)}
    )
    assert list(build_host_table(plain, snapshot_of([])).provider_uuids) == [uid("a")]
