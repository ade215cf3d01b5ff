"""How much each host is liked: Nova's normalisation, or one that looks at each host alone, in arrays.

Nova's: a weigher's scores are clamped to its bounds and stretched to 0..1 between the lowest and the highest (its
bounds where it has them, else the lowest and highest of these hosts); where all are equal they are 0. The bounded one:
each weigher maps its scores to 0..1 itself. The total is the sum of the scores, each multiplied by the multiplier that
the weigher has for the host.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct, field

from scheduler.errors import PluginFailed
from scheduler.hosts.arrays import BoolArray, FloatArray, IntArray
from scheduler.hosts.offers import Level
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec, ScoredHost, WeigherScore
from scheduler.selection.plugins import bounds_of, concerned, multiplied, scored, scored_alone
from scheduler.weighers import ColumnWeigher, Weighed

Limits = tuple[FloatArray, FloatArray]
"""The lowest and the highest score of each weigher, shape (a, 1) each."""


class Panel(Struct, frozen=True, eq=False):
    """The a weighers that a request concerns, and where they stand among all: their ``positions``.

    ``columns`` are the columns of those of them whose score is one, by their place in the panel; ``bounded`` says that
    each maps its scores itself. ``silent`` is what the record says of a host for all weighers if none was asked.
    """

    weighers: tuple[Weighed, ...]
    positions: tuple[int, ...]
    columns: Mapping[int, Level]
    bounded: bool
    silent: tuple[WeigherScore, ...]

    def scores(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return the raw scores, shape (a, n). Raises PluginFailed."""
        return scored([one.weigher for one in self.weighers], request, hosts, self.columns)

    def bounds(self) -> Limits:
        """Return the bounds of the weighers, infinite where one has none; some know theirs only once they have scored.

        Raises PluginFailed for what is no number.
        """
        bounds = np.array([bounds_of(one.weigher) for one in self.weighers]).reshape(len(self.weighers), 2, 1)
        return bounds[:, 0], bounds[:, 1]

    def limits(self, scores: FloatArray, bounds: Limits) -> Limits:
        """Return between what scores are stretched; the bounds, for nothing, where weighers map them themselves."""
        return bounds if self.bounded else limits_of(scores, bounds)

    def normalized(self, request: RequestSpec, hosts: HostTable, scores: FloatArray, limits: Limits) -> FloatArray:
        """Return the normalised scores of these hosts, stretched between limits or as each weigher maps them."""
        if not self.bounded:
            return stretched(scores, limits)
        pairs = zip(self.weighers, scores, strict=True)
        mapped = [scored_alone(one.weigher, request, hosts, of_host) for one, of_host in pairs]
        return np.array(mapped).reshape(scores.shape)

    def added(self, weighed: FloatArray) -> FloatArray:
        """Return the totals, added up one weigher after the other: so the last bit is the same among any hosts."""
        alone = weighed.shape[1] == 1
        total = 0.0 if alone else np.zeros(weighed.shape[1])
        for shares in weighed[:, 0].tolist() if alone else weighed:
            total += shares
        total = np.atleast_1d(total)
        if not np.isfinite(total).all():
            names = ", ".join(one.weigher.name for one in self.weighers)
            raise PluginFailed(names, "the weights are too large to be added")
        return total


class Weights(Struct, eq=False):
    """Totals (k,), and for each of a weighers and host the score, the normalised score and its share; shape (a, k).

    The scores of weighers that are not in the ``panel`` are all 0. Scores are stretched between the ``limits``, unless
    the weighers map them themselves; the ``bounds`` of those give them as far as there are any. ``factors`` are the
    multipliers, shape (a, 1), or (a, k) where they differ. ``told`` keeps what the record says of hosts, by their rows.
    """

    panel: Panel
    bounds: Limits
    total: FloatArray
    raw: FloatArray
    normalized: FloatArray
    weighed: FloatArray
    limits: Limits
    factors: FloatArray
    told: dict[int, ScoredHost] = field(default_factory=dict)

    def factors_at(self, rows: IntArray) -> FloatArray:
        """Return the multipliers of these hosts."""
        return self.factors if self.factors.shape[1] == 1 else self.factors[:, rows]


