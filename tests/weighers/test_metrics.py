"""Metrics of hosts: sums of what is measured, and what becomes of a host that lacks something."""

from typing import Any

import pytest

from scheduler.errors import PluginFailed
from scheduler.hosts import HostTable
from scheduler.model import AggregateFact
from scheduler.selection import weigh_hosts
from scheduler.settings import MetricsSettings, WeigherSettings
from scheduler.weighers import load_weighers
from scheduler.weighers.measured import ComputeHostMetricNotFound, MetricsWeigher
from tests.hosts.fleets import Node, row_of, spec, table, uid

BOTH = (("heat", 2.0), ("load", -1.0))


def fleet(*metrics: dict[str, float], **aggregate: Any) -> HostTable:
    facts = [{"metrics": one, "aggregates": (uid("agg"),) if number == 0 else ()} for number, one in enumerate(metrics)]
    aggregates = [AggregateFact(uuid=uid("agg"), name="agg", metadata=aggregate)]
    return table(*(Node(f"h{number}", facts=fact) for number, fact in enumerate(facts)), aggregates=aggregates)


def scores(hosts: HostTable, setting: Any = BOTH, **settings: Any) -> list[float]:
    found = MetricsWeigher(MetricsSettings(weight_setting=setting, **settings)).score(spec(), hosts)
    return [found[row_of(hosts, f"h{number}")] for number in range(len(hosts))]


def test_metrics_are_added_up_by_their_ratios() -> None:
    hosts = fleet({"heat": 10, "load": 1}, {"heat": 0, "load": 5, "other": 9})
    assert scores(hosts) == [19, -5]
    assert scores(hosts, ()) == [0, 0]


def test_a_metric_that_is_required_and_missing_fails_the_request_and_names_itself_by_its_type() -> None:
    hosts = fleet({"heat": 10, "load": 1}, {"heat": 0})
    with pytest.raises(ComputeHostMetricNotFound):
        scores(hosts)
    with pytest.raises(ComputeHostMetricNotFound):
        scores(hosts, (("load", 0.0),))
    weighers = load_weighers(WeigherSettings(enabled_weighers=("MetricsWeigher",)), MetricsSettings(BOTH))
    with pytest.raises(PluginFailed) as caught:
        weigh_hosts(weighers, spec(), hosts)
    assert caught.value.problem == "ComputeHostMetricNotFound"


def test_a_host_that_lacks_a_metric_which_is_not_required_is_weighed_as_unavailable() -> None:
    hosts = fleet({"heat": 10}, {"load": 1, "heat": 3}, {})
    assert scores(hosts, required=False) == [-10000, 5, -10000]
    assert scores(hosts, required=False, weight_of_unavailable=7.0) == [7, 5, 7]


def test_a_missing_metric_that_would_not_count_is_passed_over() -> None:
    """Nova asks for the product of ratio and multiplier, the latter that of the host's aggregates."""
    hosts = fleet({"heat": 10}, {"heat": 1}, metrics_weight_multiplier="0")
    assert scores(hosts, (("heat", 2.0), ("load", 0.0)), required=False) == [20, 2]
    assert scores(hosts, required=False) == [20, -10000]
    assert scores(hosts, required=False, weight_multiplier=0.0) == [20, 2]
