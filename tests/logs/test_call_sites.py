"""Nothing but the event log calls a logger, and every call names an event and exactly its fields."""

import ast
import re
from collections.abc import Iterator

import pytest

from scheduler.events import EVENTS, Event, table
from scheduler.events.fields import OneOf, Pseudonym
from tests.architecture.source import ROOT, Source, sources

SOURCES = sources("scheduler", "placement_client")
METHODS = {"debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log", "handle", "makeRecord"}

# Who may import logging, and what of a logger they may call.
USERS = {
    "scheduler/events/log.py": {"makeRecord", "handle"},
    "scheduler/events/table.py": set(),
    "scheduler/cli/log.py": set(),
    "placement_client/redaction.py": set(),
}
OTHER_CALLS = {"self.log"}  # the event log


def calls(source: Source) -> Iterator[ast.Call]:
    yield from (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))


def imported(source: Source) -> set[str]:
    names = (node for node in ast.walk(source.tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return {
        name.partition(".")[0]
        for node in names
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
    }


def test_only_these_files_import_logging():
    found = {source.path for source in SOURCES if imported(source) & {"logging", "warnings", "syslog"}}
    assert found == set(USERS)
    assert {source.path for source in SOURCES if "oslo_log" in imported(source)} == {"scheduler/logs/oslo.py"}


def test_nothing_else_calls_a_logger():
    found = {
        (source.path, node.func.attr)
        for source in SOURCES
        for node in calls(source)
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func) not in OTHER_CALLS
    }
    expected = {(path, method) for path, methods in USERS.items() for method in methods}
    assert {(path, method) for path, method in found if method in METHODS} == expected


def events_of(source: Source) -> Iterator[tuple[set[str], ast.Call]]:
    """Give each call of an event log with the names of the table that its first argument may be."""
    declared = {name for name, value in vars(table).items() if isinstance(value, Event)}
    for node in calls(source):
        if ast.unparse(node.func) in {"log", "self.log", "self._log"}:
            chosen = {one.id for one in ast.walk(node.args[0]) if isinstance(one, ast.Name)}
            yield (chosen & declared) or assigned(source, chosen) & declared, node


def assigned(source: Source, names: set[str]) -> set[str]:
    """Return what names these variables may stand for."""
    found = (node for node in ast.walk(source.tree) if isinstance(node, ast.Assign))
    values = [node.value for node in found if isinstance(node.targets[0], ast.Name) and node.targets[0].id in names]
    return {one.id for value in values for one in ast.walk(value) if isinstance(one, ast.Name)}


CALLS = [(source, names, node) for source in SOURCES for names, node in events_of(source)]


@pytest.mark.parametrize(("source", "names", "node"), CALLS, ids=lambda one: getattr(one, "path", ""))
def test_each_call_gives_exactly_the_fields_of_its_event(source, names, node):
    assert names
    for name in names:
        event = getattr(table, name)
        assert [keyword.arg for keyword in node.keywords] == list(event.fields), event.name


def test_every_event_is_logged_somewhere():
    """But the one for what is not declared, which the log makes itself."""
    logged = {name for _, names, _ in CALLS for name in names}
    assert {getattr(table, name).name for name in logged} == EVENTS.keys() - {table.UNDECLARED.name}


def described(field) -> str:
    if isinstance(field, OneOf):
        return f"OneOf({', '.join(field.words)})"
    return f"Pseudonym({field.kind})" if isinstance(field, Pseudonym) else type(field).__name__


def test_the_manual_has_the_same_table():
    """Every event with its level, fields and meaning, in the order of the file."""
    levels = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR"}
    expected = [
        (
            event.name,
            levels[event.level],
            "; ".join(f"{name}: {described(field)}" for name, field in event.fields.items()) or "-",
            event.meaning,
        )
        for event in EVENTS.values()
    ]
    manual = (ROOT / "docs/logging.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (DEBUG|INFO|WARNING|ERROR) \| (.*?) \| (.*?) \|$", manual, re.MULTILINE)
    assert rows == expected
