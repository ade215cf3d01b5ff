"""Every failure point has a test, and every test that the guarantees name exists."""

import ast
import re

from tests.architecture.source import ROOT

TEXT = (ROOT / "docs" / "guarantees.md").read_text()


def named_in(row: str) -> list[str]:
    return re.findall(r"`(test_\w+)`", row)


def test_each_failure_point_names_a_test():
    rows = dict(re.findall(r"^\| (F\d+) \|(.*)$", TEXT, re.MULTILINE))
    assert list(rows) == [f"F{number}" for number in range(1, 33)]
    assert [name for name, row in rows.items() if not named_in(row)] == []


def test_each_limit_says_how_it_is_seen_and_healed():
    rows = dict(re.findall(r"^\| (L\d) \|(.*)$", TEXT, re.MULTILINE))
    assert list(rows) == [f"L{number}" for number in range(1, 10)]
    assert all(row.count("|") == 3 for row in rows.values())


def test_every_named_test_exists():
    named = set(named_in(TEXT))
    defined = {
        node.name
        for file in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    assert named - defined == set()
