"""What a prefilter is: a function that narrows the question to Placement, so that fewer hosts come back at all."""

from collections.abc import Callable, Iterable

from placement_client.query import CandidateQuery
from scheduler.model import RequestSpec

# The request, the query so far and the microversion in force give the query to go on with.
Prefilter = Callable[[RequestSpec, CandidateQuery, str], CandidateQuery]


def apply_prefilters(
    prefilters: Iterable[Prefilter], spec: RequestSpec, query: CandidateQuery, microversion: str
) -> CandidateQuery:
    """Return the query after all prefilters, in their order."""
    for prefilter in prefilters:
        query = prefilter(spec, query, microversion)
    return query
