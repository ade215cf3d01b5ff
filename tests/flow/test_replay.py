"""A decision can be made again from its record alone, to the last bit; whatever is changed in the record shows."""

import itertools
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from placement_client.models import ConsumerWrite, Resources
from placement_client.testing import MockPlacement, RealPlacement, faults
from scheduler import (
    AggregateFact,
    DecisionRecord,
    Flavor,
    NoValidHost,
    RequestSpec,
    ServerGroup,
    TopologySpread,
    build,
    load_config,
)
from scheduler.bootstrap import plugins_of
from scheduler.errors import PluginFailed
from scheduler.hosts import build_host_table, inputs_of, table_of
from scheduler.hosts.groups import members_on, somebody_is_somewhere
from scheduler.model import Rules
from scheduler.records.packing import decoded, encoded
from scheduler.replay import replay
from scheduler.selection import Plugins
from scheduler.settings import MetricsSettings, WeigherSettings
from scheduler.weighers.demands import GROUP_WEIGHERS
from tests.flow.deciding import decided, plugins, snapshot
from tests.flow.fleet import CONTEXT, SPEC, add_hosts, scheduler_on
from tests.hosts.fleets import Node, candidates, spec, uid
from tests.selection.test_properties import INSTANCES, fleets, requests

FLAVOR = Flavor(vcpus=1, memory_mb=1, root_gb=1)
FLEET = [
    Node(f"h{number}", {"VCPU": (9, 0), "MEMORY_MB": (9, number % 2), "DISK_GB": (9, 0)}, facts={"num_io_ops": number})
    for number in range(6)
]


def kept_and_read(record: DecisionRecord) -> DecisionRecord:
    """Return a record after a stay on disk."""
    return decoded(encoded(record, 64 << 20))


def plain(record: DecisionRecord) -> Any:
    return msgspec.json.decode(msgspec.json.encode(record))


WISHES = ("TopologySpreadWeigher", "PreferredTraitsWeigher")
multipliers = st.sampled_from((0.0, 1.0, -1.0, 0.1, 1e-9, 3.7e11))
weighings = st.builds(
    WeigherSettings,
    enabled_weighers=st.lists(st.sampled_from(WeigherSettings().enabled_weighers), unique=True, max_size=5).map(
        lambda names: tuple(dict.fromkeys((*names, *GROUP_WEIGHERS.values(), *WISHES)))
    ),
    weight_normalization=st.sampled_from(("nova", "bounded")),
    image_props_weight_setting=st.sampled_from(((), (("os_distro", 0.3),))),
    image_props_weight_multiplier=multipliers,
    ram_weight_multiplier=multipliers,
    cpu_weight_multiplier=multipliers,
    io_ops_weight_multiplier=multipliers,
)
sized = requests.map(lambda one: structs.replace(one, flavor=structs.replace(one.flavor, root_gb=1)))
wild = st.tuples(fleets(), sized)

