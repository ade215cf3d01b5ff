"""Aggregates override multipliers, each for its hosts."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.hosts import HostTable
from scheduler.model import AggregateFact
from scheduler.selection import weigh_hosts
from scheduler.settings import MetricsSettings, WeigherSettings
from scheduler.weighers import load_weighers, multipliers
from tests.hosts.fleets import Node, row_of, spec, table, uid

KEY = "ram_weight_multiplier"


def fleet(*of_hosts: tuple[str, ...], key: str = KEY, **facts: Any) -> HostTable:
    """Return hosts h0, h1, ... each in one aggregate for each of these values, and a host without facts."""
    values = sorted({value for values in of_hosts for value in values})
    aggregates = [AggregateFact(uuid=uid(f"agg{value}"), name=value, metadata={key: value}) for value in values]
    nodes = [
        Node(f"h{number}", facts={"aggregates": tuple(uid(f"agg{value}") for value in values), **facts})
        for number, values in enumerate(of_hosts)
    ]
    return table(*nodes, Node("stranger", known=False), aggregates=aggregates)


def of(hosts: HostTable, key: str = KEY, configured: float = 1.5) -> list[float]:
    found = np.broadcast_to(multipliers(hosts, key, configured), len(hosts))
    return [found[row_of(hosts, name)] for name in sorted(set(hosts.names) - {str(uid("stranger"))})]


def test_the_lowest_value_of_the_aggregates_of_a_host_holds() -> None:
    """Among negative ones, too, where it is the strongest; Nova does the same."""
    assert of(fleet(("2",), ("3.5", "2"), (), ("-1", "-4"), ("-1", "7"))) == [2, 2, 1.5, -4, -1]


def test_a_host_without_facts_and_a_weigher_without_key_have_what_is_configured() -> None:
    hosts = fleet(("2",))
    assert np.broadcast_to(multipliers(hosts, KEY, 1.5), len(hosts))[row_of(hosts, str(uid("stranger")))] == 1.5
    assert of(hosts, "") == [1.5]
    assert of(hosts, "cpu_weight_multiplier") == [1.5]


@pytest.mark.parametrize("value", ["", "heavy", "nan", "inf", "-inf", "1e101", "1,5", "0x10"])
def test_what_is_no_number_leaves_the_host_with_what_is_configured(value: str) -> None:
    """Also where another aggregate of the host has one; hosts of other aggregates are not concerned."""
    assert of(fleet((value,), (value, "3"), ("3",))) == [1.5, 1.5, 3]


def test_blanks_and_exponents_are_numbers() -> None:
    assert of(fleet((" 2 ",), ("1e2",), ("-0",))) == [2, 100, 0]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(["1", "-2", "0.5", "x", "1e9"]), unique=True, max_size=3), min_size=1, max_size=5)
)
def test_each_host_has_what_a_loop_over_its_aggregates_gives(of_hosts: list[list[str]]) -> None:
    def plain(values: list[str]) -> float:
        return 1.5 if "x" in values or not values else min(map(float, values))

    assert of(fleet(*map(tuple, of_hosts))) == list(map(plain, of_hosts))


def test_every_weigher_takes_the_override_of_its_option() -> None:
    """The key is the name of the option, for the metrics with the section before it."""
    for one in load_weighers(WeigherSettings(), MetricsSettings()):
        hosts = fleet(("12345",), key=one.key)
        assert of(hosts, one.key) == [12345], one.weigher.name
        assert one.key.endswith("_weight_multiplier")


def test_an_override_reaches_the_weights_of_its_hosts_alone_and_may_pass_the_bounds_of_the_option() -> None:
    weighers = load_weighers(WeigherSettings(enabled_weighers=("PCIWeigher",)))
    hosts = fleet(("-2",), (), ("2",), key="pci_weight_multiplier")
    weights = weigh_hosts(weighers, spec(), hosts.take(hosts.fact_rows.argsort()[1:]))
    assert weights.total.tolist() == [0, 0, 0]  # all alike
    busy = table(
        Node("a", facts={"aggregates": (uid("agg"),)}),
        Node("b", facts={"aggregates": (uid("agg"),), "free_pci_devices": 50}),
        Node("c"),
        aggregates=[AggregateFact(uuid=uid("agg"), name="agg", metadata={"pci_weight_multiplier": "-2"})],
    )
    found = weigh_hosts(weighers, spec(), busy).total
    assert {busy.names[row]: found[row] for row in range(3)} == {"a": -2, "b": 0, "c": 1}


def test_the_sign_of_build_failures_is_turned_for_overrides_too() -> None:
    weighers = load_weighers(WeigherSettings(enabled_weighers=("BuildFailureWeigher",)))
    aggregate = AggregateFact(uuid=uid("agg"), name="agg", metadata={"build_failure_weight_multiplier": "3"})
    hosts = table(
        Node("a", facts={"failed_builds": 2, "aggregates": (uid("agg"),)}),
        Node("b", facts={"failed_builds": 1}),
        Node("c"),
        aggregates=[aggregate],
    )
    found = weigh_hosts(weighers, spec(), hosts).total
    assert {hosts.names[row]: found[row] for row in range(3)} == {"a": -3, "b": -500000, "c": 0}
