"""The curves that were found, as values and as the table of docs/growth.md."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.results import ROOT

FILE = ROOT / "benchmarks" / "results" / "growth.json"
PAGE = ROOT / "docs" / "growth.md"
IMAGE = ROOT / "docs" / "images" / "growth.png"
BEGIN, END = "<!-- figures, written by make bench-growth -->", "<!-- end of figures -->"

LIMIT = 1.1
"""The largest exponent that is still called linear: caches alone make twice the work cost a little more than that."""

UPPER = 32
"""A curve is fitted from this part of its largest size on; below, what does not depend on the size rules."""


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """What something costs at some sizes, in ``unit``; ``against`` says what the sizes count."""

    name: str
    against: str
    unit: str
    sizes: tuple[int, ...]
    costs: tuple[float, ...]

    @property
    def upper(self) -> tuple[list[int], list[float]]:
        """Return the sizes that are fitted, and what they cost."""
        chosen = [pair for pair in zip(self.sizes, self.costs, strict=True) if pair[0] * UPPER >= self.sizes[-1]]
        return [size for size, _ in chosen], [cost for _, cost in chosen]

    @property
    def exponent(self) -> float:
        """Return the exponent of the cost: the slope of the line through the logarithms, by least squares."""
        sizes, costs = self.upper
        slope, _ = np.polyfit(np.log(sizes), np.log(costs), 1)
        return round(float(slope), 3)

    @property
    def each(self) -> float:
        """Return what one more costs at the largest size, in thousandths of the unit."""
        return 1000 * self.costs[-1] / self.sizes[-1]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """How many MiB a scheduler keeps after so many requests for one of so many hosts."""

    hosts: int = 0
    requests: tuple[int, ...] = ()
    mib: tuple[float, ...] = ()


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """One run: on what, how often each was measured, the curves, and what is kept of requests that are over."""

    samples: int
    machine: str
    curves: tuple[Curve, ...] = ()
    kept: Kept = Kept()

    def with_curves(self, curves: Sequence[Curve]) -> "Growth":
        """Return the same with these curves measured again, or besides."""
        known = {one.name: one for one in (*self.curves, *curves)}
        return msgspec.structs.replace(self, curves=tuple(known.values()))

    @property
    def too_steep(self) -> list[Curve]:
        """Return the curves that grow faster than linear."""
        return [curve for curve in self.curves if curve.exponent > LIMIT]


def kept(file: Path = FILE) -> Growth:
    """Return the results of the last run that was kept."""
    return msgspec.json.decode(file.read_bytes(), type=Growth)


def within(page: str, growth: Growth) -> str:
    """Return a page with the part between its two marks written again."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table(growth)}\n\n{END}{after}"


def table(growth: Growth) -> str:
    """Return the curves as a table, and what is kept as a sentence."""
    head = ("cost", "against", "smallest", "largest", "for each one more", "exponent", f"at most {LIMIT}")
    rows = (head, ("---", "---", *["---:"] * 4, "---"), *map(_row, growth.curves))
    caption = f"{growth.machine}; medians of {growth.samples}."
    return "\n".join([caption, "", *(f"| {' | '.join(cells)} |" for cells in rows), "", _in_words(growth.kept)])


def _row(curve: Curve) -> Sequence[str]:
    verdict = "yes" if curve.exponent <= LIMIT else "NO"
    fine = {"ms": "µs", "MiB": "KiB"}[curve.unit]
    return (curve.name, curve.against, *_ends(curve), f"{curve.each:.2f} {fine}", f"{curve.exponent:.2f}", verdict)


def _ends(curve: Curve) -> Iterator[str]:
    for place in (0, -1):
        yield f"{curve.costs[place]:,.2f} {curve.unit} at {curve.sizes[place]:,}"


def _in_words(kept: Kept) -> str:
    told = ", ".join(f"{mib:.1f} after {count:,}" for count, mib in zip(kept.requests, kept.mib, strict=True))
    return f"MiB that a scheduler keeps of requests that are over, at {kept.hosts:,} hosts: {told}."