# Of wild requests on wild fleets most end at once; these mostly go through, on hosts of which many tie.
rooms = st.sampled_from(({"VCPU": (3, 0)}, {"VCPU": (5, 2)}, {"VCPU": (9, 0)})).map(
    lambda room: {**room, "MEMORY_MB": (64, 3), "DISK_GB": (10, 0)}
)
loads = st.sampled_from(({}, {"num_io_ops": 3}, {"instances": INSTANCES[:2]}, {"enabled": False}))
roomy = st.lists(st.tuples(rooms, loads), min_size=2, max_size=9).map(
    lambda drawn: [Node(f"h{number}", room, facts=facts) for number, (room, facts) in enumerate(drawn)]
)
members = st.sampled_from(((), INSTANCES[:1]))
groups = st.builds(ServerGroup, policy=st.just("affinity"), members=members) | st.builds(
    ServerGroup, policy=st.just("anti-affinity"), members=members, max_server_per_host=st.integers(1, 2)
)
modest = st.builds(
    spec,
    flavor=st.sampled_from((FLAVOR, structs.replace(FLAVOR, extra_specs={"num_instances": "<= 1"}))),
    instance_group=st.none() | groups,
    ignore_hosts=st.sampled_from(((), (), ("h0", "h3"))),
)
tame = st.tuples(roomy, modest)
holders = st.dictionaries(st.sampled_from(("h0", "h1", "h2")), st.just(INSTANCES[:1]), max_size=2)
refusals = st.lists(st.sampled_from(("capacity_exceeded", "provider_conflict", "outcome_unknown")), max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    case=tame | tame | tame | wild,
    using=st.builds(plugins, st.integers(1, 3), weighings),
    instances=st.integers(1, 4),
    alternates=st.booleans(),
    seed=st.binary(min_size=32, max_size=32),
    refused=refusals,
    held=holders,
)
def test_every_decision_comes_out_the_same_from_its_record(
    case: tuple[list[Node], RequestSpec],
    using: Plugins,
    instances: int,
    alternates: bool,
    seed: bytes,
    refused: list[str],
    held: dict[str, tuple[UUID, ...]],
) -> None:
    nodes, request = case
    several = {"instances": instances, "alternates": alternates}
    record = decided(nodes, request, using, **several, seed=seed, refusals=refused, held=held)
    read = kept_and_read(record)
    assert plain(read) == plain(record)
    replayed = replay(read, using)
    assert (replayed.verdict, replayed.difference, replayed.changes) == ("identical", None, ())


@settings(max_examples=50, deadline=None)
@given(nodes=fleets(), request=sized)
def test_the_table_of_the_record_is_the_table_of_the_decision(nodes: list[Node], request: RequestSpec) -> None:
    """Every column, in the same order; so that the same arrays are added in the same order."""
    record = kept_and_read(decided(nodes, request, plugins()))
    if record.inputs is None or not any(record.inputs.rounds):
        return
    (inputs,) = record.inputs.rounds
    original, again = build_host_table(candidates(nodes), snapshot(nodes)), table_of(inputs)
    for name in ("num_instances", "num_io_ops", "free_ram_mb", "vcpus_used", "enabled", "up", "hypervisor_type"):
        assert original.column(name).tolist() == again.column(name).tolist(), name
    assert np.array_equal(original.column("last_seen_up"), again.column("last_seen_up"), equal_nan=True)
    assert original.names.tolist() == again.names.tolist()
    assert original.taken_at == again.taken_at
    assert somebody_is_somewhere(request, original) == somebody_is_somewhere(request, again)
    assert members_on(request, original).tolist() == members_on(request, again).tolist()


def test_only_hosts_that_matter_are_in_the_record() -> None:
    """A host that is not offered is, unless a member of the group is there: then it decides what affinity means."""
    member = INSTANCES[0]
    elsewhere = [Node("idle"), Node("home", facts={"instances": (member,)})]
    nodes = [*FLEET, *elsewhere]
    group = ServerGroup(policy="affinity", members=(member,))
    request = spec(flavor=FLAVOR, instance_group=group)
    record = decided(nodes, request, plugins(), offers=[candidates(FLEET)])
    (inputs,) = record.inputs.rounds
    assert {fact.name for fact in inputs.hosts.facts} == {*(node.name for node in FLEET), "home"}
    assert record.reason == "filtered_out"
    assert replay(kept_and_read(record), plugins()).verdict == "identical"


# What is changed in a record shows


def batch() -> DecisionRecord:
    """Return the record of three instances with alternates, decided in two rounds, on hosts that partly tie."""
    record = decided(
        FLEET,
        spec(flavor=FLAVOR),
        plugins(),
        instances=3,
        alternates=True,
        refusals=["capacity_exceeded"],
        offers=[candidates(FLEET), candidates(FLEET[:5])],
    )
    return kept_and_read(record)


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(tree, dict | list | tuple):
        steps = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for step, part in steps:
            yield from leaves(part, (*path, step))
    else:
        yield path, tree


def first_and_last_of_each_kind(places: Iterator[tuple[tuple[Any, ...], Any]]) -> list[tuple[tuple[Any, ...], Any]]:
    """Return the places that differ in more than their numbers, twice."""
    kinds: dict[tuple[Any, ...], list[Any]] = {}
    for path, value in places:
        kind = tuple(step for step in path if isinstance(step, str) and len(step) < 36)
        kinds.setdefault(kind, []).append((path, value))
    return [place for of_kind in kinds.values() for place in (of_kind[0], of_kind[-1])]


