"""The listed differences: what Nova does otherwise, on purpose, and where that shows."""

from parity.differences import decisions, filters, groups, json_queries, questions, weighers
from parity.differences.table import Difference

DIFFERENCES: tuple[Difference, ...] = (
    *filters.DIFFERENCES,
    *json_queries.DIFFERENCES,
    *groups.DIFFERENCES,
    *weighers.DIFFERENCES,
    *questions.DIFFERENCES,
    *decisions.DIFFERENCES,
)
"""Every listed difference."""
