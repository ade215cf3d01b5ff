"""Importing has no side effects, exports are what ``__all__`` says, and extras stay optional."""

import ast
import importlib
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from placement_client.testing.ini import placement_section
from tests.architecture.source import ROOT, Source, sources

PACKAGES = ("scheduler", "placement_client")
MODULES = sorted(
    module.name
    for package in PACKAGES
    for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}.")
    if not module.name.endswith("__main__")
)
# What stays out of ``import scheduler``, and who needs it.
ONLY_SOME_NEED = {
    "sqlalchemy": "a journal in a database",
    "oslo_policy": "a policy file",
    "oslo_log.log": "the command line, which sets up a log of its own",
    "yaml": "a hosts file",
    "os_traits": "an alias of PCI devices with traits",
    "scheduler.compat.nova": "a filter or weigher that was written for Nova",
}
# Making a dataclass takes forty times as long as making a Struct of msgspec; who has a reason to be one is named here.
DATACLASSES = {
    "placement_client.clock.Deadline": "is compared without its clock",
    "placement_client.models.Answer": "is shown without headers and body",
    "placement_client.query.CandidateQuery": "prefilters of others make changed copies by dataclasses.replace",
    "placement_client.query.ProviderFilter": "as CandidateQuery",
    "placement_client.query.RequestGroup": "as CandidateQuery",
    "scheduler.filter_scheduler.FilterScheduler": "tests of others replace its collaborators by dataclasses.replace",
    "scheduler.hosts.snapshot.HostSnapshot": "is copied with what it has found out",
    "scheduler.selection.plugins.Plugins": "as FilterScheduler",
}
INITS = [source for source in sources(*PACKAGES) if source.path.endswith("__init__.py")]

# Imports everything and prints what happened meanwhile besides reading.
_WATCH = """
import importlib, json, os, sys, threading
import urllib3.util.connection  # finds out about IPv6 by binding a socket, whoever imports it

seen = []

def watch(event, args):
    if event == "open" and isinstance(args[0], str) and isinstance(args[2], int):
        if args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and args[0] != os.devnull:
            seen.append(["writes", args[0]])
    elif event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.fork", "_thread.start_new_thread"):
        seen.append([event, ""])

sys.addaudithook(watch)
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps({"seen": seen, "threads": threading.active_count(), "modules": sorted(sys.modules)}))
"""


_DATACLASSES = """
import dataclasses, json, sys
import scheduler
modules = [sys.modules[name] for name in json.loads(sys.argv[1]) if name in sys.modules]
kinds = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
print(json.dumps([f"{kind.__module__}.{kind.__qualname__}" for kind in kinds if dataclasses.is_dataclass(kind)]))
"""


_BUILD = """
import json, sys
import scheduler
with scheduler.build(scheduler.load_config(sys.argv[1])):
    print(json.dumps(sorted(sys.modules)))
"""


def _imported(modules: list[str]) -> dict[str, list[str]]:
    return _printed(_WATCH, json.dumps(modules))


def _printed(program: str, argument: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, argument],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_everything_starts_nothing_and_writes_nothing() -> None:
    happened = _imported(MODULES)
    assert happened["seen"] == []
    assert happened["threads"] == 1


def test_the_library_does_not_need_its_extras() -> None:
    """A controller that installs no extra can import both packages."""
    loaded = set(_imported(list(PACKAGES))["modules"])
    assert (
        loaded & {"placement", "gunicorn", "trustme", "psycopg", "rich", "requests_mock", "pytest", "hypothesis"}
        == set()
    )


def test_the_library_does_not_import_what_only_some_configurations_need() -> None:
    assert ONLY_SOME_NEED.keys() & set(_imported(["scheduler"])["modules"]) == set()


def test_a_journal_in_memory_is_built_without_what_only_some_configurations_need(tmp_path: Path) -> None:
    ini = tmp_path / "scheduler.ini"
    ini.write_text(f"{placement_section('https://placement.example')}[journal]\nconnection = memory://\n")
    assert ONLY_SOME_NEED.keys() & set(_printed(_BUILD, str(ini))) == set()


def test_the_library_makes_no_dataclass_when_it_is_imported_without_a_reason() -> None:
    assert set(_printed(_DATACLASSES, json.dumps(MODULES))) == DATACLASSES.keys()


@pytest.mark.parametrize("source", INITS, ids=lambda source: source.module)
def test_all_names_exactly_what_a_package_exports(source: Source) -> None:
    """A package exports what it defines itself, and what it imports from its own modules."""
    listed = getattr(importlib.import_module(source.module), "__all__", ())
    assert set(listed) == {name for node in ast.walk(source.tree) for name in _exported(node, source) if name[0] != "_"}


def _exported(node: ast.AST, source: Source) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{source.module}."):
        yield from (alias.asname or alias.name for alias in node.names)
    elif node in source.tree.body and isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif node in source.tree.body and isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_all_names_only_what_is_there() -> None:
    modules = [importlib.import_module(name) for name in MODULES]
    listed = [(module, name) for module in modules for name in getattr(module, "__all__", ())]
    assert len(listed) == len(set(listed)) > 50
    assert [(module.__name__, name) for module, name in listed if not hasattr(module, name)] == []
