"""What a weigher is."""

from typing import Protocol

from msgspec import Struct

from scheduler.hosts.arrays import FloatArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec


class Weigher(Protocol):
    """Says how much it likes each host.

    ``name`` is what operators write in the ini. A weigher may have

    * ``minval`` and ``maxval``, to which scores are clamped and which stand for the lowest and highest score when they
      are normalised;
    * ``bounded(request, hosts, scores)``, which maps scores to 0..1 by nothing but what each host is, and which
      ``weight_normalization = bounded`` needs;
    * ``multiplier_key``, the key of aggregate metadata that overrides its multiplier, and ``multiplier_sign``, -1.0
      where the multiplier is negated;
    * ``per_host = True``, when its score of a host depends on nothing but the request, its group and its instance left
      out, and on that host; it is then asked about a host again only when an instance was placed there (one with
      ``multipliers`` of its own always is);
    * ``concerns(request)``, False where the request gives it nothing to weigh, and every score would be 0, bounded or
      not; the same for every instance of a batch;
    * ``hints``, a frozenset of the names of the scheduler hints that it reads;
    * out of the tree, a ``multiplier``, and ``multipliers(hosts)``, a factor for each host, float64, shape (n,), by
      which that is multiplied.
    """

    name: str

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return raw scores, shape (n,), higher is better before the multiplier."""
        ...


class Weighed(Struct, frozen=True, eq=False):
    """A loaded weigher, its multiplier (a negative one turns it around), and how its scores are made comparable.

    ``key`` is the metadata key by which aggregates override the multiplier, "" where none does; ``sign`` is what either
    is multiplied by. ``bounded`` says that each score is mapped to 0..1 by itself.
    """

    weigher: Weigher
    multiplier: float
    key: str = ""
    sign: float = 1.0
    bounded: bool = False
