"""Every concern of the reviews is answered by tests that exist, and no link of a document leads nowhere."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, Function

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = {match[1]: match[2].split(" | ") for match in re.finditer(r"^\| ([ABC]\d+) \| (.*) \|$", PAGE, re.M)}
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@cache
def _tests_in(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, Function))


def _missing(text: str) -> Iterator[str]:
    """Yield every `path::test` of a text that is not a test below tests/."""
    for path, name in re.findall(r"`([\w/]+\.py)::(\w+)`", text):
        file = ROOT / "tests" / path
        if not file.is_file() or name not in _tests_in(file):
            yield f"{path}::{name}"


def test_every_concern_has_a_row():
    expected = [
        f"{review}{number}" for review, last in (("A", 13), ("B", 11), ("C", 3)) for number in range(1, last + 1)
    ]
    assert list(ROWS) == expected


@pytest.mark.parametrize("row", ROWS)
def test_a_row_quotes_the_concern_says_what_is_done_and_names_tests(row):
    concern, behaviour, tests = ROWS[row]
    assert re.search(r"“[^”]+”", concern)
    assert behaviour.endswith(".")
    assert all(re.fullmatch(r"`[\w/]+\.py::test_\w+`", name) for name in tests.split("<br>"))
    assert list(_missing(tests)) == []


@pytest.mark.parametrize("document", ["SECURITY.md", "docs/security.md", "docs/supply-chain.md"])
def test_every_test_that_a_document_names_exists(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    assert list(_missing(text)) == []


def test_a_test_that_does_not_exist_is_noticed():
    assert list(_missing("`architecture/test_security_page.py::test_nothing`, `nowhere.py::test_nothing`")) == [
        "architecture/test_security_page.py::test_nothing",
        "nowhere.py::test_nothing",
    ]


def test_the_threat_model_covers_what_it_has_to():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    assert {
        "Reporting a hole",
        "Supported versions",
        "What is worth attacking",
        "Who attacks",
        "Trust boundaries",
    } <= set(headings)
    assert [limit for limit in ("L1", "L2", "L3", "L4", "L5", "L6") if limit not in text] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_to_one(document):
    targets = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", document.read_text(encoding="utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []
