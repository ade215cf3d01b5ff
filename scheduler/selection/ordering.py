"""From weights to an order."""

import numpy as np

from scheduler.hosts.arrays import FloatArray, IntArray
from scheduler.randomness import RandomStream
from scheduler.settings import OrderSettings

DRAWN = 64
"""How many places are drawn among hosts that tie at the top; far more than an instance and its alternates take."""


def order_hosts(total: FloatArray, stream: RandomStream, settings: OrderSettings) -> IntArray:
    """Return the positions of the hosts, best first, shape (k,).

    Descending by weight and stable. ``shuffle_best_same_weighed_hosts`` shuffles the hosts that tie at the top (the
    first 64 places are drawn, each exactly uniformly); then one of the first ``host_subset_size`` is drawn to the
    front and the others keep their order.
    """
    order = np.argsort(-total, kind="stable")
    if settings.shuffle_best_same_weighed_hosts and order.size:
        _shuffle_front(order, int(np.count_nonzero(total == total[order[0]])), stream)
    subset = min(settings.host_subset_size, len(order))
    return _drawn_first(order, stream.below(subset)) if subset > 1 else order


def _shuffle_front(order: IntArray, ties: int, stream: RandomStream) -> None:
    for place in range(min(ties - 1, DRAWN)):
        other = place + stream.below(ties - place)
        order[[place, other]] = order[[other, place]]


def _drawn_first(order: IntArray, place: int) -> IntArray:
    return np.concatenate((order[place : place + 1], order[:place], order[place + 1 :]))