def changed(value: Any) -> Any:
    if isinstance(value, float):
        return float(np.nextafter(value, np.inf))
    if isinstance(value, int) and not isinstance(value, bool):
        return value + 1
    return str(uid("other")) if len(str(value)) == 36 else f"{value}x"


def replaced(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = replaced(tree[path[0]], path[1:], value)
    return copy


def test_any_value_of_the_decision_that_is_changed_is_noticed() -> None:
    """The last bit of a float, a count, a host, an amount, a digest: each by itself, where it is first and last."""
    record = batch()
    assert replay(record, plugins()).verdict == "identical"
    decision = {"rounds": plain(record)["rounds"]}
    places = first_and_last_of_each_kind(
        (path, value)
        for path, value in leaves(decision)
        if path[-1] not in ("answer", "verified_providers", "group_looks") and value is not None
    )
    assert len(places) > 30
    for path, value in places:
        forged = replaced(decision, path, changed(value))
        rounds = msgspec.convert(forged["rounds"], type=type(record).__annotations__["rounds"])
        replayed = replay(structs.replace(record, rounds=rounds), plugins())
        assert replayed.verdict == "different", path


def test_another_seed_is_noticed_even_where_it_changes_nothing() -> None:
    record = kept_and_read(decided(FLEET[:1], spec(flavor=FLAVOR), plugins()))
    assert replay(record, plugins()).verdict == "identical"
    replayed = replay(structs.replace(record, seed="00" * 32), plugins())
    assert replayed.difference.where == "rounds[0].instances[0].order"


def test_another_request_is_noticed() -> None:
    record = batch()
    request = structs.replace(record.inputs.request, ignore_hosts=("h1",))
    replayed = replay(structs.replace(record, inputs=structs.replace(record.inputs, request=request)), plugins())
    assert replayed.difference.where.startswith("rounds[0].instances[0].steps[1]")


@pytest.mark.parametrize("part", ["enabled", "num_io_ops"])
def test_another_fact_of_a_host_is_noticed(part: str) -> None:
    record = batch()
    first, *others = record.inputs.rounds
    fact, *facts = first.hosts.facts
    fact = structs.replace(fact, **{part: {"enabled": False, "num_io_ops": 77}[part]})
    first = structs.replace(first, hosts=structs.replace(first.hosts, facts=(fact, *facts)))
    forged = structs.replace(record, inputs=structs.replace(record.inputs, rounds=(first, *others)))
    assert replay(forged, plugins()).verdict == "different"


def test_the_sign_of_a_zero_is_a_bit() -> None:
    record = decided(FLEET, spec(flavor=FLAVOR), plugins(1, WeigherSettings(ram_weight_multiplier=0.0)))
    text = encoded(record, 64 << 20)
    assert b'"weighed":0.0' in text
    forged = decoded(text.replace(b'"weighed":0.0', b'"weighed":-0.0', 1))
    assert replay(forged, plugins(1, WeigherSettings(ram_weight_multiplier=0.0))).difference.recorded == "-0.0"


# Rounds after others of the group were found


def found_elsewhere(policy: Any) -> DecisionRecord:
    """Return a record whose first round met a member that nobody knew of, so that the second one knew."""
    group = ServerGroup(policy=policy, members=(uid("m"),))
    best = decided(FLEET, spec(flavor=FLAVOR), plugins()).rounds[0].instances[0].selected
    where = best if policy == "anti-affinity" else next(node.name for node in FLEET if node.name != best)
    request = spec(flavor=FLAVOR, instance_group=group)
    record = kept_and_read(decided(FLEET, request, plugins(), alternates=True, held={where: [uid("m")]}))
    assert [one.answer for one in record.rounds] == ["group_changed", "reserved"]
    assert (record.rounds[-1].instances[0].selected == where) is (policy == "affinity")
    return record


@pytest.mark.parametrize(("policy", "looks"), [("anti-affinity", [1, 1]), ("affinity", [2, 1])])
def test_a_round_is_decided_again_with_the_group_as_it_was_known_then(policy: Any, looks: list[int]) -> None:
    record = found_elsewhere(policy)
    assert [one.group_looks for one in record.rounds] == looks
    assert record.inputs.rounds[0].instance_group is None
    assert replay(record, plugins()).verdict == "identical"


def test_the_facts_of_a_host_where_the_group_was_found_are_kept() -> None:
    """It is not offered, being full, and what domain it is in can matter."""
    nodes = [*FLEET, Node("full", {"VCPU": (1, 1)})]
    hosts = build_host_table(candidates(nodes, [{"h0": {"VCPU": 1}}]), snapshot(nodes))
    learnt = ServerGroup(policy="affinity", hosts=("full",))
    given = inputs_of(candidates(nodes), hosts, spec(flavor=FLAVOR), [], learnt)
    assert [fact.name for fact in given.hosts.facts] == ["h0", "full"]
    assert given.instance_group is learnt


@pytest.mark.parametrize("policy", ["anti-affinity", "affinity"])
def test_another_group_in_a_later_round_is_noticed(policy: Any) -> None:
    record = found_elsewhere(policy)
    first, second = record.inputs.rounds
    forged = structs.replace(record.inputs, rounds=(first, structs.replace(second, instance_group=None)))
    assert replay(structs.replace(record, inputs=forged), plugins()).difference.where.startswith("rounds[1]")


# Other plugins than then


def test_a_filter_that_is_gone_is_told_as_such() -> None:
    record = batch()
    fewer = plugins(1, WeigherSettings(), "ComputeFilter", "ImagePropertiesFilter")
    replayed = replay(record, fewer)
    assert replayed.verdict == "different"
    assert replayed.difference.where == "rounds[0].instances[0].steps[2].name"
    assert [change.where for change in replayed.changes] == [
        "rules.filters.enabled_filters[1]",
        "rules.filters.enabled_filters",
    ]


def test_another_multiplier_is_told_as_such() -> None:
    replayed = replay(batch(), plugins(1, WeigherSettings(cpu_weight_multiplier=2.0)))
    assert replayed.verdict == "different"
    assert [(one.where, one.recorded, one.found) for one in replayed.changes] == [
        ("rules.weighers.cpu_weight_multiplier", "1.0", "2.0")
    ]


def test_metrics_are_part_of_the_rules() -> None:
    room = {"VCPU": (9, 0), "MEMORY_MB": (9, 0), "DISK_GB": (9, 0)}
    nodes = [Node(f"h{number}", room, facts={"metrics": {"load": number / 3}}) for number in range(4)]
    using, other = (plugins_of(Rules(metrics=MetricsSettings((("load", ratio),)))) for ratio in (-1.0, 1.0))
    record = kept_and_read(decided(nodes, spec(flavor=FLAVOR), using, instances=2))
    assert replay(record, using).verdict == "identical"
    assert record.rounds[0].instances[0].selected == "h0"
    assert decided(nodes, spec(flavor=FLAVOR), other).rounds[0].instances[0].selected == "h3"
    assert replay(record, plugins_of(record.inputs.rules)).verdict == "identical"
    assert [change.where for change in replay(record, other).changes] == ["rules.metrics.weight_setting[0][1]"]


def test_the_facts_that_a_spread_counts_by_are_in_the_record() -> None:
    """Members on a full host of a rack, known by their UUID or because the group names the host."""
    racks = [AggregateFact(uuid=uid(rack), name=rack, metadata={"rack": rack}) for rack in ("r1", "r2")]
    room = {"VCPU": (9, 0), "MEMORY_MB": (9, 0), "DISK_GB": (9, 0)}
    nodes = [
        Node("a", room, facts={"aggregates": (uid("r1"),)}),
        Node("b", room, facts={"aggregates": (uid("r2"),)}),
        Node("named", room, facts={"aggregates": (uid("r1"),)}),
        Node("held", room, facts={"aggregates": (uid("r2"),), "instances": (uid("m"),)}),
    ]
    group = ServerGroup(policy="soft-affinity", members=(uid("m"),), hosts=("named", "named"))
    asked = spec(flavor=FLAVOR, instance_group=group, topology_spread=(TopologySpread(key="rack"),))
    using = plugins(1, WeigherSettings(), "TopologySpreadFilter")
    offered = [candidates(nodes, [{name: {"VCPU": 1, "DISK_GB": 1, "MEMORY_MB": 1}} for name in ("a", "b")])]
    record = kept_and_read(decided(nodes, asked, using, offers=offered, aggregates=racks))
    assert record.rounds[0].instances[0].selected == "b"
    assert record.rounds[0].instances[0].steps[-1].removed == 1
    replayed = replay(record, using)
    assert (replayed.verdict, replayed.difference) == ("identical", None)


def test_another_version_is_told_although_the_decision_is_the_same() -> None:
    record, using = batch(), plugins()
    rules = structs.replace(using.rules, versions={**using.rules.versions, "numpy": "0.1"})
    replayed = replay(record, Plugins(using.filters, using.weighers, using.order, rules))
    assert replayed.verdict == "identical"
    assert [(one.where, one.found) for one in replayed.changes] == [("rules.versions.numpy", "'0.1'")]


class Moody:
    """A filter out of the tree that fails for the second instance, or not."""

    name = "Moody"
    reason = "moody"
    run_filter_once_per_request = False

    def __init__(self, failure: type[BaseException] | None = ZeroDivisionError) -> None:
        self._failure = failure

    def passes(self, request: RequestSpec, hosts: Any) -> Any:
        if self._failure and request.instance_uuid == uid("new1"):
            raise self._failure
        return np.ones(len(hosts), dtype=np.bool_)


def test_a_plugin_that_failed_then_fails_again() -> None:
    using = Plugins((Moody(),), plugins().weighers, plugins().order)
    record = kept_and_read(decided(FLEET, spec(flavor=FLAVOR), using, instances=3))
    assert (record.rounds[0].answer, len(record.rounds[0].instances)) == (PluginFailed.code, 1)
    assert replay(record, using).verdict == "identical"
    assert replay(record, plugins()).verdict == "different"


def test_a_decision_that_was_interrupted_is_compared_as_far_as_it_got() -> None:
    interrupted, patient = (
        Plugins((Moody(failure),), plugins().weighers, plugins().order) for failure in (KeyboardInterrupt, None)
    )
    record = kept_and_read(decided(FLEET, spec(flavor=FLAVOR), interrupted, instances=3))
    assert (record.outcome, len(record.rounds[0].instances)) == ("interrupted", 1)
    assert replay(record, patient).verdict == "identical"
    assert replay(structs.replace(record, seed="00" * 32), patient).verdict == "different"


# What cannot be replayed is said to be


def test_a_record_without_inputs_says_why_it_cannot_be_replayed() -> None:
    record = batch()
    small = decoded(encoded(record, len(encoded(record, 64 << 20)) - 1))
    assert (small.inputs, small.left_out) == (None, "inputs")
    replayed = replay(small, plugins())
    assert (replayed.verdict, replayed.difference) == ("impossible", None)
    assert "too large" in replayed.problem


def test_a_record_of_an_older_version_is_readable_and_says_that_it_holds_no_inputs() -> None:
    old = msgspec.json.decode(msgspec.json.encode(batch()))
    for name in ("inputs", "left_out", "user_id"):
        del old[name]
    for decision in itertools.chain.from_iterable(one["instances"] for one in old["rounds"]):
        del decision["order"], decision["allocation"]
    record = decoded(msgspec.json.encode(old))
    assert record.rounds[0].instances[0].selected
    assert "older version" in replay(record, plugins()).problem


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": "yes"}, "seed"),
        ({"rounds": ()}, "as many inputs as rounds"),
    ],
)
def test_a_record_that_contradicts_itself_is_not_replayed(changes: dict[str, Any], words: str) -> None:
    assert words in replay(structs.replace(batch(), **changes), plugins()).problem


