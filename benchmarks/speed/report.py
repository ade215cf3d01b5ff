"""What was measured, as values, and as the tables that people read."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from benchmarks.results import between

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "benchmarks" / "results" / "speed.json"
PAGE = ROOT / "docs" / "benchmarks.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- speed, written by make bench -->", "<!-- end of speed -->"
HEAD = ("what", "ours", "Nova", "ratio", "bar", "aim", "reached")
SHOWN = ("rank 1,000", "rank 10,000", "batch of 100 in memory, 10,000", "request for 1 ", "request for 100 ")
"""What the front page shows: the rows that begin so."""

Kind = Literal["ratio", "at most", "at least"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table: what was measured on both sides, and what it is held against.

    With ``ratio``, the bar is for how many times better we are than the other; more is better where ``rate``. Else it
    is for our own figure; a row without one is only told. ``note`` says what a reader has to know of the figures.
    """

    what: str
    unit: str
    ours: float
    other: float | None = None
    kind: Kind = "ratio"
    rate: bool = False
    bar: float | None
    aim: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Return how many times better we are."""
        if not self.other:
            return None
        return self.ours / self.other if self.rate else self.other / self.ours

    def reaches(self, mark: float) -> bool:
        """Tell whether the figure that is held against marks reaches one."""
        if self.kind == "ratio":
            return self.ratio is not None and self.ratio >= mark
        return self.ours <= mark if self.kind == "at most" else self.ours >= mark

    @property
    def verdict(self) -> str:
        """Return whether bar and aim are reached, in words; "-" where there is nothing to reach."""
        if self.aim is not None and self.reaches(self.aim):
            return "yes, and the aim"
        if self.bar is None:
            return "-"
        return "yes" if self.reaches(self.bar) else "NO"


class Point(msgspec.Struct, frozen=True):
    """What ranking so many hosts costs, in milliseconds."""

    hosts: int
    ours: float
    nova: float | None = None


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """One run: on what, how busy that was, what was found, and every single measurement in milliseconds."""

    machine: str
    load: tuple[float, float]
    quick: bool
    rows: tuple[Row, ...]
    points: tuple[Point, ...] = ()
    samples: Mapping[str, tuple[float, ...]] = {}


def machine() -> str:
    """Return what it runs on."""
    versions = f"Python {platform.python_version()}, numpy {np.__version__}"
    return f"{platform.machine()}, {os.cpu_count()} processors, {versions}"


def load() -> float:
    """Return how many processes wanted a processor in the last minute."""
    return round(os.getloadavg()[0], 2)


def kept() -> Results:
    """Return the results of the last run that was kept."""
    return msgspec.json.decode(FILE.read_bytes(), type=Results)


def cells(row: Row) -> tuple[str, ...]:
    """Return a row as texts."""
    ratio = "-" if row.ratio is None else f"{row.ratio:,.1f}x"
    other = "-" if row.other is None else amount(row.other, row.unit)
    return row.what, amount(row.ours, row.unit), other, ratio, _mark(row, row.bar), _mark(row, row.aim), row.verdict


def amount(value: float, unit: str) -> str:
    """Return a figure with about three digits."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def _mark(row: Row, mark: float | None) -> str:
    if mark is None:
        return "-"
    if row.kind == "ratio":
        return f"{mark:,g}x"
    return f"{'<=' if row.kind == 'at most' else '>='} {mark:,g} {row.unit}"


def screen(results: Results) -> str:
    """Return the table as it is printed: columns in line, the notes below."""
    table = [HEAD, *map(cells, results.rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEAD))]
    lines = [_aligned(line, widths) for line in table]
    missed = [row.what for row in results.rows if row.verdict == "NO"]
    end = f"NOT REACHED: {'; '.join(missed)}" if missed else "Every bar is reached."
    return "\n".join([*lines, "", *notes(results.rows), "", end])


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
    return "  ".join([first.strip().ljust(widths[0]), *rest])


def notes(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what has to be known of rows."""
    return (f"* {row.what}: {row.note}" for row in rows if row.note)


def page(text: str, results: Results) -> str:
    """Return the page of benchmarks with the whole table."""
    caption = f"{results.machine}; load {results.load[0]} before and {results.load[1]} after."
    return between(text, BEGIN, END, "\n".join([caption, "", *markdown(results.rows), "", *notes(results.rows)]))


def front(text: str, results: Results) -> str:
    """Return the front page with a few figures."""
    rows = [row for row in results.rows if row.what.startswith(SHOWN)]
    lines = ["| what | ours | Nova | ratio |", "| --- | ---: | ---: | ---: |"]
    return between(text, BEGIN, END, "\n".join([*lines, *(_line(cells(row)[:4]) for row in rows)]))


def markdown(rows: Sequence[Row]) -> list[str]:
    """Return the lines of the whole table."""
    return [_line(HEAD), _line(["---", *["---:"] * (len(HEAD) - 2), "---"]), *(_line(cells(row)) for row in rows)]


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"
