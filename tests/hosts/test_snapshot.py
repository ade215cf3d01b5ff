"""Facts and snapshots: which provider a fact is about, what it says, and how often it is looked at."""

import pytest

from scheduler.hosts import snapshot_of
from scheduler.model import AggregateFact, HostFact
from tests.hosts.fleets import uid


def test_a_fact_without_uuid_is_matched_by_node_then_by_host_name() -> None:
    facts = [HostFact(name="h1", node="n1"), HostFact(name="h2", node="n2"), HostFact(name="h3")]
    snapshot = snapshot_of(facts, provider_names={uid("a"): "n1", uid("b"): "h2"})
    assert snapshot.provider_uuids == (uid("a"), uid("b"), None)
    assert dict(snapshot.rows_by_int) == {uid("a").int: 0, uid("b").int: 1}


def test_host_names_are_compared_exactly_unless_told_otherwise() -> None:
    """Nova compares forced hosts without case, requested ones and all nodes exactly."""
    facts = [
        HostFact(name="Cmp", node="n1", provider_uuid=uid("a")),
        HostFact(name="cmp", node="N1", provider_uuid=uid("b")),
        HostFact(name="cmp", node="n3"),
    ]
    snapshot = snapshot_of(facts)
    assert snapshot.providers_of("cmp", None) == (uid("b"),)
    assert snapshot.providers_of("CMP", None, ignore_case=True) == (uid("a"), uid("b"))
    assert snapshot.providers_of(None, "N1", ignore_case=True) == (uid("b"),)
    assert snapshot.providers_of("cmp", "n1") == ()
    assert snapshot.providers_of("CMP", "n1", ignore_case=True) == (uid("a"),)
    assert snapshot.providers_of("nobody", None) == ()
    assert snapshot.providers_of(None, None) == (uid("a"), uid("b"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("hypervisor_type",), "QEMU"),
        (("hypervisor_hostname",), "n1"),
        (("cpu_info", "topology", "cores"), 8),
        (("ssd",), "true"),
        (("blob", "a", "b"), "deep"),
        (("stats", "ssd"), "true"),
        (("cpu_info", "nothing"), None),
        (("ssd", "deeper"), None),
        (("instances",), None),
        (("provider_uuid",), None),
    ],
)
def test_a_capability_is_an_attribute_or_a_stat_and_keys_into_it(path: tuple[str, ...], value: object) -> None:
    fact = HostFact(
        name="h1",
        node="n1",
        hypervisor_type="QEMU",
        cpu_info={"topology": {"cores": 8}},
        stats={"ssd": "true", "blob": '{"a": {"b": "deep"}}'},
    )
    assert fact.capability(path) == value


def test_json_that_is_too_deep_is_a_missing_capability() -> None:
    fact = HostFact(name="h1", stats={"blob": "[" * 100_000})
    assert fact.capability(("blob", "a")) is None


def test_distinct_values_are_found_once_a_snapshot() -> None:
    facts = [HostFact(name=f"h{i}", hypervisor_type="QEMU" if i % 2 else "xen") for i in range(6)]
    snapshot = snapshot_of(facts)
    codes, values = snapshot.distinct(("hypervisor_type",))
    assert values == ("xen", "QEMU", None)
    assert codes.tolist() == [0, 1, 0, 1, 0, 1, 2]
    assert snapshot.distinct(("hypervisor_type",))[0] is codes


def test_many_paths_do_not_fill_the_memory() -> None:
    snapshot = snapshot_of([HostFact(name="h1")])
    for number in range(1000):
        snapshot.distinct((f"key{number}",))
    assert len(snapshot._memo) <= 256


def test_a_snapshot_looked_at_later_shares_what_was_derived() -> None:
    snapshot = snapshot_of([HostFact(name="h1", last_seen_up=5.0)])
    later = snapshot.at(100.0)
    assert (snapshot.taken_at, later.taken_at) == (0.0, 100.0)
    assert later.columns is snapshot.columns
    assert later.at(200.0).columns is snapshot.columns


def test_an_instance_that_moves_is_on_two_rows() -> None:
    facts = [HostFact(name="h1", instances=(uid("i"),)), HostFact(name="h2", instances=(uid("i"), uid("j")))]
    assert [snapshot_of(facts).rows_of_instance(uid(name)) for name in "ijk"] == [(0, 1), (1,), ()]


def test_the_metadata_of_a_host_is_what_its_aggregates_say_together() -> None:
    ssd, big, other = (
        AggregateFact(uuid=uid("ssd"), name="ssd", metadata={"disk": "ssd,nvme", "zone": "a"}),
        AggregateFact(uuid=uid("big"), name="big", metadata={"disk": "large"}),
        AggregateFact(uuid=uid("other"), name="other", metadata={"far": "1"}),
    )
    facts = (
        HostFact(name="a", aggregates=(ssd.uuid, big.uuid)),
        HostFact(name="b", aggregates=(big.uuid,)),
        HostFact(name="c", aggregates=(uid("unknown"),)),
    )
    snapshot = snapshot_of(facts, aggregates=(ssd, big, other))
    codes, sets = snapshot.aggregate_values("disk")
    assert [sets[code] for code in codes] == [{"ssd,nvme", "large"}, {"large"}, frozenset(), frozenset()]
    assert snapshot.aggregate_values("disk")[0] is codes
    assert snapshot.aggregate_values("nowhere")[1] == (frozenset(),)
    assert snapshot.aggregate_keys == {"disk", "zone", "far"}
