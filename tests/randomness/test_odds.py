"""What docs/randomness.md says of the probability of meeting a given host is what is measured."""

import math
from fractions import Fraction

import numpy as np
import pytest

from scheduler.randomness import RandomStream, SystemRandomSource
from scheduler.selection.ordering import order_hosts
from scheduler.settings import OrderSettings
from tests.architecture.source import ROOT
from tests.randomness.draws import scripted_entropy

HOSTS = 100
REQUESTS = 2_000
PAGE = (ROOT / "docs" / "randomness.md").read_text()
ROWS = [tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in PAGE.splitlines() if line.startswith("| ")]
ODDS = [row for row in ROWS if len(row) == 6 and row[0].isdigit()]


def measured(ties: int, settings: OrderSettings) -> float:
    """Return how often the first host of the fleet is taken, among the best of which so many tie."""
    weights = np.concatenate((np.full(ties, 1000.0), np.arange(HOSTS - ties, 0, -1)))
    source = SystemRandomSource(scripted_entropy("odds"))
    seeds = (source.seed(f"req-{number}") for number in range(REQUESTS))
    return sum(int(order_hosts(weights, RandomStream(seed), settings)[0]) == 0 for seed in seeds) / REQUESTS


@pytest.mark.parametrize("row", ODDS, ids=" ".join)
def test_the_page_states_what_is_measured(row):
    ties, subset, shuffle = int(row[0]), int(row[1]), row[2] == "on"
    found = measured(ties, OrderSettings(host_subset_size=subset, shuffle_best_same_weighed_hosts=shuffle))
    expected = 1 / max(ties if shuffle else 1, subset)
    assert abs(found - expected) <= 4 * math.sqrt(expected * (1 - expected) / REQUESTS)
    assert float(Fraction(row[3])) == expected
    assert row[4] == f"{found:.4f}"
    assert int(row[5]) == (math.ceil(math.log(0.5) / math.log(1 - expected)) if expected < 1 else 1)


def test_the_page_has_the_table():
    assert len(ODDS) >= 9
