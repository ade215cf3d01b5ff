"""Leave out hosts whose compute service is disabled, as Nova's compute status prefilter does."""

from dataclasses import replace

from placement_client.query import CandidateQuery, minor_of
from scheduler.model import RequestSpec

DISABLED = "COMPUTE_STATUS_DISABLED"


def compute_status_filter(spec: RequestSpec, query: CandidateQuery, microversion: str) -> CandidateQuery:
    """Forbid the trait of disabled services on the root; before 1.35 only ComputeFilter can see it."""
    if minor_of(microversion) < 35 or DISABLED in query.root_required:
        return query
    return replace(query, root_forbidden=query.root_forbidden | {DISABLED})
