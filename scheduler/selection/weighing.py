"""How much each host is liked: Nova's normalisation, or one that looks at each host alone, in arrays.

Nova's: a weigher's scores are clamped to its bounds and stretched to 0..1 between the lowest and the highest (its
bounds where it has them, else the lowest and highest of these hosts); where all are equal they are 0. The bounded one:
each weigher maps its scores to 0..1 itself. The total is the sum of the scores, each multiplied by the multiplier that
the weigher has for the host.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache, reduce
from operator import iadd

import numpy as np
from msgspec import Struct, field

from scheduler.errors import PluginFailed
from scheduler.hosts.arrays import BoolArray, FloatArray, IntArray
from scheduler.hosts.offers import Level
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec, ScoredHost, WeigherScore
from scheduler.selection.plugins import bounds_of, concerned, multiplied, scored, scored_alone
from scheduler.weighers import ColumnWeigher, Weighed

UNBOUNDED = (-np.inf, np.inf)
Limits = tuple[FloatArray, FloatArray]
"""The lowest and the highest score of each weigher, shape (a, 1) each."""


class Panel(Struct, frozen=True, eq=False):
    """The a weighers that a request concerns, and where they stand among all: their ``positions``.

    ``columns`` are the columns of those of them whose score is one, by their place in the panel, and ``bounded`` says
    that each maps its scores itself. ``known`` (a, 2) are the bounds of those with a column. ``factors`` (a, 1) are the
    configured multipliers, which hold unless an aggregate has one of the ``keys``, or ``multiplying``, some weigher,
    has multipliers of its own. ``silent`` is what the record says of a host for all weighers if none was asked.
    """

    weighers: tuple[Weighed, ...]
    names: tuple[str, ...]
    positions: tuple[int, ...]
    columns: Mapping[int, Level]
    bounded: bool
    known: FloatArray
    factors: FloatArray
    keys: frozenset[str]
    multiplying: bool
    silent: tuple[WeigherScore, ...]

    def scores(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return the raw scores, shape (a, n). Raises PluginFailed."""
        return scored([one.weigher for one in self.weighers], request, hosts, self.columns)

    def bounds(self) -> Limits:
        """Return the bounds of the weighers, infinite where one has none; some know theirs only once they have scored.

        Raises PluginFailed for what is no number.
        """
        bounds = self.known.copy()
        for place, one in enumerate(self.weighers):
            if place not in self.columns:
                bounds[place] = bounds_of(one.weigher)
        return bounds[:, :1], bounds[:, 1:]

    def multipliers(self, hosts: HostTable) -> FloatArray:
        """Return the multipliers, shape (a, 1), or (a, n) where hosts differ. Raises PluginFailed."""
        if not self.multiplying and hosts.aggregate_keys.isdisjoint(self.keys):
            return self.factors
        factors = [np.broadcast_to(multiplied(one, hosts), len(hosts)) for one in self.weighers]
        return np.array(factors).reshape(len(factors), len(hosts))

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
        if weighed.shape[1] == 1:  # numbers are far cheaper than arrays of one, and are added in the same order
            total = np.array([reduce(iadd, weighed[:, 0].tolist(), 0.0)])
        else:
            total = reduce(iadd, weighed, np.zeros(weighed.shape[1]))
        if not np.isfinite(total).all():
            raise PluginFailed(", ".join(self.names), "the weights are too large to be added")
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

    def factors_at(self, rows: slice | IntArray) -> FloatArray:
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
    factors = panel.multipliers(hosts)
    weighed = normalized * factors
    return Weights(panel, bounds, panel.added(weighed), raw, normalized, weighed, limits, factors)


def reweigh(weights: Weights, request: RequestSpec, hosts: HostTable, rows: IntArray) -> None:
    """Bring the weights of these hosts up to date, in place, after instances were placed on those at ``rows``.

    For weighers that are ``per_host`` the outcome is that of ``weigh_hosts`` to the last bit. Raises PluginFailed.
    """
    panel, there = weights.panel, hosts.take(rows)
    at = slice(rows.item(), rows.item() + 1) if len(rows) == 1 else rows
    raw = weights.raw[:, at] = panel.scores(request, there)
    before, weights.limits = weights.limits, panel.limits(weights.raw, weights.bounds)
    moved = _differ(before, weights.limits)
    changed = at
    for row in rows.tolist():
        weights.told.pop(row, None)
    if moved.any():
        weights.told.clear()
        changed, (low, high) = slice(None), weights.limits
        weights.normalized[moved] = stretched(weights.raw[moved], (low[moved], high[moved]))
        weights.weighed[moved] = weights.normalized[moved] * weights.factors[moved]
    normalized = weights.normalized[:, at] = panel.normalized(request, there, raw, weights.limits)
    weights.weighed[:, at] = normalized * weights.factors_at(at)
    weights.total[changed] = panel.added(weights.weighed[:, changed])


def panel_of(weighers: Sequence[Weighed], request: RequestSpec) -> Panel:
    """Return the weighers that a request concerns. Raises PluginFailed for one that cannot tell."""
    weighers = tuple(weighers)
    unconcerned = [place for place in _choosy(weighers) if not concerned(weighers[place].weigher, request)]
    return _panel(weighers, tuple([place for place in range(len(weighers)) if place not in unconcerned]))


@lru_cache(maxsize=32)
def _choosy(weighers: tuple[Weighed, ...]) -> tuple[int, ...]:
    """Return the places of the weighers that some requests do not concern."""
    return tuple(place for place, one in enumerate(weighers) if hasattr(one.weigher, "concerns"))


@lru_cache(maxsize=32)
def _panel(weighers: tuple[Weighed, ...], positions: tuple[int, ...]) -> Panel:
    wanted = tuple([weighers[position] for position in positions])
    columns = {at: one.weigher.column for at, one in enumerate(wanted) if isinstance(one.weigher, ColumnWeigher)}
    known = np.array([bounds_of(one.weigher) if at in columns else UNBOUNDED for at, one in enumerate(wanted)])
    factors = np.array([one.sign * one.multiplier for one in wanted])
    return Panel(
        weighers=wanted,
        names=tuple([one.weigher.name for one in wanted]),
        positions=positions,
        columns=columns,
        bounded=any(one.bounded for one in wanted),
        known=known.reshape(len(wanted), 2),
        factors=factors.reshape(len(wanted), 1),
        keys=frozenset(one.key for one in wanted),
        multiplying=any(hasattr(one.weigher, "multipliers") for one in wanted),
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


def _differ(some: Limits, others: Limits) -> BoolArray:
    (low, high), (other_low, other_high) = some, others
    differ: BoolArray = ((low != other_low) | (high != other_high))[:, 0]
    return differ
