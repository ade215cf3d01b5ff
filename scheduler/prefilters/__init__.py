"""The question to Placement: made from the request, narrowed by prefilters."""

from scheduler.prefilters.protocol import Prefilter, apply_prefilters
from scheduler.prefilters.question import PREFILTERS, placement_query
from scheduler.prefilters.resources import asked, query_of
from scheduler.prefilters.status import compute_status_filter

__all__ = [
    "placement_query",
    "query_of",
    "asked",
    "apply_prefilters",
    "compute_status_filter",
    "Prefilter",
    "PREFILTERS",
]
