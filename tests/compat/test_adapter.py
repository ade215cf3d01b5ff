"""Classes that were written for Nova filter and weigh here, as they did there."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from stevedore import ExtensionManager

from scheduler.compat.adapted import adapted_filter, adapted_weigher
from scheduler.compat.nova import filters, weights
from scheduler.compat.nova.adapter import NovaFilter, NovaWeigher
from scheduler.errors import InvalidSettings, PluginFailed
from scheduler.filters import Filter, load_filters
from scheduler.filters.affinity import ServerGroupAntiAffinityFilter
from scheduler.filters.capabilities import ComputeCapabilitiesFilter
from scheduler.hosts import HostTable
from scheduler.model import AggregateFact, Flavor, RequestSpec, ServerGroup
from scheduler.replay import replay
from scheduler.selection import Memory, Plugins, check_request, filter_hosts, settle, weigh_hosts
from scheduler.selection.plugins import judged, multiplied, scored
from scheduler.settings import FilterSettings, OrderSettings, WeigherSettings
from scheduler.weighers import Weighed, load_weighers
from scheduler.weighers.free_resources import CPUWeigher, RAMWeigher
from tests.compat import classes
from tests.flow.deciding import decided
from tests.hosts.fleets import Node, names_where, spec, table, uid
from tests.selection.test_plugins import install
from tests.selection.test_properties import built, fleets, partly_filled, steps, unforced

MODULE = Path(classes.__file__).read_text()
RACKS = [
    AggregateFact(uuid=uid("r1"), name="r1", metadata={"rack": "a, b", "free_ram_multiplier": "-2.5"}),
    AggregateFact(uuid=uid("r2"), name="r2", metadata={"rack": "c", "free_ram_multiplier": "4", "cap": "2"}),
    AggregateFact(uuid=uid("r3"), name="r3", metadata={"free_ram_multiplier": "nan"}),
]


def ram(free: int) -> dict[str, tuple[int, int]]:
    return {"VCPU": (8, 0), "MEMORY_MB": (100, 100 - free)}


FLEET = (
    Node("both", ram(10), facts={"aggregates": [uid("r1"), uid("r2")], "num_io_ops": 4}),
    Node("first", ram(20), facts={"aggregates": [uid("r1")], "num_io_ops": 1, "stats": {"ssd": "true"}}),
    Node("second", ram(30), facts={"aggregates": [uid("r2")], "num_io_ops": 2, "instances": [uid("i")]}),
    Node("garbage", ram(40), facts={"aggregates": [uid("r3"), uid("unlisted")], "num_io_ops": 1}),
    Node("none", ram(50), facts={"num_io_ops": 3}),
)
HOSTS = table(*FLEET, aggregates=RACKS)


def passing(plugin: Any, hosts: HostTable = HOSTS, **request: Any) -> set[str]:
    return names_where(hosts, judged(NovaFilter(plugin), spec(**request), hosts))


def by_name(hosts: HostTable, values: Any) -> dict[str, float]:
    return dict(zip(hosts.names, values.tolist(), strict=True))


@pytest.mark.parametrize(
    ("rack", "names"), [("a", {"both", "first"}), ("b", {"both", "first"}), ("c", {"both", "second"}), ("d", set())]
)
def test_a_filter_reads_the_metadata_of_aggregates(rack: str, names: set[str]) -> None:
    assert passing(classes.RackFilter(), flavor=Flavor(vcpus=1, memory_mb=1, extra_specs={"rack": rack})) == names
    assert passing(classes.RackFilter()) == set(HOSTS.names)


def test_a_filter_reads_stats() -> None:
    assert passing(classes.StatFilter()) == {"first"}


def test_a_filter_sees_all_hosts() -> None:
    assert passing(classes.LeastBusyFilter()) == {"first", "garbage"}


def test_a_filter_writes_limits_and_nobody_minds() -> None:
    assert passing(classes.LimitFilter(), flavor=Flavor(vcpus=1, memory_mb=150)) == set(HOSTS.names)
    assert passing(classes.LimitFilter(), flavor=Flavor(vcpus=1, memory_mb=151)) == set()


def test_the_flags_of_a_class_are_those_of_the_filter() -> None:
    rack, stat = NovaFilter(classes.RackFilter()), NovaFilter(classes.StatFilter())
    assert (rack.name, rack.reason, rack.run_filter_once_per_request, rack.run_on_rebuild) == (
        "RackFilter",
        "refused_by_nova_class",
        True,
        True,
    )
    assert (stat.run_filter_once_per_request, stat.run_on_rebuild) == (False, False)


def test_a_class_asked_once_a_request_is_asked_about_the_first_instance_only() -> None:
    asked = []

    class CountingFilter(filters.BaseHostFilter):
        run_filter_once_per_request = True

        def host_passes(self, host_state: Any, spec_obj: Any) -> bool:
            asked.append(host_state.host)
            return True

    plugins = (NovaFilter(CountingFilter()),)
    settled = settle(plugins, spec(), HOSTS)
    for _ in range(3):
        filter_hosts(settled, spec(), HOSTS)
    assert sorted(asked) == sorted(HOSTS.names)


def test_a_hint_that_a_class_declares_is_read_and_its_reason_recorded() -> None:
    plugin = NovaFilter(classes.ApartFilter())
    request = spec(scheduler_hints={"different_host": str(uid("i"))})
    check_request(Plugins((plugin,), (), OrderSettings()), request)
    kept = filter_hosts(Memory([(plugin, True)]), request, HOSTS)
    assert set(HOSTS.names) - set(HOSTS.names[kept.kept]) == {"second"}
    assert kept.steps[-1].reason == "too_close"


def test_multipliers_are_those_of_each_host() -> None:
    """The lowest of a host's aggregates, the configured one where none says any, or says what is no number."""
    weigher = NovaWeigher(classes.FreeRAMWeigher())
    assert by_name(HOSTS, multiplied(Weighed(weigher, 1.0), HOSTS)) == {
        "both": -2.5,
        "first": -2.5,
        "second": 4.0,
        "garbage": 1.5,
        "none": 1.5,
    }


