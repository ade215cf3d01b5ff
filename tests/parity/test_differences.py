"""The list of differences: each is in the documentation, and explains no more than it says."""

import re
from pathlib import Path

import pytest

from parity.case import Case
from parity.compare import Disagreement, disagreements
from parity.differences import DIFFERENCES
from parity.differences.table import Answered, explained
from parity.ours.answers import answer_of
from parity.rules import RULES

PAGE = " ".join((Path(__file__).parents[2] / "docs" / "nova-differences.md").read_text().split())
DOWN: Case = {"kind": "filter", "rule": "ComputeFilter", "request": {}, "hosts": [{"disabled": True}, {}]}


@pytest.mark.parametrize("one", DIFFERENCES, ids=lambda one: one.name)
def test_every_listed_difference_is_documented(one) -> None:
    assert " ".join(one.words.split()) in PAGE


def test_every_listed_difference_is_about_rules_that_are_compared() -> None:
    known = {rule.name for rule in RULES}
    assert [one.name for one in DIFFERENCES if isinstance(one, Answered) and not one.rules <= known] == []


def test_a_host_that_only_nova_lets_pass_is_not_explained() -> None:
    (one,) = disagreements(DOWN, {"passed": [True, True]}, answer_of(DOWN))
    assert (one.position, one.theirs, one.ours) == (0, True, False)
    assert explained(DIFFERENCES, one) == ()


def test_a_trait_explains_only_the_host_that_has_it() -> None:
    case = {**DOWN, "hosts": [{"traits": ["COMPUTE_STATUS_DISABLED"]}, {"forced_down": True}]}
    found = list(disagreements(case, {"passed": [True, True]}, answer_of(case)))
    assert [explained(DIFFERENCES, one) for one in found] == [("disabled-trait",), ()]


def test_every_reason_of_a_refusal_has_to_be_listed() -> None:
    case: Case = {"kind": "query", "rule": "query", "hosts": [], "request": {"flavor": {"extra_specs": {}}}}
    listed = "group_policy: needed, because of a reason"
    assert explained(DIFFERENCES, Disagreement(case, {"query": ""}, {"refused": [listed]})) == ("refused-by-placement",)
    assert explained(DIFFERENCES, Disagreement(case, {"query": ""}, {"refused": [listed, "flavor: anything"]})) == ()


def test_a_well_formed_demand_that_is_refused_is_not_explained() -> None:
    """The refusal may say what it likes: the case itself has to be malformed."""
    specs = {"capabilities:a": "== 1"}
    case: Case = {"kind": "filter", "rule": "ComputeCapabilitiesFilter", "request": {"flavor": {"extra_specs": specs}}}
    said = "flavor.extra_specs['capabilities:a']: the operand is not a number"
    assert explained(DIFFERENCES, Disagreement(case, {"passed": []}, {"refused": [said]})) == ()


def test_names_are_stable_codes() -> None:
    assert [one.name for one in DIFFERENCES if not re.fullmatch(r"[a-z]+(-[a-z]+)*", one.name)] == []