def test_a_round_whose_inputs_are_missing_is_named() -> None:
    record = batch()
    inputs = structs.replace(record.inputs, rounds=(record.inputs.rounds[0], None))
    assert "round 2" in replay(structs.replace(record, inputs=inputs), plugins()).problem


def test_a_request_in_which_nothing_was_decided_is_identical() -> None:
    nothing = candidates([])
    record = kept_and_read(decided(FLEET, spec(flavor=FLAVOR), plugins(), offers=[nothing]))
    assert record.reason == "no_candidates"
    assert replay(record, plugins()).verdict == "identical"


# The same through real and mock Placement


@pytest.fixture
def kept() -> list[DecisionRecord]:
    return []


def all_identical(kept: list[DecisionRecord], using: Plugins) -> bool:
    return bool(kept) and all(replay(kept_and_read(record), using).verdict == "identical" for record in kept)


def test_rounds_after_a_refusal_on_the_real_placement_replay(kept: list[DecisionRecord]) -> None:
    with RealPlacement() as real:
        client = real.client(wrap=lambda adapter: adapter)
        hosts = add_hosts(client, 3, vcpus=2)

        def steal(request: Any, forward: Any) -> Any:
            planned = next(host for host in hosts if str(host) in request.body.decode())
            body = {planned: Resources({"VCPU": 1})}
            client.put_allocations(uuid4(), ConsumerWrite(body, project_id="foreign", user_id="foreigner"))
            return forward()

        with scheduler_on(real, observers=(kept.append,)) as scheduler:
            scheduler.placement.negotiate()
            scheduler.hosts.snapshot()
            real.faults.play(faults.on_call(2, steal))
            scheduler.select_destinations(CONTEXT, SPEC, [uuid4(), uuid4()], return_alternates=True)
            with pytest.raises(NoValidHost):
                scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
            assert [one.answer for one in kept[0].rounds] == ["capacity_exceeded", "reserved"]
            assert all_identical(kept, scheduler.plugins)


