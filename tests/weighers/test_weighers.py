"""The built-in weighers: what they count."""

from typing import Any

import pytest

from scheduler.weighers.free_resources import CPUWeigher, DiskWeigher, RAMWeigher
from scheduler.weighers.load import IoOpsWeigher, NumInstancesWeigher
from tests.hosts.fleets import Node, row_of, spec, table, uid

HOSTS = table(
    Node(
        "a",
        {"VCPU": (16, 3), "MEMORY_MB": (4096, 96), "DISK_GB": (100, 30)},
        facts={"num_io_ops": 4, "instances": (uid("x"), uid("y"))},
    ),
    Node("over", {"VCPU": (4, 6), "MEMORY_MB": (1, 0), "DISK_GB": (1, 0)}),
    requests=[{"a": {"VCPU": 2, "MEMORY_MB": 1000, "DISK_GB": 7}}, {"over": {"MEMORY_MB": 1}}],
)
A = row_of(HOSTS, "a")


@pytest.mark.parametrize(
    ("weigher", "before", "after"),
    [
        (RAMWeigher(), 4000, 3000),
        (CPUWeigher(), 13, 11),
        (DiskWeigher(), 70, 63),
        (IoOpsWeigher(), 4, 5),
        (NumInstancesWeigher(), 2, 3),
    ],
)
def test_a_weigher_counts_and_sees_those_placed_before(weigher: Any, before: float, after: float) -> None:
    placed = HOSTS.with_claim(A, int(HOSTS.fitting(A)[0]), uid("new"))
    assert weigher.score(spec(), HOSTS)[A] == before
    assert weigher.score(spec(), placed)[A] == after
    assert weigher.score(spec(), HOSTS).dtype == float


def test_bounds_are_novas() -> None:
    """Less than nothing left counts as nothing; instances have no bound."""
    bounded = [RAMWeigher, CPUWeigher, DiskWeigher, IoOpsWeigher]
    assert [weigher.minval for weigher in bounded] == [0, 0, 0, 0]
    assert not hasattr(NumInstancesWeigher, "minval")
    assert CPUWeigher().score(spec(), HOSTS)[row_of(HOSTS, "over")] == -2
