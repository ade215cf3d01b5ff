"""What one part of the proof found: values, the table for people, and the JSON for machines."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
Cell = str | int | float
Row = Mapping[str, Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the proof is run: the short form or the long one, and the seed that every random choice derives from.

    ``only`` is a part's own address of one step ("cut:3:answer:120"), as a failure prints it; it runs that step alone.
    """

    quick: bool = False
    seed: int = 1
    count: int | None = None  # how many, for a part whose length is a matter of choice
    only: str | None = None
    work: Path = Path(".faults")


@dataclass(frozen=True, slots=True)
class Failure:
    """One run after which something was not as guaranteed: what, and the command that does the same again."""

    what: str
    reproduce: str


@dataclass(frozen=True, slots=True)
class Report:
    """One part of the proof: how many runs, which of them failed, one row a group of runs, and how long it took.

    The keys of the first row are the columns. ``notes`` says what a reader must know: what could not be run, say.
    """

    name: str
    runs: int
    failures: Sequence[Failure]
    rows: Sequence[Row]
    seconds: float
    notes: Sequence[str] = ()

    @property
    def good(self) -> bool:
        """Tell whether there was anything to run and nothing failed."""
        return self.runs > 0 and not self.failures


def table(report: Report) -> str:
    """Return a report for people: a title, the rows as columns, the notes, every failure with its command."""
    title = f"{report.name}: {report.runs} runs, {len(report.failures)} failures, {report.seconds:.1f} s"
    failures = [line for one in report.failures for line in (f"FAILED {one.what}", f"  again: {one.reproduce}")]
    return "\n".join([title, "", *_columns(report.rows), "", *report.notes, *failures])


def shown(name: str, steps: Sequence[T]) -> Iterator[T]:
    """Yield the steps of a part, and show on a terminal how far it is."""
    for done, step in enumerate(steps):
        if sys.stderr.isatty() and not done % 10:
            print(f"\r{name}: {done} of {len(steps)}", end="\r", file=sys.stderr, flush=True)
        yield step


def write_json(reports: Sequence[Report], file: Path) -> None:
    """Write the reports as one JSON document: a list of objects with the fields of Report."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(report) | {"good": report.good} for report in reports], indent=2)
    file.write_text(text + "\n", encoding="utf-8")


def again(part: str, options: Options, only: str) -> str:
    """Return the command that runs one step of a part again."""
    quick = " --quick" if options.quick else ""
    return f"python -m faults {part} --seed {options.seed}{quick} --only '{only}'"


def _columns(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    names = list(rows[0])
    lines = [names, *([_shown(row.get(name, "")) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    numeric = [isinstance(rows[0][name], int | float) for name in names]
    return [_line(line, widths, numeric) for line in lines]


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    aligned = zip(cells, widths, numeric, strict=True)
    return "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in aligned).rstrip()


def _shown(cell: Cell) -> str:
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)
