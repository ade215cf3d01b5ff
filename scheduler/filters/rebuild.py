"""Which filters judge an instance that is built again where it is: the one place that decides it."""

from collections.abc import Sequence

import numpy as np

from scheduler.filters.protocol import AnyFilter, runs_on_rebuild
from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec


class ImageTraitsFilter:
    """Instances that hold room of providers which, together, have the traits that the image requires.

    Rule: Nova's conductor checks it before it rebuilds. Where an instance is placed, Placement does.
    """

    name = "ImageTraitsFilter"
    reason = "image_traits_missing"

    def keeps(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which candidates have all of the traits on the providers that they name."""
        offers, candidates = hosts.offers, hosts.offers.candidates
        keeps = np.ones(len(hosts.candidates), dtype=np.bool_)
        for trait in request.image.traits_required if request.image else ():
            has = np.logical_or.reduceat(offers.bearing(trait, candidates.slots), candidates.starts[:-1])
            keeps &= has[hosts.candidates]
        return keeps


def filters_on_rebuild(enabled: Sequence[AnyFilter]) -> tuple[AnyFilter, ...]:
    """Return the filters of a rebuild: those that say they run then, and the traits of the image."""
    return (*filter(runs_on_rebuild, enabled), ImageTraitsFilter())
