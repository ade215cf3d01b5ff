"""Every row of the HTTPS page names tests and controls that exist."""

import ast
import re

import pytest

from tests.architecture.source import ROOT, sources

ROWS = re.findall(r"^\| (H\d+) \|(.*)\|$", (ROOT / "docs" / "https.md").read_text(), re.MULTILINE)
DEFINED = {
    node.name for source in sources("tests") for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef)
}


def test_there_are_as_many_rows_as_the_study_found() -> None:
    assert [name for name, _ in ROWS] == [f"H{number}" for number in range(1, len(ROWS) + 1)]
    assert len(ROWS) >= 33


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[name for name, _ in ROWS])
def test_each_row_has_a_test_and_a_control_that_exist(name: str, row: str) -> None:
    *_, tests, controls = row.split("|")
    for cell in (tests, controls):
        named = set(re.findall(r"`(test_\w+)`", cell))
        assert named
        assert named - DEFINED == set()
