"""A decision record reads as sentences that say who removed what, and why."""

import importlib
import re
from pkgutil import iter_modules
from uuid import UUID

import msgspec
import pytest

from placement_client import errors as client_errors
from scheduler import errors, filters
from scheduler.claims import claimer
from scheduler.claims.settle import INSTANCE_TAKEN, RESERVATION_LOST
from scheduler.explain import in_words, one_line, phrase
from scheduler.explain.reasons import FILTERS
from scheduler.model import (
    DecisionRecord,
    FilterStep,
    InstanceDecision,
    Probe,
    Round,
    ScoredHost,
    Timings,
    WeigherScore,
)
from tests.architecture.source import ROOT

ONE = UUID(int=1)


def step(name: str, reason: str, came: int, removed: int) -> FilterStep:
    return FilterStep(name=name, reason=reason, hosts_in=came, removed=removed)


STEPS = (
    step("RoomFilter", "no_room_left", 12, 0),
    step("ServerGroupAntiAffinityFilter", "group_member_present", 12, 7),
    step("ComputeFilter", "disabled_or_down", 5, 5),
)
FILTERED = DecisionRecord(
    request_id="req-1",
    outcome="no_valid_host",
    reason="filtered_out",
    instances=(ONE,),
    asked={"VCPU": 4, "PGPU": 8},
    rounds=(
        Round(
            candidates=12,
            hosts=12,
            instances=(InstanceDecision(instance_uuid=ONE, steps=STEPS),),
            answer="filtered_out",
        ),
    ),
    placement_calls=1,
    microversion="1.39",
    timings=Timings(total_ms=23.14, candidates_ms=20.0, select_ms=1.0),
)
EMPTY = DecisionRecord(
    request_id="req-2",
    outcome="no_valid_host",
    reason="no_candidates",
    rounds=(Round(candidates=0, hosts=0, answer="no_candidates"),),
    probes=(Probe(relaxed="PGPU 8", hosts=31), Probe(relaxed="rack r3", hosts=1)),
)
SCORES = (
    WeigherScore(name="RAMWeigher", raw=2048.0, normalized=1.0, weighed=1.0),
    WeigherScore(name="CPUWeigher", raw=8.0, normalized=0.75, weighed=0.75),
)
SELECTED = DecisionRecord(
    request_id="req-3",
    outcome="selected",
    instances=(ONE,),
    asked={"VCPU": 4},
    rounds=(
        Round(candidates=9, hosts=3, verified_providers=2, answer="capacity_exceeded"),
        Round(
            candidates=1,
            hosts=1,
            instances=(
                InstanceDecision(
                    instance_uuid=ONE,
                    steps=(step("RoomFilter", "no_room_left", 3, 0),),
                    best_hosts=(
                        ScoredHost(host="h3", total=1.75, scores=SCORES),
                        ScoredHost(host="h2", total=1.5),
                    ),
                    selected="h3",
                ),
            ),
            answer="reserved",
        ),
    ),
    placement_calls=5,
)


def test_a_request_that_was_filtered_out_says_who_removed_how_many_and_why():
    assert in_words(FILTERED) == (
        "Request req-1: no valid host, all hosts filtered out.\n"
        "Asked for 1 instance, each PGPU 8, VCPU 4.\n"
        "Round 1: 12 candidates on 12 hosts; all hosts filtered out.\n"
        "  Instance 00000000-0000-0000-0000-000000000001: 12 hosts: 7 removed by ServerGroupAntiAffinityFilter, "
        "a member is there; 5 by ComputeFilter, disabled or down; none left.\n"
        "Took 23.1 ms (candidates 20.0, selection 1.0) and 1 call to Placement at microversion 1.39.\n"
    )


def test_a_request_without_candidates_says_what_each_probe_found():
    assert "Without one constraint at a time: without PGPU 8: 31 hosts; without rack r3: 1 host.\n" in in_words(EMPTY)


def test_probes_that_find_nothing_are_not_named():
    barren = msgspec.structs.replace(EMPTY, probes=(*EMPTY.probes, Probe(relaxed="VCPU 1", hosts=0)))
    assert in_words(barren) == in_words(EMPTY)
    nothing = msgspec.structs.replace(EMPTY, probes=(Probe(relaxed="VCPU 1", hosts=0), Probe(relaxed="rack", hosts=0)))
    assert one_line(nothing) == "no candidates: none of 2 constraints rules the fleet out alone"


def test_a_selection_says_why_this_host_and_how_claims_were_answered():
    text = in_words(SELECTED)
    assert "3 hosts: none removed; on h3 with weight 1.75 = RAMWeigher 1 + CPUWeigher 0.75; before h2 1.5.\n" in text
    assert "Round 1: 9 candidates on 3 hosts; usage of 2 providers read back; the room was gone when" in text
    assert "Round 2: 1 candidate on 1 host; the room was reserved.\n" in text


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            FILTERED,
            (
                "all hosts filtered out: 7 removed by ServerGroupAntiAffinityFilter, a member is there; "
                "5 by ComputeFilter, disabled or down"
            ),
        ),
        (EMPTY, "no candidates: without PGPU 8: 31 hosts; without rack r3: 1 host"),
        (SELECTED, "selected: h3"),
        (DecisionRecord(request_id="r", outcome="unavailable", reason="not_sent"), "Placement could not be reached"),
        (DecisionRecord(request_id="r", outcome="unavailable"), "scheduling was not available"),
        (
            DecisionRecord(request_id="r", outcome="no_valid_host", reason="unknown_host"),
            "the host asked for is not known",
        ),
    ],
)
def test_one_line_holds_the_essence(record, line):
    assert one_line(record) == line


def test_names_cannot_steer_the_terminal():
    record = DecisionRecord(request_id="r", outcome="selected", probes=(Probe(relaxed="\x1b[2J\r\u202eevil", hosts=1),))
    assert "\x1b" not in in_words(record)
    assert "\\x1b[2J\\r\\u202eevil" in in_words(record)


def test_a_code_from_outside_stands_for_itself():
    assert phrase("my_filter_says_no") == "my_filter_says_no"


def all_errors(base: type[Exception]) -> list[type[Exception]]:
    return [base, *(found for kind in base.__subclasses__() for found in all_errors(kind))]


def failure_codes() -> set[str]:
    """Return the reason codes that the journal and the claims may give, as they stand in the code."""
    files = [ROOT / "scheduler" / "claims" / name for name in ("sql_failures.py", "sql_journal.py", "sql_thread.py")]
    found = {code for file in files for code in re.findall(r'"(journal_[a-z_]+)"', file.read_text())}
    return found | {claimer.GIVEN_UP, claimer.IN_DOUBT, RESERVATION_LOST, INSTANCE_TAKEN, "closed", "forked"}


@pytest.mark.parametrize(
    "code",
    sorted(
        {
            kind.code
            for base in (client_errors.PlacementError, errors.SchedulerError)
            for kind in all_errors(base)[1:]
            if kind.__module__ in (client_errors.__name__, errors.__name__) and "code" in vars(kind)
        }
    ),
)
def test_every_error_code_has_words(code):
    assert " " in phrase(code)


@pytest.mark.parametrize("code", sorted(failure_codes()))
def test_every_reason_of_the_journal_and_the_claims_has_words(code):
    assert " " in phrase(code)


def test_every_built_in_filter_has_words_for_its_reason():
    modules = [importlib.import_module(f"scheduler.filters.{found.name}") for found in iter_modules(filters.__path__)]
    reasons = {getattr(kind, "reason", None) for module in modules for kind in vars(module).values()}
    assert {reason for reason in reasons if isinstance(reason, str)} == set(FILTERS)
