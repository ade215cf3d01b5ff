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
from scheduler.hosts.arrays import BoolArray, FloatArray, IntArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.selection.plugins import bounds_of, concerned, multiplied, scored, scored_alone
from scheduler.weighers import Weighed

Limits = tuple[FloatArray, FloatArray]
"""The lowest and the highest score of each weigher, shape (a, 1) each."""


@dataclass(slots=True, eq=False)
class Weights:
    """Totals (k,), and for each of a weighers and host the score, the normalised score and its share; shape (a, k).

    ``asked`` (a,) are the positions of the weighers that the request concerns; those of the others are all 0. Scores
    are stretched between the ``limits``, unless they are mapped by the weighers themselves; the ``bounds`` of those
    give them as far as there are any. ``factors`` are the multipliers, shape (a, 1), or (a, k) where they differ.
    """

    total: FloatArray
    asked: IntArray
    bounds: Limits
    raw: FloatArray
    normalized: FloatArray
    weighed: FloatArray
    limits: Limits
    factors: FloatArray

    def factors_at(self, rows: IntArray) -> FloatArray:
        """Return the multipliers of these hosts."""
        return self.factors if self.factors.shape[1] == 1 else self.factors[:, rows]


def weigh_hosts(weighers: Sequence[Weighed], request: RequestSpec, hosts: HostTable) -> Weights:
    """Return the weights of these k hosts. Raises PluginFailed unless all of them are finite."""
    asked = [position for position, one in enumerate(weighers) if concerned(one.weigher, request)]
    wanted = [weighers[position] for position in asked]
    raw = _scores(wanted, request, hosts)
    bounds = _bounds(wanted)
    limits = _limits(wanted, raw, bounds)
    normalized = _normalized(wanted, request, hosts, raw, limits)
    factors = _factors(wanted, hosts)
    weighed = normalized * factors
    total = _added(wanted, weighed)
    return Weights(total, np.array(asked, dtype=np.int64), bounds, raw, normalized, weighed, limits, factors)


def reweigh(
    weights: Weights, weighers: Sequence[Weighed], request: RequestSpec, hosts: HostTable, rows: IntArray
) -> None:
    """Bring the weights of these hosts up to date, in place, after instances were placed on those at ``rows``.

    For weighers that are ``per_host`` the outcome is that of ``weigh_hosts`` to the last bit. Raises PluginFailed.
    """
    wanted, there = [weighers[position] for position in weights.asked], hosts.take(rows)
    weights.raw[:, rows] = _scores(wanted, request, there)
    before, weights.limits = weights.limits, _limits(wanted, weights.raw, weights.bounds)
    moved = _differ(before, weights.limits)
    if moved.any():
        low, high = weights.limits
        weights.normalized[moved] = stretched(weights.raw[moved], (low[moved], high[moved]))
        weights.weighed[moved] = weights.normalized[moved] * weights.factors[moved]
    weights.normalized[:, rows] = _normalized(wanted, request, there, weights.raw[:, rows], weights.limits)
    weights.weighed[:, rows] = weights.normalized[:, rows] * weights.factors_at(rows)
    changed = slice(None) if moved.any() else rows
    weights.total[changed] = _added(wanted, weights.weighed[:, changed])


def limits_of(scores: FloatArray, bounds: Limits) -> Limits:
    """Return the limits of scores, shape (a, k): their bounds, or their extremes where a bound is infinite."""
    low, high = bounds
    if not scores.size:
        return bounds
    lowest = np.minimum(scores.min(axis=1, keepdims=True), high)
    highest = np.maximum(scores.max(axis=1, keepdims=True), low)
    return np.where(np.isinf(low), lowest, low), np.where(np.isinf(high), highest, high)


def stretched(scores: FloatArray, limits: Limits) -> FloatArray:
    """Return scores, shape (a, k), clamped to limits and stretched to 0..1 between them; 0 where those are equal."""
    low, high = limits
    normalized = np.minimum(np.maximum(scores, low), high)
    normalized -= low
    normalized /= np.where(low == high, np.inf, high - low)
    return normalized


def _scores(wanted: Sequence[Weighed], request: RequestSpec, hosts: HostTable) -> FloatArray:
    return scored([one.weigher for one in wanted], request, hosts)


def _bounds(wanted: Sequence[Weighed]) -> Limits:
    bounds = np.array([bounds_of(one.weigher) for one in wanted]).reshape(len(wanted), 2, 1)
    return bounds[:, 0], bounds[:, 1]


def _limits(wanted: Sequence[Weighed], raw: FloatArray, bounds: Limits) -> Limits:
    return bounds if _bounded(wanted) else limits_of(raw, bounds)


def _bounded(wanted: Sequence[Weighed]) -> bool:
    return any(one.bounded for one in wanted)


def _normalized(
    wanted: Sequence[Weighed], request: RequestSpec, hosts: HostTable, raw: FloatArray, limits: Limits
) -> FloatArray:
    if not _bounded(wanted):
        return stretched(raw, limits)
    pairs = zip(wanted, raw, strict=True)
    return np.array([scored_alone(one.weigher, request, hosts, scores) for one, scores in pairs]).reshape(raw.shape)


def _factors(wanted: Sequence[Weighed], hosts: HostTable) -> FloatArray:
    factors = [multiplied(one, hosts) for one in wanted]
    if any(isinstance(factor, np.ndarray) for factor in factors):
        factors = [np.broadcast_to(factor, len(hosts)) for factor in factors]
    return np.array(factors, dtype=np.float64).reshape(len(wanted), -1 if factors else 1)


def _differ(some: Limits, others: Limits) -> BoolArray:
    (low, high), (other_low, other_high) = some, others
    differ: BoolArray = ((low != other_low) | (high != other_high))[:, 0]
    return differ


def _added(wanted: Sequence[Weighed], weighed: FloatArray) -> FloatArray:
    """Return the totals, added up one weigher after the other: so the last bit is the same among any hosts."""
    total = np.zeros(weighed.shape[1])
    for shares in weighed:
        total += shares
    if not np.isfinite(total).all():
        raise PluginFailed(", ".join(one.weigher.name for one in wanted), "the weights are too large to be added")
    return total
