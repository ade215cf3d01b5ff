"""Filters: which hosts may take an instance, and why the others may not."""

from scheduler.filters.demands import check_demands
from scheduler.filters.protocol import (
    AnyFilter,
    CandidateFilter,
    Filter,
    judges_candidates,
    once_per_request,
    runs_on_rebuild,
)
from scheduler.filters.rebuild import filters_on_rebuild
from scheduler.filters.registry import load_filters
from scheduler.filters.requested import filters_for

__all__ = [
    "Filter",
    "CandidateFilter",
    "AnyFilter",
    "load_filters",
    "filters_for",
    "judges_candidates",
    "once_per_request",
    "runs_on_rebuild",
    "filters_on_rebuild",
    "check_demands",
]
