"""What no file may hold, and what every public name must have."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.source import PACKAGES, ROOT, sources

BANNED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError|cfg\.CONF)\b|verify=False|insecure=True")
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

SOURCES = sources(*PACKAGES)
WITH_TESTS = [source for source in sources(*PACKAGES, "tests") if source.path != "tests/architecture/test_source.py"]


def test_no_banned_word() -> None:
    found = [(source.path, line) for source in WITH_TESTS for line in source.lines if BANNED.search(line)]
    assert found == []


def test_every_public_name_is_described() -> None:
    public = [pair for source in sources(*PACKAGES) for pair in _public(source.tree, source.module)]
    assert len(public) > 100
    assert [name for name, node in public if not ast.get_docstring(node)] == []


def _public(
    tree: ast.Module | ast.ClassDef, name: str
) -> Iterator[tuple[str, ast.Module | ast.ClassDef | ast.FunctionDef]]:
    yield name, tree
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _public(node, f"{name}.{node.name}")
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not _is_overload(node):
            yield f"{name}.{node.name}", node


def _is_overload(node: ast.FunctionDef) -> bool:
    return any(isinstance(decorator, ast.Name) and decorator.id == "overload" for decorator in node.decorator_list)


def test_no_module_is_named_after_nothing() -> None:
    assert [source.path for source in SOURCES if set(source.module.split(".")) & VAGUE] == []


def test_no_name_of_this_machine() -> None:
    """Paths of a checkout or of a temporary directory in the source would only work here."""
    paths = (str(ROOT), "/tmp/", "/home/", "/root/")
    assert [source.path for source in SOURCES for line in source.lines if any(path in line for path in paths)] == []
