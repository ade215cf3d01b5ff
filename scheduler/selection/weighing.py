"""How much each host is liked: Nova's normalisation, or one that looks at each host alone, in arrays.

Nova's: a weigher's scores are clamped to its bounds and stretched to 0..1 between the lowest and the highest (its
bounds where it has them, else the lowest and highest of these hosts); where all are equal they are 0. The bounded one:
each weigher maps its scores to 0..1 itself. The total is the sum of the scores, each multiplied by the multiplier that
the weigher has for the host.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.errors import PluginFailed
from scheduler.hosts.arrays import FloatArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.selection.plugins import bounds_of, multiplied, scored, scored_alone
from scheduler.weighers import Weighed


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
    raw, normalized, weighed = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    total = np.zeros(len(hosts))
    for position, one in enumerate(weighers):
        raw[position] = scored(one.weigher, request, hosts)
        normalized[position] = _normalized(one, request, hosts, raw[position])
        weighed[position] = normalized[position] * multiplied(one, hosts)
        total += weighed[position]  # in the weighers' order, so that the last bit is the same among any hosts
    if not np.isfinite(total).all():
        raise PluginFailed(", ".join(one.weigher.name for one in weighers), "the weights are too large to be added")
    return Weights(total, raw, normalized, weighed)


def _normalized(one: Weighed, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
    if one.bounded:
        return scored_alone(one.weigher, request, hosts, scores)
    return normalize(scores, *bounds_of(one.weigher))


def normalize(scores: FloatArray, minval: float | None, maxval: float | None) -> FloatArray:
    """Stretch scores to 0..1 between the bounds, or the extremes where a bound is None; all 0 where those are equal."""
    if not scores.size:
        return scores
    clamped = np.clip(scores, -np.inf if minval is None else minval, np.inf if maxval is None else maxval)
    low = clamped.min() if minval is None else minval
    high = clamped.max() if maxval is None else maxval
    return np.zeros_like(clamped) if low == high else (clamped - low) / (high - low)
