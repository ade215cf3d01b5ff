"""What the steps of a decision cost, each with fresh input in every round, so that nothing is remembered."""

from collections.abc import Callable
from uuid import UUID

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.speed import fleet, ours

ROUNDS = 15
BATCH = [UUID(one) for one in fleet.instances(0, 100)]


@pytest.fixture(scope="module", params=[100, 1_000, 10_000])
def side(request: pytest.FixtureRequest) -> ours.Ours:
    """Return our side over fleets of several sizes."""
    return ours.Ours(request.param)


def measure(benchmark: BenchmarkFixture, work: Callable[..., object], made: Callable[[], tuple[object, ...]]) -> None:
    """Measure some work on arguments that are made anew, untimed, for each round."""
    pedantic: Callable[..., object] = benchmark.pedantic
    pedantic(work, setup=lambda: (made(), {}), rounds=ROUNDS, warmup_rounds=0)


def test_decode(benchmark: BenchmarkFixture, side: ours.Ours) -> None:
    """From the bytes of an answer to its values."""
    measure(benchmark, ours.decoded, lambda: (side.body,))


def test_table(benchmark: BenchmarkFixture, side: ours.Ours) -> None:
    """From the values of an answer to the host table."""
    measure(benchmark, side.joined, lambda: (ours.decoded(side.body),))


def test_rank(benchmark: BenchmarkFixture, side: ours.Ours) -> None:
    """From a host table to the order of the hosts for one instance."""
    measure(benchmark, ours.rank, lambda: (side.table(),))


def test_batch(benchmark: BenchmarkFixture, side: ours.Ours) -> None:
    """From a host table to where a hundred instances go."""
    measure(benchmark, ours.plan, lambda: (side.table(), BATCH))


def test_bodies(benchmark: BenchmarkFixture) -> None:
    """From a plan for a hundred instances to the two bodies that claim it."""
    plan = ours.plan(ours.Ours(1_000).table(), BATCH)
    measure(benchmark, ours.bodies, lambda: (plan,))
