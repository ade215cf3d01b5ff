"""A slice of every path with markers in everything: nothing of them is told anywhere it must not be."""

import pytest

from canaries import runs
from faults.report import Report

CAUSES = ("SchedulingUnavailable", "JournalUnavailable", "InvalidRequest", "InvalidSettings")


def leaks_of(report: Report) -> list[str]:
    return [failure.what for failure in report.failures]


def records_of(report: Report) -> int:
    return int(report.notes[0].split()[0])


@pytest.mark.slow
def test_no_marker_is_told_on_any_kind_of_path():
    report = runs.on_the_mock(1, most=24)
    assert leaks_of(report) == []
    played = {str(row["path"]) for row in report.rows}
    assert {"fault", "outage", "request", "journal", "recovery", "audit", "configuration"} <= played
    assert {f"broken {part}" for part in ("filter", "weigher", "host source", "random source", "observer")} <= played
    assert all(cause in report.notes[1] for cause in CAUSES)
    assert report.runs > 100
    assert records_of(report) > 300


def test_no_marker_is_told_beside_the_real_placement():
    report = runs.on_the_real_one(1, most=4)
    assert leaks_of(report) == []
    assert report.runs > 20


def test_no_marker_is_told_by_the_command():
    report = runs.of_the_command(1, most=4)
    assert leaks_of(report) == []
    assert records_of(report) > 10


def test_no_event_tells_a_marker_whatever_its_fields_are_given():
    """A slice of the million: every declared event, and every outcome of a request, more than a hundred times each."""
    report = runs.of_events(1, records=5000)
    assert leaks_of(report) == []
    assert records_of(report) >= 5000
