"""Filter, weigh and order the hosts for one instance."""

import hashlib
from dataclasses import dataclass

import numpy as np

from scheduler.filters import check_demands
from scheduler.hosts.arrays import FloatArray, IntArray
from scheduler.hosts.table import HostTable
from scheduler.model import FilterStep, RequestSpec, ScoredHost, WeigherScore
from scheduler.randomness import RandomStream
from scheduler.selection.filtering import Settled, filter_hosts
from scheduler.selection.ordering import order_hosts
from scheduler.selection.plugins import Plugins, check_hints
from scheduler.selection.weighing import Weights, weigh_hosts
from scheduler.weighers import check_wishes


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """The hosts for one instance, best first.

    ``rows`` (k,) are rows of the table that was ranked, and of ``hosts``, the same table without the candidates that
    filters dropped; ``steps`` say what each filter did; ``best_hosts`` how the first hosts came by their place.
    ``digest`` stands for all places and totals and for the draws up to then.
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
    plugins: Plugins, settled: Settled, request: RequestSpec, hosts: HostTable, stream: RandomStream, *, best: int
) -> Ranked:
    """Return the hosts that may take the instance, best first, and the scores of the ``best`` first ones.

    ``settled`` are the answers of ``settle`` for this request, over the same hosts. PluginFailed names a filter or
    weigher that does anything but answer.
    """
    filtered = filter_hosts(plugins.filters, settled, request, hosts)
    left = filtered.hosts.take(filtered.kept)
    weights = weigh_hosts(plugins.weighers, request, left)
    order = order_hosts(weights.total, stream, plugins.order)
    names = [one.weigher.name for one in plugins.weighers]
    scored = tuple(_scored(int(row), left, names, weights) for row in order[:best])
    rows = filtered.kept[order]
    return Ranked(rows, filtered.hosts, filtered.steps, scored, _digest(rows, weights.total[order], stream))


def _digest(rows: IntArray, totals: FloatArray, stream: RandomStream) -> str:
    # Also of the stream: where nothing ties, no draw shows in the order, and a wrong seed would go unnoticed.
    parts = (len(rows).to_bytes(8), rows.astype("<i8").tobytes(), totals.astype("<f8").tobytes(), stream.state())
    return hashlib.blake2b(b"".join(parts), digest_size=16).hexdigest()


def _scored(row: int, hosts: HostTable, names: list[str], weights: Weights) -> ScoredHost:
    columns = np.stack((weights.raw[:, row], weights.normalized[:, row], weights.weighed[:, row]), axis=1).tolist()
    scores = tuple(
        WeigherScore(name=name, raw=raw, normalized=normalized, weighed=weighed)
        for name, (raw, normalized, weighed) in zip(names, columns, strict=True)
    )
    return ScoredHost(host=hosts.names[row], total=float(weights.total[row]), scores=scores)