def weigh_hosts(weighers: Sequence[Weighed], request: RequestSpec, hosts: HostTable) -> Weights:
    """Return the weights of these k hosts. Raises PluginFailed unless all of them are finite."""
    return weigh_with(panel_of(weighers, request), request, hosts)


def weigh_with(panel: Panel, request: RequestSpec, hosts: HostTable) -> Weights:
    """Return the weights of these k hosts by the weighers of a panel. Raises PluginFailed unless all are finite."""
    raw = panel.scores(request, hosts)
    bounds = panel.bounds()
    limits = panel.limits(raw, bounds)
    normalized = panel.normalized(request, hosts, raw, limits)
    factors = _factors(panel.weighers, hosts)
    weighed = normalized * factors
    return Weights(panel, bounds, panel.added(weighed), raw, normalized, weighed, limits, factors)


def reweigh(weights: Weights, request: RequestSpec, hosts: HostTable, rows: IntArray) -> None:
    """Bring the weights of these hosts up to date, in place, after instances were placed on those at ``rows``.

    For weighers that are ``per_host`` the outcome is that of ``weigh_hosts`` to the last bit. Raises PluginFailed.
    """
    panel, there = weights.panel, hosts.take(rows)
    raw = weights.raw[:, rows] = panel.scores(request, there)
    before, weights.limits = weights.limits, panel.limits(weights.raw, weights.bounds)
    moved = _differ(before, weights.limits)
    changed: slice | IntArray = rows
    for row in rows.tolist():
        weights.told.pop(row, None)
    if moved.any():
        weights.told.clear()
        changed, (low, high) = slice(None), weights.limits
        weights.normalized[moved] = stretched(weights.raw[moved], (low[moved], high[moved]))
        weights.weighed[moved] = weights.normalized[moved] * weights.factors[moved]
    normalized = weights.normalized[:, rows] = panel.normalized(request, there, raw, weights.limits)
    weights.weighed[:, rows] = normalized * weights.factors_at(rows)
    weights.total[changed] = panel.added(weights.weighed[:, changed])


def panel_of(weighers: Sequence[Weighed], request: RequestSpec) -> Panel:
    """Return the weighers that a request concerns. Raises PluginFailed for one that cannot tell."""
    positions = tuple([position for position, one in enumerate(weighers) if concerned(one.weigher, request)])
    wanted = tuple([weighers[position] for position in positions])
    return Panel(
        weighers=wanted,
        positions=positions,
        columns={at: one.weigher.column for at, one in enumerate(wanted) if isinstance(one.weigher, ColumnWeigher)},
        bounded=any(one.bounded for one in wanted),
        silent=tuple([WeigherScore(one.weigher.name, 0.0, 0.0, 0.0) for one in weighers]),
    )


def limits_of(scores: FloatArray, bounds: Limits) -> Limits:
    """Return the limits of scores, shape (a, k): their bounds, or their extremes where a bound is infinite."""
    low, high = bounds
    if not scores.size:
        return bounds
    lowest = np.minimum(np.minimum.reduce(scores, axis=1, keepdims=True), high)
    highest = np.maximum(np.maximum.reduce(scores, axis=1, keepdims=True), low)
    return np.where(low == -np.inf, lowest, low), np.where(high == np.inf, highest, high)


def stretched(scores: FloatArray, limits: Limits) -> FloatArray:
    """Return scores, shape (a, k), clamped to limits and stretched to 0..1 between them; 0 where those are equal."""
    low, high = limits
    normalized = np.maximum(scores, low)
    np.minimum(normalized, high, out=normalized)
    normalized -= low
    normalized /= np.where(low == high, np.inf, high - low)
    return normalized


def _factors(wanted: Sequence[Weighed], hosts: HostTable) -> FloatArray:
    factors = [multiplied(one, hosts) for one in wanted]
    if any(isinstance(factor, np.ndarray) for factor in factors):
        factors = [np.broadcast_to(factor, len(hosts)) for factor in factors]
    return np.array(factors, dtype=np.float64).reshape(len(wanted), -1 if factors else 1)


def _differ(some: Limits, others: Limits) -> BoolArray:
    (low, high), (other_low, other_high) = some, others
    differ: BoolArray = ((low != other_low) | (high != other_high))[:, 0]
    return differ
