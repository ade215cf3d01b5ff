"""The project's own source files; what the other files of this directory ask questions of."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("scheduler", "placement_client", "demo", "faults", "canaries", "fuzz", "parity", "benchmarks")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One file: its path below the project, and its lines."""

    path: str
    lines: tuple[str, ...]

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree. Those of all files are a million objects: made when asked for, not when tests are found."""
        return ast.parse("\n".join(self.lines))

    @property
    def module(self) -> str:
        """The dotted name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def sources(*packages: str) -> list[Source]:
    """Every Python file of these packages, in order of path."""
    files = [file for package in packages for file in sorted((ROOT / package).rglob("*.py"))]
    return [_read(file) for file in files]


def named_functions(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, Function]]:
    """Every function with its qualified name, nested ones too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield f"{inside}{node.name}", node
        name = f"{inside}{node.name}." if isinstance(node, Function | ast.ClassDef) else inside
        yield from named_functions(node, name)


def _read(file: Path) -> Source:
    return Source(file.relative_to(ROOT).as_posix(), tuple(file.read_text(encoding="utf-8").splitlines()))
