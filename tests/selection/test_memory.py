"""What is remembered from one instance of a batch to the next changes nothing but the work."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.filters import load_filters
from scheduler.filters.registry import built_in
from scheduler.hosts import HostTable
from scheduler.hosts.build import SHARES
from scheduler.model import InstanceDecision, RequestSpec, ServerGroup
from scheduler.randomness import RandomStream
from scheduler.selection import Memory, Plugins, Ranked, plan_batch, rank_hosts, weigh_hosts
from scheduler.selection.plugins import concerned, scored_alone
from scheduler.settings import FilterSettings, OrderSettings
from scheduler.weighers import Weighed
from tests.hosts.fleets import Node, spec, table, uid
from tests.selection.test_properties import BOUNDED, INSTANCES, METRICS, WEIGHERS, fleets, requests, steps

EVERY = load_filters(
    FilterSettings(enabled_filters=tuple(built_in(FilterSettings())), isolated_hosts=("h3",), max_instances_per_host=3),
    METRICS,
)
BATCH = (*INSTANCES[:3], *(uid(f"new{number}") for number in range(5)))
QUERIES = ("", '["<=", "$num_instances", 2]', '[">", "$free_ram_mb", 1]')


@st.composite
def tables(draw: Any) -> HostTable:
    """Draw hosts that have room of their own, and may take disk from a provider that some of them share."""
    nodes = draw(fleets())
    shared = Node("shared", {"DISK_GB": (draw(st.integers(2, 9)), 0)}, traits=(SHARES,))
    alone = {"VCPU": 1, "MEMORY_MB": 1, "DISK_GB": 1}
    ways: list[dict[str, dict[str, int]]] = []
    for node in nodes:
        sharing = {node.name: {"VCPU": 1, "MEMORY_MB": 1}, "shared": {"DISK_GB": 1}}
        ways += draw(st.sampled_from(([{node.name: alone}], [{node.name: alone}, sharing], [sharing])))
    names = {uid(node.name): node.name for node in (*nodes, shared)}
    return table(*nodes, shared, requests=ways, provider_names=names, taken_at=1000.0)


def decisions(
    plugins: Plugins, request: RequestSpec, hosts: HostTable, instances: Sequence[Any], *, afresh: bool
) -> list[InstanceDecision]:
    """Plan a batch; ``afresh`` with nothing remembered but the answers that hold for all of it."""
    stream, made = RandomStream(b"seed"), list[InstanceDecision]()

    def rank(memory: Memory, asked: RequestSpec, left: HostTable) -> Ranked:
        known = Memory(memory.wanted, memory.settled) if afresh else memory
        return rank_hosts(plugins, known, asked, left, stream, best=9, places=1)

    plan_batch(plugins.filters, rank, request, instances, hosts, made.append)
    return made


class Watching:
    """Notes the group of each instance that it is asked about."""

    name = "Watching"
    reason = "watched"

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def passes(self, request: RequestSpec, hosts: HostTable) -> Any:
        self.seen.append(request.instance_group)
        return np.ones(len(hosts), dtype=np.bool_)


def test_plugins_see_a_group_with_all_instances_and_the_hosts_of_those_that_were_placed() -> None:
    group, watching = ServerGroup(policy="soft-affinity", members=(uid("old"),), hosts=("x",)), Watching()
    plugins, hosts = Plugins((watching,), (), OrderSettings()), table(Node("a", {"VCPU": (8, 0)}))
    made = decisions(plugins, spec(instance_group=group), hosts, BATCH[:3], afresh=False)
    placed = [decision.selected for decision in made]
    assert len(placed) == 3
    assert [seen.members for seen in watching.seen] == [(uid("old"), *BATCH[:3])] * 3
    assert [seen.hosts for seen in watching.seen] == [("x", *placed[:number]) for number in range(3)]


@settings(max_examples=300, deadline=None)
@given(
    hosts=tables(),
    request=requests,
    query=st.sampled_from(QUERIES),
    bounded=st.booleans(),
    filters=st.sets(st.sampled_from(range(len(EVERY)))),
    weighers=st.sets(st.sampled_from(range(len(WEIGHERS))), min_size=1),
    instances=st.lists(st.sampled_from(BATCH), min_size=2, max_size=8, unique=True),
    subset=st.integers(1, 3),
)
def test_what_is_remembered_changes_nothing(
    hosts: HostTable,
    request: RequestSpec,
    query: str,
    bounded: bool,
    filters: set[int],
    weighers: set[int],
    instances: list[Any],
    subset: int,
) -> None:
    used = BOUNDED if bounded else WEIGHERS
    plugins = Plugins(
        tuple(EVERY[number] for number in sorted(filters)),
        tuple(used[number] for number in sorted(weighers)),
        OrderSettings(host_subset_size=subset),
    )
    asked = request if not query else spec(scheduler_hints={"query": query}, image=request.image)
    remembered = decisions(plugins, asked, hosts, instances, afresh=False)
    assert remembered == decisions(plugins, asked, hosts, instances, afresh=True)


@settings(max_examples=100, deadline=None)
@given(hosts=tables(), request=requests)
def test_a_plugin_that_a_request_does_not_concern_has_nothing_to_say(hosts: HostTable, request: RequestSpec) -> None:
    for plugin in EVERY:
        if not concerned(plugin, request):
            ask: Any = getattr(plugin, "passes", None) or getattr(plugin, "keeps")  # noqa: B009
            assert ask(request, hosts).all(), plugin.name
    for one in BOUNDED:
        if not concerned(one.weigher, request):
            scores = one.weigher.score(request, hosts)
            assert not scores.any(), one.weigher.name
            assert not scored_alone(one.weigher, request, hosts, scores).any(), one.weigher.name


class Asked:
    """A weigher that keeps count of the hosts that it is asked about."""

    name = "Asked"
    per_host = True

    def __init__(self) -> None:
        self.counts: list[int] = []

    def score(self, request: object, hosts: HostTable) -> np.ndarray:
        self.counts.append(len(hosts))
        return hosts.free("VCPU")


def test_a_plugin_is_asked_again_only_about_hosts_that_an_instance_was_placed_on() -> None:
    weigher = Asked()
    plugins = Plugins((), (Weighed(weigher, 1.0),), OrderSettings())
    hosts = table(*(Node(f"h{number}", {"VCPU": (5, 0)}) for number in range(7)))
    decisions(plugins, spec(), hosts, BATCH[:4], afresh=False)
    assert weigher.counts == [7, 1, 1, 1]


def test_hosts_that_share_a_provider_are_asked_about_again_together() -> None:
    """The instance on one of them takes from both, and the second does not fit any more."""
    shared = Node("shared", {"DISK_GB": (1, 0)}, traits=(SHARES,))
    ways = [{name: {"VCPU": 1}, "shared": {"DISK_GB": 1}} for name in ("a", "b")]
    hosts = table(Node("a"), Node("b"), Node("c"), shared, requests=[*ways, {"c": {"VCPU": 1}}])
    made = decisions(Plugins((), (), OrderSettings()), spec(), hosts, BATCH[:2], afresh=False)
    if made[0].selected != "c":
        assert [(step.name, step.removed) for step in made[1].steps] == [("RoomFilter", 1 + 1)]
    row = hosts.names.tolist().index("a")
    placed = hosts.with_claim(row, hosts.first_fitting(row), uid("new"))
    assert {hosts.names[host] for host in placed.touched[0]} == {"a", "b"}


@settings(max_examples=100, deadline=None)
@given(hosts=tables(), request=requests, taken=steps)
def test_weights_brought_up_to_date_are_those_weighed_anew(
    hosts: HostTable, request: RequestSpec, taken: list[int]
) -> None:
    for weighers in (WEIGHERS, BOUNDED):
        lasting = tuple(one for one in weighers if getattr(one.weigher, "per_host", False))
        memory, now = Memory(), hosts
        memory.weigh(lasting, request, now)
        for number, step in enumerate(taken):
            rows = np.flatnonzero(now.has_room())
            if rows.size:
                row = int(rows[step % len(rows)])
                now = now.with_claim(row, now.first_fitting(row), uid(f"placed{number}"))
                kept, anew = memory.weigh(lasting, request, now), weigh_hosts(lasting, request, now)
                for name in ("total", "raw", "normalized", "weighed"):
                    assert getattr(kept, name).tobytes() == getattr(anew, name).tobytes(), name