def test_weights_are_normalised_and_then_multiplied_host_by_host() -> None:
    weighers = (Weighed(NovaWeigher(classes.FreeRAMWeigher()), 1.0), Weighed(NovaWeigher(classes.CappedWeigher()), 1.0))
    weights_of = weigh_hosts(weighers, spec(), HOSTS)
    totals = {"both": -2.5 * 0.2, "first": -2.5 * 0.4, "second": 4 * 0.6 + 2 / 3, "garbage": 1.5 * 0.8, "none": 1.5}
    assert by_name(HOSTS, weights_of.total) == pytest.approx(totals)


def test_less_than_the_lowest_weight_is_the_lowest() -> None:
    hosts = table(Node("over", ram(-5)), Node("free", ram(5)))
    assert by_name(hosts, scored([NovaWeigher(classes.FreeRAMWeigher())], spec(), hosts)[0]) == {"over": 0, "free": 5}


def test_bounds_clamp_and_a_class_may_set_them_while_it_weighs() -> None:
    crowded = table(Node("few"), Node("many", facts={"instances": [uid(f"i{number}") for number in range(9)]}))
    assert by_name(crowded, scored([NovaWeigher(classes.CappedWeigher())], spec(), crowded)[0]) == {"few": 0, "many": 3}
    ranked = weigh_hosts((Weighed(NovaWeigher(classes.RankWeigher()), 1.0),), spec(), HOSTS)
    assert by_name(HOSTS, ranked.normalized[0]) == {"first": 0, "garbage": 0, "second": 0.4, "none": 0.6, "both": 0.8}


def test_no_host_is_nothing_to_weigh_or_filter() -> None:
    nothing = HOSTS.take(np.zeros(0, dtype=np.int64))
    assert judged(NovaFilter(classes.StatFilter()), spec(), nothing).shape == (0,)
    assert weigh_hosts((Weighed(NovaWeigher(classes.FreeRAMWeigher()), 1.0),), spec(), nothing).total.shape == (0,)


# The same as a built-in


PAIRS: list[tuple[Any, Filter]] = [
    (classes.FewMembersFilter(), ServerGroupAntiAffinityFilter()),
    (classes.StatFilter(), ComputeCapabilitiesFilter()),
]


