"""One instance from table to order, and batches."""

from typing import Any

import numpy as np
import pytest

from scheduler.errors import InvalidRequest, PluginFailed
from scheduler.filters import load_filters
from scheduler.hosts import HostTable
from scheduler.model import ServerGroup
from scheduler.randomness import RandomStream
from scheduler.selection import Plugins, check_request, filter_hosts, rank_hosts, settle
from scheduler.settings import FilterSettings, OrderSettings, WeigherSettings
from scheduler.weighers import load_weighers
from tests.hosts.fleets import Node, spec, table, uid

RAM_ONLY = load_weighers(WeigherSettings(enabled_weighers=("RAMWeigher", "CPUWeigher"), cpu_weight_multiplier=0.5))
PLUGINS = Plugins(load_filters(FilterSettings()), RAM_ONLY, OrderSettings(shuffle_best_same_weighed_hosts=False))


def nodes(**free: int) -> list[Node]:
    return [Node(name, {"MEMORY_MB": (ram, 0), "VCPU": (8, 0)}) for name, ram in free.items()]


def rank(hosts: HostTable, plugins: Plugins = PLUGINS, best: int = 5, **request: Any) -> Any:
    wanted = spec(**request)
    settled = settle(plugins.filters, wanted, hosts)
    return rank_hosts(plugins, settled, wanted, hosts, RandomStream(b"seed"), best=best)


def test_rows_are_those_of_the_table_best_first() -> None:
    hosts = table(*nodes(a=100, b=300, c=200), Node("down", {"MEMORY_MB": (999, 0)}, facts={"up": False}))
    ranked = rank(hosts)
    assert [hosts.names[row] for row in ranked.rows] == ["b", "c", "a"]


def test_steps_say_what_every_filter_did() -> None:
    hosts = table(*nodes(a=100, b=300, c=200), Node("down", facts={"up": False}))
    ranked = rank(hosts, ignore_hosts=("a",), instance_group=ServerGroup(policy="anti-affinity", hosts=("b", "c")))
    steps = [(step.name, step.reason, step.hosts_in, step.removed) for step in ranked.steps]
    assert steps == [
        ("RoomFilter", "no_room_left", 4, 0),
        ("IgnoredHostFilter", "ignored", 4, 1),
        ("ComputeFilter", "disabled_or_down", 3, 1),
        ("ComputeCapabilitiesFilter", "capability_missing", 2, 0),
        ("ImagePropertiesFilter", "image_not_supported", 2, 0),
        ("ServerGroupAntiAffinityFilter", "group_member_present", 2, 2),
    ]
    assert len(ranked.rows) == 0
    assert ranked.best_hosts == ()


def test_a_host_is_put_down_to_the_first_filter_that_removes_it() -> None:
    hosts = table(*nodes(a=1), Node("down", facts={"up": False}))
    wanted = spec(ignore_hosts=("down",))
    filtered = filter_hosts(settle(PLUGINS.filters, wanted, hosts), wanted, hosts)
    assert hosts.names[filtered.kept].tolist() == ["a"]
    assert [step.name for step in filtered.steps if step.removed] == ["IgnoredHostFilter"]


def test_the_best_hosts_say_how_their_total_came_about() -> None:
    hosts = table(*nodes(a=100, b=400), Node("small", {"MEMORY_MB": (300, 0), "VCPU": (4, 0)}))
    best = rank(hosts, best=2).best_hosts
    assert [one.host for one in best] == ["b", "small"]
    scores = [(score.name, score.raw, score.normalized, score.weighed) for score in best[1].scores]
    assert scores == [("RAMWeigher", 300, 0.75, 0.75), ("CPUWeigher", 4, 0.5, 0.25)]
    assert best[1].total == 1.0


def test_filters_whose_answer_holds_are_asked_once_a_request() -> None:
    asked: list[int] = []

    class Counting:
        name = "Counting"
        reason = "counted"
        run_filter_once_per_request = True

        def passes(self, request: object, hosts: HostTable) -> np.ndarray:
            asked.append(len(hosts))
            return np.ones(len(hosts), dtype=bool)

    plugins = Plugins((*PLUGINS.filters[:1], Counting()), (), PLUGINS.order)
    hosts = table(*nodes(a=1, b=1), Node("down", facts={"up": False}))
    wanted = spec()
    settled = settle(plugins.filters, wanted, hosts)
    for _ in range(3):
        ranked = rank_hosts(plugins, settled, wanted, hosts, RandomStream(b""), best=0)
        assert [step.name for step in ranked.steps] == ["RoomFilter", "ComputeFilter", "Counting"]
    assert asked == [2]


def test_a_batch_consumes_as_it_goes() -> None:
    """Five hosts with room for two each take ten instances and no eleventh."""
    hosts = table(*(Node(f"h{i}", {"VCPU": (2, 0)}) for i in range(5)))
    wanted = spec()
    settled = settle(PLUGINS.filters, wanted, hosts)
    placed = []
    for number in range(10):
        row = int(rank_hosts(PLUGINS, settled, wanted, hosts, RandomStream(b""), best=0).rows[0])
        hosts = hosts.with_claim(row, int(hosts.fitting(row)[0]), uid(f"i{number}"))
        placed.append(hosts.names[row])
    assert sorted(placed) == sorted(2 * [f"h{i}" for i in range(5)])
    ranked = rank_hosts(PLUGINS, settled, wanted, hosts, RandomStream(b""), best=0)
    assert [(step.name, step.removed) for step in ranked.steps] == [("RoomFilter", 5)]


def test_the_same_seed_gives_the_same_ranking() -> None:
    plugins = Plugins(PLUGINS.filters, (), OrderSettings(host_subset_size=3))
    hosts = table(*nodes(**dict.fromkeys("abcdefgh", 5)))
    assert rank(hosts, plugins).rows.tolist() == rank(hosts, plugins).rows.tolist()


def test_a_failing_plugin_is_named() -> None:
    class Failing:
        name = "Failing"
        reason = "no"

        def passes(self, request: object, hosts: object) -> np.ndarray:
            raise ZeroDivisionError

        score = passes

    with pytest.raises(PluginFailed) as caught:
        rank(table(*nodes(a=1)), Plugins((Failing(),), (), PLUGINS.order))
    assert caught.value.detail == "Failing failed (ZeroDivisionError); the request was stopped."


def test_a_request_that_nothing_honours_is_refused() -> None:
    nothing = Plugins((), (), PLUGINS.order)
    with pytest.raises(InvalidRequest, match="ServerGroupAffinityFilter"):
        check_request(nothing, spec(instance_group=ServerGroup(policy="affinity")))
