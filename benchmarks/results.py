"""What rules cost, as values and as their table in docs/benchmarks.md."""

import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "benchmarks" / "results" / "rules.json"
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures, written by make bench-rules -->", "<!-- end of figures -->"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule costs for all hosts, in milliseconds; medians.

    ``request`` is with a new answer of Placement, ``again`` for a further instance of the same request, ``facts`` with
    new facts as well, ``nova`` what Nova's rule of that name takes, None where it was not asked or has none.
    """

    rule: str
    kind: str
    hosts: int
    request: float
    again: float
    facts: float
    nova: float | None = None


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """One run: on what, how often each was measured, and the figures."""

    samples: int
    machine: str
    figures: tuple[Figure, ...]


def machine() -> str:
    """Return what it ran on."""
    return f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}"


def text_of(results: msgspec.Struct) -> str:
    """Return the results of any benchmark as they are kept."""
    return msgspec.json.format(msgspec.json.encode(results), indent=1).decode() + "\n"


def kept() -> Results:
    """Return the results of the last run that was kept."""
    return msgspec.json.decode(FILE.read_bytes(), type=Results)


def within(page: str, results: Results) -> str:
    """Return a page with the table between its two marks written again."""
    return between(page, BEGIN, END, table(results))


def between(page: str, begin: str, end: str, text: str) -> str:
    """Return a page with another text between two marks."""
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def table(results: Results) -> str:
    """Return the figures as a table, in the order in which they were measured."""
    head = ("rule", "hosts", "ms", "ns a host", "further instance, ms", "new facts, ms", "Nova, ms", "Nova / ours")
    caption = f"{results.machine}; medians of {results.samples}."
    rows = (head, ("---", *["---:"] * (len(head) - 1)), *_rows(results.figures))
    return "\n".join([caption, "", *(f"| {' | '.join(cells)} |" for cells in rows)])


def _rows(figures: Sequence[Figure]) -> Iterator[tuple[str, ...]]:
    for one in figures:
        ours = (f"{one.request:.3f}", f"{one.request / one.hosts * 1e6:.0f}", f"{one.again:.3f}", f"{one.facts:.3f}")
        nova = ("-", "-") if one.nova is None else (f"{one.nova:.1f}", f"{one.nova / one.request:.0f}")
        yield f"`{one.rule}`", f"{one.hosts:,}", *ours, *nova