@settings(max_examples=150, deadline=None)
@given(fleets(), unforced, steps, st.sampled_from(PAIRS))
def test_a_class_says_what_the_built_in_filter_says(
    nodes: list[Node], request: RequestSpec, taken: list[int], pair: tuple[Any, Filter]
) -> None:
    """The host names of a group are left out: the class counts its members by instance only."""
    hosts = partly_filled(built(nodes), taken)
    group = request.instance_group and structs.replace(request.instance_group, hosts=())
    flavor = Flavor(vcpus=1, memory_mb=1, extra_specs={"capabilities:ssd": "true"})
    request = structs.replace(request, instance_group=group, flavor=flavor).with_members(hosts.claimed)
    adapted, built_in = pair
    assert judged(NovaFilter(adapted), request, hosts).tolist() == judged(built_in, request, hosts).tolist()


@settings(max_examples=100, deadline=None)
@given(fleets(), unforced, steps)
def test_a_class_weighs_as_the_built_in_weigher_does(nodes: list[Node], request: RequestSpec, taken: list[int]) -> None:
    hosts = partly_filled(built(nodes), taken)
    for adapted, built_in in ((classes.FreeRAMWeigher, RAMWeigher), (classes.FreeCPUWeigher, CPUWeigher)):
        ours = weigh_hosts((Weighed(built_in(), 1.0),), request, hosts)
        theirs = weigh_hosts((Weighed(NovaWeigher(adapted()), 1.0),), request, hosts)
        assert theirs.raw.tolist() == ours.raw.clip(0).tolist()
        assert theirs.normalized.tolist() == ours.normalized.tolist()


# Found by entry point


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with the classes, for this test."""
    monkeypatch.setattr(ExtensionManager, "ENTRY_POINT_CACHE", {})  # stevedore looks once a process
    filters_there = ("FewMembersFilter", "ApartFilter", "Undecided", "Odd")
    weighers_there = ("FreeRAMWeigher", "Unweighing")
    lines = ["[placement_scheduler.filters]", *(f"{name} = nova_style:{name}" for name in filters_there)]
    lines += ["[placement_scheduler.weighers]", *(f"{name} = nova_style:{name}" for name in weighers_there)]
    install(tmp_path, "nova_style", "\n".join(lines))
    (tmp_path / "nova_style.py").write_text(MODULE + BROKEN)
    monkeypatch.syspath_prepend(tmp_path)


BROKEN = """

class Undecided(filters.BaseHostFilter):
    pass


class Odd(filters.BaseHostFilter):
    def host_passes(self, host_state, spec_obj):
        return True

    def run_filter_for_index(self, index):
        return index % 2 == 1


class Unweighing(weights.BaseHostWeigher):
    pass
