"""The benchmark of bursts measures what it says, and the decision says what it found."""

from collections.abc import Iterator

import pytest

from benchmarks.burst import results
from benchmarks.burst.burst import Counting, Figure, Side, burst
from benchmarks.burst.stage import add_host
from benchmarks.results import ROOT
from placement_client.testing import RealPlacement
from tests.flow.fleet import holders, scheduler_on
from tests.flow.test_shared_candidates import SlowClock

REQUESTS, THREADS = 24, 16


@pytest.fixture
def real() -> Iterator[RealPlacement]:
    with RealPlacement() as server:
        yield server


@pytest.mark.parametrize("window_ms", [0, 5000])
def test_a_burst_is_counted(real: RealPlacement, window_ms: int) -> None:
    """The slice of the benchmark that needs no quiet machine: questions and refusals, not seconds."""
    hosts, counting = [add_host(real.client(), number) for number in range(6)], Counting()
    ini = f"[scheduler]\ncandidate_window_ms = {window_ms}\n"
    with scheduler_on(real, ini, observers=(counting,), clock=SlowClock()) as scheduler:
        figure, placed = burst(Side(window_ms, scheduler, real.faults, counting), REQUESTS, THREADS)
    assert figure.placed == REQUESTS
    assert figure.queries == (1 if window_ms else figure.rounds)
    assert figure.rounds == REQUESTS + figure.refused
    assert not window_ms or (figure.refused, figure.busiest) == (0, REQUESTS / len(hosts))
    assert set(holders(real.client(), hosts)) == set(map(str, placed))


def figure_of(window_ms: int, wall_s: float, queries: int, refused: int) -> Figure:
    counts = {"requests": 1, "threads": 1, "calls": 3, "rounds": 1, "placed": 1, "busiest": 1}
    return Figure(window_ms=window_ms, wall_s=wall_s, cpu_s=0.1, queries=queries, refused=refused, **counts)


@pytest.mark.parametrize(("wall_s", "queries", "refused", "reached"), [(1.0, 20, 3, 3), (1.1, 21, 4, 0)])
def test_a_bar_that_is_not_reached_is_told_as_such(wall_s: float, queries: int, refused: int, reached: int) -> None:
    figures = (figure_of(0, 2.0, 200, 3), figure_of(9, wall_s, queries, refused))
    lines = list(results.verdicts(results.Burst(machine="m", load=0.0, hosts=1, figures=figures)))
    assert sum(line.startswith("reached") for line in lines) == reached
    assert sum(line.startswith("NOT REACHED") for line in lines) == 3 - reached


def test_the_figures_that_are_kept_reach_the_bars_and_are_on_the_page() -> None:
    kept = results.kept()
    assert all(line.startswith("reached") for line in results.verdicts(kept))
    assert len(kept.of(shared=True)) == len(kept.of(shared=False)) >= 7
    assert results.page(kept) in (ROOT / "docs" / "decisions" / "0010-shared-candidates.md").read_text()
