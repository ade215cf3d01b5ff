"""Processes and threads that race, are killed, and get requests twice: nothing is claimed twice, overfull or left."""

from collections import Counter
from types import SimpleNamespace
from uuid import uuid4

import pytest

from faults import contention
from faults.contention import dealt_out, jobs
from faults.judge import Answer, Job, _wrongs
from faults.report import Options, table
from scheduler.randomness import RandomStream


@pytest.mark.slow
def test_four_racing_processes_claim_nothing_twice_while_some_are_killed():
    """F17, F27: last slots, deliveries at the same time and later, take-over of the killed."""
    report = contention.run(Options(quick=True))
    print(table(report))
    assert not report.failures, table(report)
    race, batches = report.rows
    assert race["selected"] >= 10 * 0.8, "almost nobody wins: the claims only give way to each other"
    assert race["no valid host"] > 0, "nobody lost a race"
    assert batches["delivered again"] > 0
    assert batches["selected"] == batches["answers"]
    assert report.notes[1].startswith("2 processes")


def made(count):
    return jobs(RandomStream(b"s" * 32), count)


def test_half_of_the_requests_race_for_one_slot_in_groups():
    racing = Counter(job.host for job in made(100) if job.host)
    assert sum(racing.values()) == 50
    assert set(racing.values()) == {contention.RACERS}


def test_every_request_is_delivered_and_some_twice_by_different_processes():
    hands = dealt_out(made(100))
    deliveries = [job.delivery for hand in hands for job in hand]
    assert len(deliveries) == len(set(deliveries)) == 100 + 20 + 10
    where = {job.delivery: number for number, hand in enumerate(hands) for job in hand}
    assert all(where[f"{number}:first"] != where[f"{number}:twin"] for number in range(0, 100, 5))


def wrongs(outcome, held, answers):
    job = Job(0, (uuid4(),))
    holding = {str(job.instances[0]): held} if held else {}
    return _wrongs(job, answers, holding, SimpleNamespace(outcome=lambda _: outcome))


SELECTED = Answer("0:first", 0, "selected", ["h0"], 1)
OWN = {"VCPU": 2, "MEMORY_MB": 512}


def test_a_request_that_holds_what_it_was_told_is_right():
    assert wrongs("committed", [("h0", OWN)], [SELECTED, SELECTED]) == []
    assert wrongs("aborted", [], [Answer("0:first", 0, "no valid host", [], 3)]) == []


@pytest.mark.parametrize(
    ("outcome", "held", "answers", "text"),
    [
        ("committed", [("h0", OWN), ("h1", OWN)], [SELECTED], "claimed twice"),
        ("committed", [], [SELECTED], "does not hold its own"),
        ("committed", [("h0", {"VCPU": 4, "MEMORY_MB": 512})], [SELECTED], "does not hold its own"),
        ("aborted", [("h0", OWN)], [], "holds something"),
        ("committed", [("h1", OWN)], [SELECTED], "hosts on which it is not"),
        ("committed", [("h0", OWN)], [SELECTED, Answer("0:twin", 0, "selected", ["h1"], 1)], "different hosts"),
        ("open", [], [SELECTED], "outcome is not known"),
        ("committed", [("h0", OWN)], [Answer("0:first", 0, "unavailable", [], 0)], "never served"),
        ("unknown", [], [], "no delivery was answered"),
    ],
)
def test_what_is_wrong_is_named(outcome, held, answers, text):
    assert any(text in one for one in wrongs(outcome, held, answers))
