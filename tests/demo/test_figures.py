"""The arithmetic of the summary."""

from uuid import UUID

import pytest

from demo import figures
from demo.proof import Provider
from demo.run import Answer
from demo.workload import Job
from scheduler.model import DecisionRecord, Flavor, Probe, RequestSpec, Round

JOB = Job("single", RequestSpec(flavor=Flavor(vcpus=1, memory_mb=1), project_id="p", user_id="u"), (UUID(int=1),))


def _answer(milliseconds: float = 1.0, calls: int = 3, rounds: int = 1, placed: bool = True) -> Answer:
    each = tuple(Round(candidates=0, hosts=0) for _ in range(rounds))
    outcome = "selected" if placed else "no_valid_host"
    record = DecisionRecord(request_id="req-1", outcome=outcome, rounds=each, placement_calls=calls)
    return Answer(JOB, ("a selection",) if placed else (), record, milliseconds)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("times", "p50", "p99"),
    [([], 0, 0), ([5], 5, 5), ([3, 1, 2], 2, 3), (list(range(1, 101)), 50, 99), (list(range(1, 201)), 100, 198)],
)
def test_latency_is_by_nearest_rank(times: list[float], p50: float, p99: float) -> None:
    assert figures.latency([_answer(time) for time in times]) == figures.Latency(p50, p99)


def test_calls_are_a_mean() -> None:
    assert figures.calls([_answer(calls=3), _answer(calls=6)]) == 4.5
    assert figures.calls([]) == 0


def test_first_round_leaves_out_refused_and_repeated() -> None:
    once, twice, refused = _answer(), _answer(rounds=2), _answer(placed=False)
    assert figures.first_round([once, twice, refused]) == [once]


def test_reasons_that_differ_in_numbers_only_count_as_one() -> None:
    answers = [
        _refused(Probe(relaxed="PGPU 8", hosts=31), Probe(relaxed="VCPU 1", hosts=0)),
        _refused(Probe(relaxed="trait CUSTOM_GPU_T4", hosts=2)),
        _refused(Probe(relaxed="PGPU 4", hosts=7)),
    ]
    (first, first_words), (second, second_words) = figures.reasons(answers, at_most=5)
    assert (first, second) == (2, 1)
    assert first_words.endswith("without PGPU 8: 31 hosts")
    assert second_words.endswith("without trait CUSTOM_GPU_T4: 2 hosts")
    assert len(figures.reasons(answers, at_most=1)) == 1


def _refused(*probes: Probe) -> Answer:
    record = DecisionRecord(request_id="req-1", outcome="no_valid_host", reason="no_candidates", probes=probes)
    return Answer(JOB, (), record, 1.0)


def test_utilisation_sums_over_the_fleet() -> None:
    providers = [
        Provider("a", {"VCPU": 8, "PGPU": 2}, {"VCPU": 4, "PGPU": 1}, frozenset()),
        Provider("b", {"VCPU": 8}, {}, frozenset()),
    ]
    assert figures.utilisation(providers) == {"PGPU": (1, 2), "VCPU": (4, 16)}
