"""Every quirk of Nova has a row that says what happens here, and proof that exists."""

import ast
import re

import pytest

from tests.architecture.source import ROOT
from tests.scenarios.fleet import scenarios

PAGE = (ROOT / "docs" / "nova-quirks.md").read_text(encoding="utf-8")
ROWS = {int(number): rest.split(" | ") for number, rest in re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, re.M)}
SCENARIOS = {scenario.name for scenario in scenarios()}
TESTS = {
    node.name
    for file in (ROOT / "tests").rglob("test_*.py")
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    if isinstance(node, ast.FunctionDef)
}


def missing(proof: str) -> list[str]:
    """Return the tests and scenarios that a cell names and that do not exist; all of it where it names none."""
    tests, shown = re.findall(r"`(\w+)`", proof), re.findall(r"\*([^*]+)\*", proof)
    gone = [name for name in tests if name not in TESTS] + [name for name in shown if name not in SCENARIOS]
    return gone if tests or shown else [proof]


def test_every_quirk_has_a_row() -> None:
    assert list(ROWS) == list(range(1, 27))


@pytest.mark.parametrize("number", ROWS)
def test_a_row_says_what_nova_does_what_happens_here_and_what_proves_it(number: int) -> None:
    theirs, ours, proof = ROWS[number]
    assert theirs.endswith(".")
    assert ours.endswith(".")
    assert missing(proof) == []


def test_proof_that_does_not_exist_is_noticed() -> None:
    assert missing("`test_nothing_at_all`, *a scenario that nobody wrote*") == [
        "test_nothing_at_all",
        "a scenario that nobody wrote",
    ]
    assert missing("") == [""]
