"""Leave out hosts whose compute service is disabled, as Nova's compute status prefilter does."""

from dataclasses import replace

from placement_client.query import CandidateQuery, minor_of
from scheduler.model import RequestSpec
from scheduler.prefilters.protocol import Answer, Facts
from scheduler.settings import PrefilterSettings

DISABLED = "COMPUTE_STATUS_DISABLED"


def compute_status_filter(
    request: RequestSpec, query: CandidateQuery, facts: Facts, microversion: str, settings: PrefilterSettings
) -> Answer:
    """Forbid the trait of disabled services on the root; before 1.35 only ComputeFilter can see it."""
    if minor_of(microversion) < 35 or DISABLED in query.root_required:
        return query
    return replace(query, root_forbidden=query.root_forbidden | {DISABLED})
