"""How much each host is liked: Nova's normalisation, in arrays.

A weigher's scores are clamped to its bounds and stretched to 0..1 between the lowest and the highest (its bounds where
it has them, else the lowest and highest of these hosts); where all are equal they are 0. The total is the sum of the
multiplied scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.errors import PluginFailed
from scheduler.hosts.arrays import FloatArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.selection.plugins import scored
from scheduler.weighers import Weighed, Weigher


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Totals (k,), and for each weigher and host the score, the normalised score and its share; shape (w, k)."""

    total: FloatArray
    raw: FloatArray
    normalized: FloatArray
    weighed: FloatArray


def weigh_hosts(weighers: Sequence[Weighed], request: RequestSpec, hosts: HostTable) -> Weights:
    """Return the weights of these k hosts. Raises PluginFailed unless all of them are finite."""
    shape = (len(weighers), len(hosts))
    raw, normalized = np.zeros(shape), np.zeros(shape)
    for position, one in enumerate(weighers):
        raw[position] = scored(one.weigher, request, hosts)
        normalized[position] = normalize(raw[position], *_bounds(one.weigher))
    weighed = normalized * np.array([[one.multiplier] for one in weighers]).reshape(-1, 1)
    total = weighed.sum(axis=0)
    if not np.isfinite(total).all():
        raise PluginFailed(", ".join(one.weigher.name for one in weighers), "the weights are too large to be added")
    return Weights(total, raw, normalized, weighed)


def normalize(scores: FloatArray, minval: float | None, maxval: float | None) -> FloatArray:
    """Stretch scores to 0..1 between the bounds, or the extremes where a bound is None; all 0 where those are equal."""
    if not scores.size:
        return scores
    clamped = np.clip(scores, -np.inf if minval is None else minval, np.inf if maxval is None else maxval)
    low = clamped.min() if minval is None else minval
    high = clamped.max() if maxval is None else maxval
    return np.zeros_like(clamped) if low == high else (clamped - low) / (high - low)


def _bounds(weigher: Weigher) -> tuple[float | None, float | None]:
    return getattr(weigher, "minval", None), getattr(weigher, "maxval", None)