"""


@pytest.mark.usefixtures("outside")
def test_a_batch_is_decided_by_classes_found_by_entry_point_and_replays() -> None:
    """Each instance of the batch sees those before it; the record alone gives the same decision again."""
    loaded = Plugins(
        load_filters(FilterSettings(enabled_filters=("FewMembersFilter", "ServerGroupAntiAffinityFilter"))),
        load_weighers(WeigherSettings(enabled_weighers=("FreeRAMWeigher", "RAMWeigher"))),
        OrderSettings(host_subset_size=3),
    )
    nodes = [Node(f"h{number}", {"VCPU": (9, 0), "MEMORY_MB": (99, number)}) for number in range(4)]
    request = spec(num_instances=3, instance_group=ServerGroup(policy="anti-affinity"))
    record = decided(nodes, request, loaded, instances=3)
    chosen = [decision.selected for decision in record.rounds[0].instances]
    assert (record.outcome, len(set(chosen))) == ("selected", 3)
    assert [step.removed for decision in record.rounds[0].instances for step in decision.steps[1:]] == [
        0,
        0,
        1,
        0,
        2,
        0,
    ]
    assert replay(record, loaded).verdict == "identical"


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("name", ["Undecided", "Odd"])
def test_a_filter_that_cannot_answer_is_refused_at_start(name: str) -> None:
    with pytest.raises(InvalidSettings, match=rf"{name} cannot be made \(TypeError\)"):
        load_filters(FilterSettings(enabled_filters=(name,)))


@pytest.mark.usefixtures("outside")
def test_a_weigher_that_cannot_weigh_is_refused_at_start() -> None:
    with pytest.raises(InvalidSettings, match=r"Unweighing cannot be made \(TypeError\)"):
        load_weighers(WeigherSettings(enabled_weighers=("Unweighing",)))


def test_one_of_ours_stays_as_it_is() -> None:
    ours, weigher = ServerGroupAntiAffinityFilter(), RAMWeigher()
    assert (adapted_filter(ours), adapted_weigher(weigher)) == (ours, weigher)


def test_one_that_is_both_stays_as_it_is() -> None:
    class Both(classes.FewMembersFilter):
        passes = score = staticmethod(lambda *_: None)
        weigh_objects = None

    both = Both()
    assert adapted_filter(both) is adapted_weigher(both) is both


# What goes wrong


def failing(step: Any) -> Any:
    class FailingFilter(filters.BaseHostFilter):
        def host_passes(self, host_state: Any, spec_obj: Any) -> Any:
            return step(host_state, spec_obj)

    return FailingFilter()


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (lambda host, asked: 1 / 0, "ZeroDivisionError"),
        (lambda host, asked: host.update(), "HostState.update has no counterpart here"),
        (lambda host, asked: host.secret_of_a_tenant, "an attribute of HostState has no counterpart here"),
        (lambda host, asked: asked.requested_networks, "RequestSpec.requested_networks has no counterpart here"),
        (lambda host, asked: asked.flavor.flavorid, "Flavor.flavorid has no counterpart here"),
        (lambda host, asked: host.service.update(disabled=False), "TypeError"),
        (lambda host, asked: setattr(host, "free_ram_mb", 0), "AttributeError"),
        (lambda host, asked: setattr(asked, "project_id", "other"), "AttributeError"),
    ],
)
def test_a_filter_that_raises_stops_the_request_and_is_named(step: Any, problem: str) -> None:
    with pytest.raises(PluginFailed) as caught:
        passing(failing(step))
    assert (caught.value.plugin, caught.value.problem) == ("FailingFilter", problem)


class Answering(filters.BaseHostFilter):
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def filter_all(self, filter_obj_list: Any, spec_obj: Any) -> Any:
        return self.answer(filter_obj_list)


@pytest.mark.parametrize("answer", [lambda given: None, lambda given: ["cmp-1"], lambda given: [True for _ in given]])
def test_a_filter_that_returns_anything_but_hosts_stops_the_request(answer: Any) -> None:
    with pytest.raises(PluginFailed):
        passing(Answering(answer))


class Weighing(weights.BaseHostWeigher):
    def __init__(self, weight: Any, multiplier: Any = 1.0) -> None:
        self.weight, self.multiplier_of = weight, multiplier

    def weight_multiplier(self, host_state: Any) -> Any:
        return self.multiplier_of

    def _weigh_object(self, host_state: Any, weight_properties: Any) -> Any:
        return self.weight


@pytest.mark.parametrize(
    ("weight", "multiplier"),
    [("1", 1.0), (None, 1.0), (float("nan"), 1.0), ([1], 1.0), (2**70, 1.0), (1, None), (1, "2"), (1, float("inf"))],
)
def test_weights_and_multipliers_that_are_no_numbers_stop_the_request(weight: Any, multiplier: Any) -> None:
    with pytest.raises(PluginFailed) as caught:
        weigh_hosts((Weighed(NovaWeigher(Weighing(weight, multiplier)), 1.0),), spec(), HOSTS)
    assert caught.value.plugin == "Weighing"


@pytest.mark.parametrize("bound", ["0", float("nan"), float("-inf"), [0]])
def test_a_bound_that_is_no_number_stops_the_request(bound: Any) -> None:
    class BoundWeigher(weights.BaseHostWeigher):
        maxval = bound

        def weigh_objects(self, weighed_obj_list: Any, weight_properties: Any) -> Any:
            return [0 for _ in weighed_obj_list]

        def _weigh_object(self, obj: Any, weight_properties: Any) -> Any:
            return 0

    with pytest.raises(PluginFailed) as caught:
        weigh_hosts((Weighed(NovaWeigher(BoundWeigher()), 1.0),), spec(), HOSTS)
    assert (caught.value.plugin, caught.value.problem) == ("BoundWeigher", "a bound is not a finite number")
