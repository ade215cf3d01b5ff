"""What a weigher is."""

from dataclasses import dataclass
from typing import Protocol

from scheduler.hosts.arrays import FloatArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec


class Weigher(Protocol):
    """Says how much it likes each host.

    ``name`` is what operators write in the ini. A weigher may have ``minval`` and ``maxval``, to which scores are
    clamped and which stand for the lowest and highest score when they are normalised, ``hints``, a frozenset of the
    names of the scheduler hints that it reads, and, out of the tree, a ``multiplier``.
    """

    name: str

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return raw scores, shape (n,), higher is better before the multiplier."""
        ...


@dataclass(frozen=True, slots=True)
class Weighed:
    """A loaded weigher and its multiplier; a negative one turns it around."""

    weigher: Weigher
    multiplier: float
