"""The whole question to Placement: made from the request, then narrowed by every prefilter."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from placement_client.query import CandidateQuery
from scheduler.model import RequestSpec
from scheduler.prefilters.protocol import Prefilter, apply_prefilters
from scheduler.prefilters.resources import query_of
from scheduler.prefilters.status import compute_status_filter

PREFILTERS: tuple[Prefilter, ...] = (compute_status_filter,)


def placement_query(
    spec: RequestSpec, *, limit: int | None, targets: Sequence[UUID] | None = None, microversion: str
) -> CandidateQuery:
    """Return the complete query of a request.

    ``targets`` are the root providers of the forced or requested host: one becomes ``in_tree``; among several the
    filters choose, so that no limit may cut them off. Raises InvalidRequest with every problem of the request.
    """
    query = query_of(spec, limit=limit, in_tree=targets[0] if targets and len(targets) == 1 else None)
    if targets and len(targets) > 1:
        query = replace(query, limit=None)
    return apply_prefilters(PREFILTERS, spec, query, microversion)
