"""What Nova answered to a part of the cases of ``make parity``, and what we answer; no Nova is needed for that.

``python -m parity --record`` writes the cases again.
"""

import json
from collections import Counter

import pytest

from parity.compare import disagreements
from parity.differences import DIFFERENCES
from parity.differences.table import explained
from parity.ours.answers import answer_of
from parity.record import DIRECTORY, recorded
from parity.rules import RULES
from scheduler.filters import once_per_request, runs_on_rebuild
from scheduler.filters.registry import built_in
from scheduler.settings import FilterSettings

KINDS = sorted({rule.kind for rule in RULES})
MOST_BYTES = 300 * 1024


@pytest.mark.parametrize("kind", KINDS)
def test_we_answer_as_nova_did_or_as_a_listed_difference_says(kind: str) -> None:
    unlisted, other = [], []
    for case, theirs, names in recorded(kind):
        found = [explained(DIFFERENCES, one) for one in disagreements(case, theirs, answer_of(case))]
        if not all(found):
            unlisted.append(case)
        elif sorted({name for one in found for name in one}) != names:
            other.append((case, names, found))
    assert unlisted == []
    assert other == []


def test_every_rule_is_recorded_often_enough() -> None:
    counts = Counter((case["kind"], case["rule"]) for kind in KINDS for case, _, _ in recorded(kind))
    least = {(rule.kind, rule.name): 100 if rule.kind == "decision" else 20 for rule in RULES}
    assert {rule: count for rule, count in least.items() if counts[rule] < count} == {}
    assert counts.keys() == least.keys()


def test_what_is_recorded_tells_hosts_apart() -> None:
    """A rule of which only hosts that pass were recorded would say nothing."""
    answers: dict[str, set[bool]] = {}
    for case, theirs, _ in recorded("filter"):
        answers.setdefault(case["rule"], set()).update(one is True for one in theirs.get("passed", ()))
    assert [rule for rule, seen in answers.items() if seen != {True, False}] == ["AllHostsFilter"]


def test_filters_run_when_they_run_with_nova() -> None:
    """Once a request or once an instance, and for rebuilds or not."""
    flags = json.loads((DIRECTORY / "nova_names.json").read_text())["filter_flags"]
    ours = {name: make() for name, make in built_in(FilterSettings()).items() if name in flags}
    assert len(ours) == 20
    assert {name: [once_per_request(one), runs_on_rebuild(one)] for name, one in ours.items()} == {
        name: [flags[name]["run_filter_once_per_request"], flags[name]["run_on_rebuild"]] for name in ours
    }


def test_every_listed_difference_shows_in_what_is_recorded() -> None:
    seen = {name for kind in KINDS for _, _, names in recorded(kind) for name in names}
    assert {one.name for one in DIFFERENCES} - seen == set()


def test_what_is_recorded_is_small() -> None:
    assert sum(path.stat().st_size for path in DIRECTORY.iterdir()) < MOST_BYTES
