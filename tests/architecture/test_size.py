"""Functions stay under 40 lines and files under 400; whoever cannot says why here."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import pytest

from tests.architecture.source import PACKAGES, Source, named_functions, sources

MAX_FUNCTION = 40
MAX_FILE = 400

# "path" or "path::function": why it may be longer. An entry that is not needed any more fails.
EXCEPTIONS: dict[str, str] = {}


@dataclass(frozen=True)
class Size:
    """How long one file or function is."""

    name: str
    lines: int
    limit: int


def _sizes(source: Source) -> Iterator[Size]:
    yield Size(source.path, len(source.lines), MAX_FILE)
    for name, node in named_functions(source.tree):
        yield Size(f"{source.path}::{name}", (node.end_lineno or node.lineno) - node.lineno + 1, MAX_FUNCTION)


def _all_sizes() -> list[Size]:
    return [size for source in sources(*PACKAGES) for size in _sizes(source)]


def _report(sizes: list[Size]) -> str:
    files = [size for size in sizes if size.limit == MAX_FILE]
    functions = [size for size in sizes if size.limit == MAX_FUNCTION]
    longest = sorted(functions, key=lambda size: -size.lines)[:5]
    return "\n".join(
        [
            f"\n{len(files)} files, {sum(size.lines for size in files)} lines, the longest {_longest(files)}",
            f"{len(functions)} functions, median {median(size.lines for size in functions):g} lines, the longest:",
            *(f"  {size.lines:3} {size.name}" for size in longest),
        ]
    )


def _longest(files: list[Size]) -> str:
    file = max(files, key=lambda size: size.lines)
    return f"{file.lines} ({file.name})"


def test_nothing_is_too_long(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = _all_sizes()
    with capsys.disabled():
        print(_report(sizes))
    too_long = [f"{size.name}: {size.lines}" for size in sizes if size.lines > size.limit]
    assert [entry for entry in too_long if entry.rpartition(": ")[0] not in EXCEPTIONS] == []


def test_every_exception_is_still_needed() -> None:
    too_long = {size.name for size in _all_sizes() if size.lines > size.limit}
    assert set(EXCEPTIONS) <= too_long
    assert all(reason.strip() for reason in EXCEPTIONS.values())


def test_the_median_function_is_short() -> None:
    functions = [size.lines for size in _all_sizes() if size.limit == MAX_FUNCTION]
    assert median(functions) < 10
