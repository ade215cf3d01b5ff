"""Filters that judge candidates: what they drop is never taken, for no instance of a batch and no alternate."""

from typing import Any

import numpy as np
import pytest

from scheduler.errors import PluginFailed
from scheduler.filters import CandidateFilter
from scheduler.hosts import HostTable
from scheduler.model import RequestSpec
from scheduler.randomness import RandomStream
from scheduler.replay import replay
from scheduler.selection import Plan, Plugins, alternates_of, plan_batch, rank_hosts, selections_of
from scheduler.selection.placing import placing_of
from scheduler.settings import OrderSettings, WeigherSettings
from tests.filters.asking import flavor, made
from tests.flow.deciding import decided, plugins
from tests.hosts.fleets import Node, candidates, row_of, spec, table, uid

ORDER = OrderSettings(shuffle_best_same_weighed_hosts=False)
DEVICES = [Node(name) for name in "ab"] + [
    Node(f"{name}{number}", {"VGPU": (1, 0)}, traits=["CUSTOM_NEW"] * (number > 1), root=name)
    for name in "ab"
    for number in range(4)
]
WAYS = [{f"{name}{number}": {"VGPU": 1}} for name in "ab" for number in range(4)]
ONE_DEVICE = {"resources:VGPU": "1", "resources:VCPU": "0", "resources:MEMORY_MB": "0"}
NEW_ONLY = spec(flavor=flavor({"provider_trait:CUSTOM_NEW": "required", **ONE_DEVICE}))


def provider(chosen: Any) -> str:
    (uuid,) = getattr(chosen, "allocation_request", chosen).allocations
    return {uid(node.name): node.name for node in DEVICES}[uuid]


def planned(filters: tuple[Any, ...], request: RequestSpec, hosts: HostTable, instances: int) -> tuple[Any, list[Any]]:
    used, stream, put_down = Plugins(filters, (), ORDER), RandomStream(b""), list[Any]()

    def rank(settled: Any, wanted: RequestSpec, left: HostTable) -> Any:
        return rank_hosts(used, settled, wanted, left, stream, best=0)

    names = [uid(f"i{number}") for number in range(instances)]
    return plan_batch(filters, rank, request, names, hosts, put_down.append), put_down


def test_a_batch_takes_only_what_is_kept_and_ends_when_that_is_gone() -> None:
    hosts, filters = table(*DEVICES, requests=WAYS), (made("ProviderTraitFilter"),)
    plan, _ = planned(filters, NEW_ONLY, hosts, 4)
    assert {provider(placing) for placing in plan.placings} == {"a2", "a3", "b2", "b3"}
    plan, decisions = planned(filters, NEW_ONLY, hosts, 5)
    assert plan is None
    assert [(step.name, step.hosts_in, step.removed) for step in decisions[-1].steps] == [
        ("RoomFilter", 2, 0),
        ("ProviderTraitFilter", 2, 2),
    ]


def test_alternates_take_only_what_is_kept() -> None:
    hosts, filters = table(*DEVICES, requests=WAYS), (made("ProviderTraitFilter"),)
    plan, _ = planned(filters, NEW_ONLY, hosts, 1)
    alternates = alternates_of(Plugins(filters, (), ORDER), plan, 5, RandomStream(b""))
    ((first, second),) = selections_of(plan.placings, alternates, "1.39")
    assert {first.service_host, second.service_host} == {"a", "b"}
    assert provider(first)[1] == provider(second)[1] == "2"
    assert len(alternates_of(Plugins(filters, (), ORDER), plan, 0, RandomStream(b""))) == 0


class Alternating:
    """Keeps every second candidate: the even ones, the odd ones, the even ones again; it counts what it is asked."""

    name = "Alternating"
    reason = "alternates"

    def __init__(self) -> None:
        self.asked: list[int] = []

    def keeps(self, request: object, hosts: HostTable) -> Any:
        self.asked.append(len(hosts.candidates))
        return hosts.candidates % 2 == (len(self.asked) - 1) % 2


