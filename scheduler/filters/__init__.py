"""Filters: which hosts may take an instance, and why the others may not."""

from scheduler.filters.demands import check_demands
from scheduler.filters.protocol import Filter, once_per_request
from scheduler.filters.registry import load_filters
from scheduler.filters.requested import filters_for

__all__ = ["Filter", "load_filters", "filters_for", "once_per_request", "check_demands"]
