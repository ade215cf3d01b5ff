"""From weights to an order."""

import numpy as np

from scheduler.hosts.arrays import FloatArray, IntArray
from scheduler.randomness import RandomStream
from scheduler.settings import OrderSettings

DRAWN = 64
"""How many places are drawn at most among hosts that tie at the top; far more than an instance and its alternates
take."""

FEW = 16
SMALL = 256
"""So many weights are sorted sooner than the first ones among them are found."""


def order_hosts(
    total: FloatArray, stream: RandomStream, settings: OrderSettings, first: int | None = None, drawn: int = DRAWN
) -> IntArray:
    """Return the positions of the hosts, best first, shape (k,); of the ``first`` ones at least, where that is given.

    Descending by weight and stable. ``shuffle_best_same_weighed_hosts`` shuffles the hosts that tie at the top (the
    first ``drawn`` places are drawn, each exactly uniformly); then one of the first ``host_subset_size`` is drawn to
    the front and the others keep their order.
    """
    subset = min(settings.host_subset_size, len(total))
    order = _first(total, max(first, subset)) if first is not None else np.argsort(-total, kind="stable")
    if settings.shuffle_best_same_weighed_hosts and order.size:
        best = total[order]  # with all that tie at the top
        ties = int(np.count_nonzero(best == best[0]))
        _shuffle_front(order, ties, min(max(drawn, subset), DRAWN), stream)
    return _drawn_first(order, stream.below(subset)) if subset > 1 else order


def _first(total: FloatArray, wanted: int) -> IntArray:
    """Return at least so many first places, and all that tie with the last of them."""
    if not 0 < wanted < len(total) or len(total) <= SMALL:
        return np.argsort(-total, kind="stable")
    found = (total >= _place(total, wanted)).nonzero()[0]
    return found[np.argsort(-total[found], kind="stable")]


def _place(total: FloatArray, wanted: int) -> float:
    """Return the weight of the host in this place; to look for a few maxima is far cheaper than to part all weights."""
    if wanted > FEW:
        return float(np.partition(total, -wanted)[-wanted])
    left = total.copy()
    for _ in range(wanted - 1):
        left[left.argmax()] = -np.inf
    return float(left.max())


def _shuffle_front(order: IntArray, ties: int, drawn: int, stream: RandomStream) -> None:
    for place in range(min(ties - 1, drawn)):
        other = place + stream.below(ties - place)
        order[place], order[other] = order[other], order[place]


def _drawn_first(order: IntArray, place: int) -> IntArray:
    return np.concatenate((order[place : place + 1], order[:place], order[place + 1 :]))