def test_what_is_dropped_for_one_instance_is_looked_at_again_for_the_next() -> None:
    hosts, plugin = table(*DEVICES, requests=WAYS), Alternating()
    assert isinstance(plugin, CandidateFilter)
    plan, _ = planned((plugin,), spec(), hosts, 3)
    assert isinstance(plan, Plan)
    assert plugin.asked == [8, 8, 8]
    assert [int(provider(placing)[1]) % 2 for placing in plan.placings] == [0, 1, 0]


class Once(Alternating):
    run_filter_once_per_request = True


def test_an_answer_that_holds_for_the_batch_is_asked_for_once() -> None:
    hosts, plugin = table(*DEVICES, requests=WAYS), Once()
    plan, _ = planned((plugin,), spec(), hosts, 4)
    assert plugin.asked == [8]
    assert [int(provider(placing)[1]) % 2 for placing in plan.placings] == [0] * 4


def test_the_next_filter_sees_only_what_is_kept() -> None:
    hosts, second = table(*DEVICES, requests=WAYS), Alternating()
    planned((made("ProviderTraitFilter"), second), NEW_ONLY, hosts, 1)
    assert second.asked == [4]


def test_a_host_whose_kept_candidates_are_full_is_removed() -> None:
    """Room on a dropped candidate is no room."""
    nodes = [Node("a"), Node("a0", {"VGPU": (1, 0)}, root="a"), Node("a1", {"VGPU": (1, 1)}, root="a")]
    hosts = table(*nodes, requests=[{"a0": {"VGPU": 1}}, {"a1": {"VGPU": 1}}])
    assert hosts.has_room().tolist() == [True]
    second = hosts.keeping(np.array([False, True]))
    assert second.has_room().tolist() == [False]
    assert second.fitting(0).tolist() == []
    assert second.candidates.tolist() == [1]
    assert second.keeping(np.array([True, False])).candidates.tolist() == []


def test_a_host_whose_only_candidate_is_dropped_or_full_has_no_room() -> None:
    hosts = table(Node("a", {"VCPU": (1, 0)}), Node("b", {"VCPU": (1, 0)}))
    a, b = row_of(hosts, "a"), row_of(hosts, "b")
    (only,) = hosts.fitting(a)
    kept = np.ones(2, dtype=np.bool_)
    kept[only] = False
    assert [hosts.keeping(kept).fitting(row).size for row in (a, b)] == [0, 1]
    assert [hosts.with_claim(a, int(only), uid("i")).fitting(row).size for row in (a, b)] == [0, 1]


def test_a_placing_is_the_first_kept_candidate() -> None:
    hosts = table(*DEVICES, requests=WAYS)
    row = row_of(hosts, "b")
    last = np.zeros(8, dtype=np.bool_)
    last[hosts.fitting(row)[-1]] = True
    assert provider(placing_of(uid("i"), hosts, row, hosts.first_fitting(row))) == "b0"
    assert provider(placing_of(uid("i"), hosts, row, hosts.keeping(last).first_fitting(row))) == "b3"


@pytest.mark.parametrize("answer", [np.ones(2, dtype=bool), np.ones(8), None, [True] * 8])
def test_an_answer_that_is_not_one_truth_value_a_candidate_stops_the_request(answer: Any) -> None:
    class Wrong:
        name = "Wrong"
        reason = "wrong"

        def keeps(self, request: object, hosts: HostTable) -> Any:
            return answer

    with pytest.raises(PluginFailed) as caught:
        planned((Wrong(),), spec(), table(*DEVICES, requests=WAYS), 1)
    assert caught.value.problem == "the answer is not an array of one bool a candidate"


@pytest.mark.parametrize(("instances", "numbers"), [(1, {"2"}), (3, {"2", "3"})])
def test_decisions_by_candidates_come_out_the_same_from_their_record(instances: int, numbers: set[str]) -> None:
    used, without = (plugins(1, WeigherSettings(), *names) for names in (("ProviderTraitFilter",), ("AllHostsFilter",)))
    offers = [candidates(DEVICES, WAYS)]
    record = decided(DEVICES, NEW_ONLY, used, instances=instances, alternates=True, offers=offers)
    assert {provider(one.allocation)[1] for one in record.rounds[0].instances} == numbers
    assert replay(record, used).verdict == "identical"
    assert replay(record, without).verdict == "different"
