"""The plot of what ranking costs against hosts; the only user of matplotlib here."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.speed.report import ROOT, Point

FILE = ROOT / "docs" / "images" / "rank.png"
INCHES, DOTS = (6.4, 4.0), 110


def draw(points: Sequence[Point], file: Path = FILE) -> None:
    """Write the plot, both axes logarithmic."""
    mpl.use("Agg")
    figure = Figure(figsize=INCHES, layout="constrained")
    axes = figure.subplots()
    compared = [(point.hosts, point.nova) for point in points if point.nova is not None]
    axes.plot(*zip(*compared, strict=True), marker="s", label="Nova 34")
    axes.plot([point.hosts for point in points], [point.ours for point in points], marker="o", label="this scheduler")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="hosts",
        ylabel="milliseconds",
        title="Filter, weigh and order for one instance",
    )
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=DOTS, metadata={"Software": None})
