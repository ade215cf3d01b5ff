"""How a query becomes narrower: by aggregates of the host, and by traits of its root."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from uuid import UUID

from placement_client.query import CandidateQuery, RequestGroup
from scheduler.errors import InvalidRequest

NEEDS_RESOURCE = "flavor: needs a resource outside its groups, for traits, aggregates or a host to apply to"


def within(query: CandidateQuery, aggregates: Iterable[UUID]) -> CandidateQuery:
    """Return the query for hosts in one of these aggregates. Raises InvalidRequest where no group can say so."""
    host = _host(query)
    member_of = (*host.member_of, frozenset(aggregates))
    return replace(query, groups={**query.groups, "": replace(host, member_of=member_of)})


def outside(query: CandidateQuery, aggregates: Collection[UUID]) -> CandidateQuery:
    """Return the query for hosts in none of these aggregates. Raises InvalidRequest where no group can say so."""
    if not aggregates:
        return query
    host = _host(query)
    forbidden = host.forbidden_aggregates.union(aggregates)
    return replace(query, groups={**query.groups, "": replace(host, forbidden_aggregates=forbidden)})


def with_root_traits(query: CandidateQuery, *traits: str) -> CandidateQuery:
    """Return the query for hosts whose root has these traits, too."""
    return replace(query, root_required=query.root_required.union(traits))


def _host(query: CandidateQuery) -> RequestGroup:
    """Return the unsuffixed group, the only one that stands for the host."""
    if "" not in query.groups:
        raise InvalidRequest(NEEDS_RESOURCE)
    return query.groups[""]
