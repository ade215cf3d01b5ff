"""When two answers are the same, and what is counted."""

import pytest

from parity.case import Case
from parity.compare import disagreements, meaning
from parity.draw import Draw
from parity.report import table
from parity.rules import RULES
from parity.shrink import shrunk
from parity.tally import Tally

CASE: Case = {"kind": "query", "rule": "query", "request": {}, "hosts": []}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"query": "resources=VCPU%3A1%2CPCPU%3A1&limit=5"}, {"query": "limit=5&resources=PCPU:1,VCPU:1"}),
        ({"query": "member_of=in%3Ab%2Ca&member_of=in%3Ac"}, {"query": "member_of=c&member_of=in:a,b"}),
        ({"query": "required=A%2C%21B"}, {"query": "required=A&required=!B"}),
        ({"weights": [1.0, 0.1 + 0.2]}, {"weights": [1.0, 0.3]}),
        ({"raised": "FlavorImageConflict"}, {"refused": ["flavor: no"]}),
    ],
)
def test_the_same_in_other_words_is_the_same(theirs, ours) -> None:
    assert list(disagreements(CASE, theirs, ours)) == []


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"query": "resources=VCPU:1"}, {"query": "resources=VCPU:2"}),
        ({"query": "member_of=in:a,b"}, {"query": "member_of=a&member_of=b"}),
        ({"query": "member_of=!in:a"}, {"query": "member_of=in:a"}),
        ({"query": "resources=VCPU:1&limit=5"}, {"query": "resources=VCPU:1"}),
        ({"weights": [1.0, 0.0]}, {"weights": [1.0, 0.1]}),
        ({"raised": "AttributeError"}, {"refused": ["flavor: no"]}),
        ({"orders": [[0, 1]]}, {"orders": [[1, 0]]}),
    ],
)
def test_what_differs_is_found(theirs, ours) -> None:
    assert len(list(disagreements(CASE, theirs, ours))) == 1


def test_the_meaning_of_a_query_keeps_its_groups_apart() -> None:
    assert meaning("resources1=A:1&resources2=A:1") == {"resources1": {"A:1"}, "resources2": {"A:1"}}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_cases_are_always_the_same_and_not_all_alike(rule) -> None:
    cases = list(rule.cases(20))
    assert cases == list(rule.cases(20))
    assert all((case["kind"], case["rule"]) == (rule.kind, rule.name) for case in cases)
    assert len({str(case) for case in cases}) > 3


def test_pools_give_each_of_their_values() -> None:
    draw = Draw("seed")
    assert {draw.pick("abc") for _ in range(100)} == set("abc")
    assert {len(draw.some("abc", 2)) for _ in range(100)} == {0, 1, 2}
    assert all(len(set(found)) == len(found) for found in (draw.some("abc", 3) for _ in range(100)))


def test_the_table_has_a_line_a_rule_with_cases_shares_and_differences() -> None:
    tally = Tally(next(rule for rule in RULES if rule.name == "ComputeFilter"))
    case = {"kind": "filter", "rule": "ComputeFilter", "request": {}, "hosts": [{"disabled": True}, {}]}
    tally.add(case, {"passed": [False, True]}, {"passed": [True, True]})
    _, line, total = table([tally]).splitlines()
    assert line.split() == ["ComputeFilter", "1", "2", "50", "%", "0", "1"]
    assert total.split() == ["1", "rules", "1", "2", "0", "1"]


def test_a_difference_is_made_small() -> None:
    """A host that is disabled passes with this Nova: of everything else in the case nothing is left."""

    class Careless:
        def ask(self, case):
            return {"passed": [True] * len(case["hosts"])}

    hosts = [{"num_io_ops": 1}, {"disabled": True, "stats": {"a": "b"}}, {}]
    case = {"kind": "filter", "rule": "ComputeFilter", "request": {"flavor": {"vcpus": 2}}, "hosts": hosts}
    assert shrunk(case, Careless()) == {**case, "request": {}, "hosts": [{"disabled": True}]}
