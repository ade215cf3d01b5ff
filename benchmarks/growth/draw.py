"""The curves as one picture; the one file that needs matplotlib."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.growth.results import Curve, Growth

COLOURS = 32
"""Enough for lines, and a fifth of the size."""
PANELS = (("hosts", "ms"), ("instances", "ms"), ("filters", "ms"), ("hosts", "MiB"))


def draw(growth: Growth, file: Path) -> None:
    """Write the picture: a panel for each thing that costs grow with; a dotted line grows in proportion."""
    figure = Figure(figsize=(11, 8))
    for axes, (against, unit) in zip(figure.subplots(2, 2).flat, PANELS, strict=True):
        _panel(axes, [one for one in growth.curves if (one.against, one.unit) == (against, unit)], against, unit)
    figure.tight_layout()
    file.parent.mkdir(exist_ok=True)
    drawn = BytesIO()
    figure.savefig(drawn, dpi=80, metadata={"Software": ""})
    Image.open(drawn).convert("RGB").quantize(COLOURS).save(file, optimize=True)


def _panel(axes: Axes, curves: Sequence[Curve], against: str, unit: str) -> None:
    for one in curves:
        (line,) = axes.loglog(one.sizes, one.costs, marker="o", markersize=3, label=f"{one.name} ({one.exponent:.2f})")
        axes.loglog(one.sizes, _in_proportion(one), linestyle=":", linewidth=0.8, color=line.get_color())
    axes.set_xlabel(against)
    axes.set_ylabel(unit)
    axes.grid(visible=True, which="major", linewidth=0.3)
    axes.legend(fontsize=7, title="exponent in brackets", title_fontsize=7)


def _in_proportion(curve: Curve) -> list[float]:
    """Return the line through the last point that grows as the sizes do."""
    return [curve.costs[-1] * size / curve.sizes[-1] for size in curve.sizes]
