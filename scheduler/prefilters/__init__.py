"""The question to Placement: made from the request, narrowed by prefilters."""

from scheduler.prefilters.protocol import Answer, Facts, Prefilter, Refusal, apply_prefilters
from scheduler.prefilters.question import Asking, placement_queries, placement_query
from scheduler.prefilters.registry import BUILT_IN, load_prefilters
from scheduler.prefilters.resources import asked, query_of

__all__ = [
    "placement_queries",
    "placement_query",
    "Asking",
    "query_of",
    "asked",
    "apply_prefilters",
    "load_prefilters",
    "BUILT_IN",
    "Prefilter",
    "Facts",
    "Answer",
    "Refusal",
]
