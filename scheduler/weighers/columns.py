"""Weighers whose score is a column of the host table: a request has all of them at once."""

from scheduler.hosts.arrays import FloatArray
from scheduler.hosts.offers import Level
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec


class ColumnWeigher:
    """What these weighers share: the score is ``column``, and nothing placed elsewhere changes it.

    Such a weigher is not asked, so its bounds are read once and stay what they were.
    """

    column: Level
    per_host = True

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return the column."""
        scores: FloatArray = hosts.levels((self.column,))[0]
        return scores
