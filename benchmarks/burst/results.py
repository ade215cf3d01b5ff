"""What bursts cost, as values, as lines of text, and beside what was wanted."""

from collections.abc import Iterator, Sequence
from statistics import median

import msgspec

from benchmarks.burst.burst import Figure
from benchmarks.results import ROOT

FILE = ROOT / "benchmarks" / "results" / "burst.json"
MOST_QUERIES, LEAST_RATIO = 20, 2.0


class Burst(msgspec.Struct, frozen=True, kw_only=True):
    """One run: on what, how loaded the machine was before, and the figures in the order in which they were measured."""

    machine: str
    load: float
    hosts: int
    figures: tuple[Figure, ...]

    def of(self, *, shared: bool) -> list[Figure]:
        """Return the figures with shared answers, or those without."""
        return [one for one in self.figures if bool(one.window_ms) is shared]

    @property
    def ratio(self) -> float:
        """Return how many times faster the bursts are that share answers; of medians."""
        off, on = ([one.wall_s for one in self.of(shared=shared)] for shared in (False, True))
        return median(off) / median(on)


def kept() -> Burst:
    """Return the run that was kept last."""
    return msgspec.json.decode(FILE.read_bytes(), type=Burst)


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as lines of text."""
    names = Figure.__struct_fields__
    lines = [names, *(tuple(str(getattr(one, name)) for name in names) for one in figures)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(names))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def page(found: Burst) -> str:
    """Return the medians as the table of the documentation."""
    head = (
        "window, ms",
        "wall time, s",
        "CPU time, s",
        "questions",
        "calls",
        "rounds",
        "refused",
        "busiest host",
    )
    names = ("window_ms", "wall_s", "cpu_s", "queries", "calls", "rounds", "refused", "busiest")
    sides = (found.of(shared=False), found.of(shared=True))
    rows = [[_short(median(getattr(one, name) for one in side)) for name in names] for side in sides]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---:"] * len(head), *rows))


def _short(number: float) -> str:
    """Return a number with three digits that count."""
    return f"{float(f'{number:.3g}'):g}"


def verdicts(found: Burst) -> Iterator[str]:
    """Yield a line for each bar: whether it is reached, what was measured, and what it is."""
    queries = max(one.queries for one in found.of(shared=True))
    refused, without = (sum(one.refused for one in found.of(shared=shared)) for shared in (True, False))
    for text, reached in (
        (f"candidate queries of a burst: {queries} at most, wanted <= {MOST_QUERIES}", queries <= MOST_QUERIES),
        (f"rounds refused in all bursts: {refused}, wanted <= {without}, as without", refused <= without),
        (f"wall time: {found.ratio:.2f} times better, wanted >= {LEAST_RATIO}", found.ratio >= LEAST_RATIO),
    ):
        yield f"{'reached    ' if reached else 'NOT REACHED'}  {text}"
