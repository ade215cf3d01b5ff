"""The parts of a run, each measured by itself."""

from contextlib import ExitStack

from benchmarks.growth import curves, memory, results

PARTS = ("hosts", "instances", "filters", "memory")


def measured(part: str, sizes: curves.Sizes, samples: int, tell: curves.Tell) -> list[results.Curve]:
    """Measure the curves of one part; its fleets alone are in memory meanwhile."""
    with ExitStack() as stack:
        if part == "hosts":
            return curves.measured(curves.over_hosts(sizes.hosts, stack), samples, tell)
        if part == "instances":
            return curves.measured(list(curves.over_batches(sizes.batches, sizes.fleets, stack)), samples, tell)
        if part == "filters":
            return curves.measured(list(curves.over_filters(sizes.filters, sizes.fleets)), samples, tell)
    tell("memory at its peak")
    return [memory.peaks(sizes.hosts)]
