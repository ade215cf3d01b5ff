"""Filter, weigh and order the hosts for one instance."""

import hashlib

from msgspec import Struct

from scheduler.filters import check_demands
from scheduler.hosts.arrays import FloatArray, IntArray
from scheduler.hosts.table import HostTable
from scheduler.model import FilterStep, RequestSpec, ScoredHost, WeigherScore
from scheduler.randomness import RandomStream
from scheduler.selection.filtering import filter_hosts
from scheduler.selection.fingerprint import fingerprint
from scheduler.selection.memory import Filtered, Memory
from scheduler.selection.ordering import order_hosts
from scheduler.selection.plugins import Plugins, check_hints
from scheduler.selection.weighing import Weights
from scheduler.weighers import check_wishes


class Ranked(Struct, frozen=True, eq=False):
    """The first hosts for one instance, best first.

    ``rows`` are rows of the table that was ranked, and of ``hosts``, the same table without the candidates that
    filters dropped; ``steps`` say what each filter did; ``best_hosts`` how the first hosts came by their place.
    ``digest`` stands for all hosts and totals and for the draws up to then.
    """

    rows: IntArray
    hosts: HostTable
    steps: tuple[FilterStep, ...]
    best_hosts: tuple[ScoredHost, ...]
    digest: str


def check_request(plugins: Plugins, request: RequestSpec) -> None:
    """Raise InvalidRequest naming every demand that no enabled plugin honours, and every one that is malformed."""
    check_demands(plugins.filters, request)
    check_wishes(plugins.weighers, request)
    check_hints(plugins, request)


def rank_hosts(
    plugins: Plugins,
    memory: Memory,
    request: RequestSpec,
    hosts: HostTable,
    stream: RandomStream,
    *,
    best: int,
    places: int | None = None,
) -> Ranked:
    """Return the hosts that may take the instance, best first, and the scores of the ``best`` first ones.

    ``places`` is how many of them may be taken; all where it is None. ``memory`` is what ``settle`` returned for this
    request, over the same hosts. PluginFailed names a filter or weigher that does anything but answer.
    """
    filtered = filter_hosts(memory, request, hosts)
    left = filtered.hosts.take(filtered.kept)
    weights = memory.weigh(plugins.weighers, request, left)
    if places is None:
        order = order_hosts(weights.total, stream, plugins.order)
    else:
        order = order_hosts(weights.total, stream, plugins.order, max(places, best), places)
    scored = _scored(order[:best], left, weights)
    digest = _digest(filtered, weights.total, stream)
    return Ranked(filtered.kept[order], filtered.hosts, filtered.steps, scored, digest)


def _digest(filtered: Filtered, totals: FloatArray, stream: RandomStream) -> str:
    # Also of the stream: where nothing ties, no draw shows in the order, and a wrong seed would go unnoticed.
    known = (len(totals), filtered.stands_for, fingerprint(totals))
    digest = hashlib.blake2b(b"".join(number.to_bytes(8) for number in known), digest_size=16)
    digest.update(stream.state())
    return digest.hexdigest()


def _scored(places: IntArray, hosts: HostTable, weights: Weights) -> tuple[ScoredHost, ...]:
    """Return how the hosts at these places came by their totals, weigher by weigher."""
    told, found = weights.told, []
    for place in places.tolist():
        if place not in told:
            host = hosts.offers.names[hosts.hosts[place]]
            told[place] = ScoredHost(host=host, total=weights.total.item(place), scores=_by_weigher(weights, place))
        found.append(told[place])
    return tuple(found)


def _by_weigher(weights: Weights, place: int) -> tuple[WeigherScore, ...]:
    """Return the scores of a host by all weighers: nothing for those that were not asked."""
    panel, parts = weights.panel, (weights.raw, weights.normalized, weights.weighed)
    scores = map(WeigherScore, panel.names, *[part[:, place].tolist() for part in parts])
    found = list(panel.silent)
    for position, score in zip(panel.positions, scores, strict=True):
        found[position] = score
    return tuple(found)