@pytest.mark.parametrize("policy", ["affinity", "anti-affinity"])
def test_groups_with_alternates_on_the_real_placement_replay(policy: Any, kept: list[DecisionRecord]) -> None:
    with RealPlacement() as real:
        add_hosts(real.client(wrap=lambda adapter: adapter), 6)
        group = ServerGroup(policy=policy, members=(uuid4(),))
        with scheduler_on(real, observers=(kept.append,)) as scheduler:
            asked = structs.replace(SPEC, instance_group=group)
            scheduler.select_destinations(CONTEXT, asked, [uuid4() for _ in range(3)], return_alternates=True)
            (record,) = kept
            chosen = {decision.selected for decision in record.rounds[0].instances}
            assert (len(chosen), len(record.rounds[0].alternates)) == ((1, 0) if policy == "affinity" else (3, 2))
            assert all_identical(kept, scheduler.plugins)


def test_what_placement_holds_is_what_the_record_says_was_taken(kept: list[DecisionRecord]) -> None:
    with RealPlacement() as real:
        client = real.client(wrap=lambda adapter: adapter)
        add_hosts(client, 3)
        instances = [uuid4(), uuid4()]
        with scheduler_on(real, observers=(kept.append,)) as scheduler:
            scheduler.select_destinations(CONTEXT, SPEC, instances)
        for decision in kept[0].rounds[0].instances:
            taken = {uuid: dict(held.resources) for uuid, held in decision.allocation.allocations.items()}
            assert client.get_allocations(decision.instance_uuid).amounts() == taken


def test_a_record_from_the_store_of_a_scheduler_on_the_mock_replays(tmp_path: Any) -> None:
    mock = MockPlacement()
    add_hosts(mock.client(), 4)
    ini = tmp_path / "scheduler.ini"
    ini.write_text(f"{mock.ini()}\n[journal]\nconnection = memory://\n[explain]\nrecord_dir = {tmp_path / 'records'}\n")
    with build(load_config(str(ini)), http_adapter=mock.faults) as scheduler:
        scheduler.select_destinations(CONTEXT, SPEC, [uuid4(), uuid4()])
        assert replay(scheduler.record(), scheduler.plugins).verdict == "identical"
