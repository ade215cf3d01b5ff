"""Whether what is held grows: a line through the samples after the warm-up, and bounds that are never passed."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from benchmarks.soak.gauges import Sample

PER = 10_000
"""Slopes are told for this many requests."""

TOLERATED: Mapping[str, float] = {"rss_kib": 2048, "objects": 1_000, "claims": 100, "holds": 150, "journal_kib": 256}
"""By how much a gauge may grow in 10,000 requests. A leak of one object a request is ten times what is tolerated."""

SETTLING = frozenset({"rss_kib"})
"""What was seen to settle only after half of a soak, and is judged by the other half."""

NEVER_MORE = ("threads", "sockets", "files")
"""What must at no time be more than it was at some time of the warm-up."""


def problems(samples: Sequence[Sample], warm_up: int) -> Iterator[str]:
    """Yield what grows; the samples up to ``warm_up`` requests show what may be held."""
    before, after = parts(samples, warm_up)
    if not before or len(after) < 4:
        yield "there are too few samples to tell"
        return
    for name, most in TOLERATED.items():
        found = slope(judged_by(after, name), name)
        if found > most:
            yield f"{name} grows by {found:,.0f} in {PER:,} requests, more than {most:,}"
    for name in NEVER_MORE:
        bound, found = (max(getattr(one, name) for one in part) for part in (before, after))
        if found > bound:
            yield f"{name} were {found}, more than the {bound} of the warm-up"


def judged_by(after: Sequence[Sample], name: str) -> Sequence[Sample]:
    """Return the samples after the warm-up that a gauge is judged by."""
    return after[len(after) // 2 :] if name in SETTLING else after


def parts(samples: Sequence[Sample], warm_up: int) -> tuple[list[Sample], list[Sample]]:
    """Return the samples of the warm-up, and the others."""
    before = [one for one in samples if one.requests <= warm_up]
    return before, [one for one in samples if one.requests > warm_up]


def slope(samples: Sequence[Sample], name: str) -> float:
    """Return by how much a gauge grows in PER requests, by least squares."""
    grown, _ = np.polyfit([one.requests for one in samples], [getattr(one, name) for one in samples], 1)
    return float(grown) * PER
