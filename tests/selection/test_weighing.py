"""Nova's normalisation."""

from math import inf

import numpy as np
import pytest

from scheduler.errors import PluginFailed
from scheduler.model import ServerGroup
from scheduler.selection.weighing import limits_of, panel_of, stretched, weigh_hosts
from scheduler.settings import WeigherSettings
from scheduler.weighers import Weighed, load_weighers
from tests.hosts.fleets import Node, spec, table


@pytest.mark.parametrize(
    ("scores", "minval", "maxval", "normalized"),
    [
        ([1, 2, 3], -inf, inf, [0, 0.5, 1]),
        ([1, 2, 3], 0, inf, [1 / 3, 2 / 3, 1]),
        ([-1, 2, 4], 0, inf, [0, 0.5, 1]),
        ([1, 2, 30], 0, 4, [0.25, 0.5, 1]),
        ([-3, 1, 2], -inf, 1, [0, 1, 1]),
        ([5, 5], -inf, inf, [0, 0]),
        ([5, 5], 0, inf, [1, 1]),
        ([0, 0], 0, inf, [0, 0]),
        ([-2, -1], 0, inf, [0, 0]),
        ([7], -inf, inf, [0]),
        ([7], 0, inf, [1]),
        ([], 0, inf, []),
    ],
)
def test_scores_are_stretched_between_the_bounds_or_extremes(
    scores: list[float], minval: float, maxval: float, normalized: list[float]
) -> None:
    given = np.array([scores], dtype=float)
    limits = limits_of(given, (np.array([[minval]]), np.array([[maxval]])))
    assert stretched(given, limits)[0].tolist() == pytest.approx(normalized)


class Fixed:
    """A weigher with given scores."""

    def __init__(self, name: str, *scores: float) -> None:
        self.name = name
        self._scores = np.array(scores, dtype=float)

    def score(self, request: object, hosts: object) -> np.ndarray:
        return self._scores


def test_the_total_is_the_sum_of_the_multiplied_normalised_scores() -> None:
    hosts = table(Node("a"), Node("b"), Node("c"))
    weighers = (Weighed(Fixed("up", 0, 5, 10), 2.0), Weighed(Fixed("down", 0, 1, 4), -1.0))
    weights = weigh_hosts(weighers, spec(), hosts)
    assert weights.raw.tolist() == [[0, 5, 10], [0, 1, 4]]
    assert weights.normalized.tolist() == [[0, 0.5, 1], [0, 0.25, 1]]
    assert weights.weighed.tolist() == [[0, 1, 2], [0, -0.25, -1]]
    assert weights.total.tolist() == [0, 0.75, 1]


def test_without_weighers_all_hosts_are_equal() -> None:
    assert weigh_hosts((), spec(), table(Node("a"), Node("b"))).total.tolist() == [0, 0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("scores", [(-1e308, 1e308), (1, 2)])
def test_weights_that_are_no_numbers_stop_the_request(scores: tuple[float, float]) -> None:
    """NaN and infinity have no place in an order, nor in the JSON of a decision record."""
    weighers = (Weighed(Fixed("One", *scores), 1e308), Weighed(Fixed("Two", *scores), 1e308))
    with pytest.raises(PluginFailed) as caught:
        weigh_hosts(weighers, spec(), table(Node("a"), Node("b")))
    assert (caught.value.plugin, caught.value.problem) == ("One, Two", "the weights are too large to be added")


def test_what_weighers_are_is_found_once_for_those_that_a_request_concerns() -> None:
    weighers = load_weighers(WeigherSettings())
    first, again = panel_of(weighers, spec()), panel_of(weighers, spec())
    grouped = panel_of(weighers, spec(instance_group=ServerGroup(policy="soft-affinity")))
    assert again is first
    assert set(grouped.names) - set(first.names) == {"ServerGroupSoftAffinityWeigher"}
    assert panel_of(load_weighers(WeigherSettings(cpu_weight_multiplier=7.0)), spec()).factors.max() == 7.0
