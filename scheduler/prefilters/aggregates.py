"""Prefilters by aggregate: whose hosts they are, in which zone, isolated for a trait, or on a network's segment."""

from placement_client.query import CandidateQuery
from scheduler.model import RequestSpec
from scheduler.model.facts import TENANT_KEY, ZONE_KEY
from scheduler.prefilters.narrowing import outside, within
from scheduler.prefilters.protocol import Answer, Facts, Refusal
from scheduler.settings import PrefilterSettings

TRAIT_KEY = "trait:"


def require_tenant_aggregate(
    request: RequestSpec, query: CandidateQuery, facts: Facts, microversion: str, settings: PrefilterSettings
) -> Answer:
    """Keep a project to the aggregates whose metadata names it, where there are any."""
    own = [
        uuid
        for uuid, aggregate in facts.aggregates.items()
        if any(key.startswith(TENANT_KEY) and of == request.project_id for key, of in aggregate.metadata.items())
    ]
    if own:
        return within(query, own)
    return Refusal("tenant_without_aggregate") if settings.placement_aggregate_required_for_tenants else query


def map_az_to_placement_aggregate(
    request: RequestSpec, query: CandidateQuery, facts: Facts, microversion: str, settings: PrefilterSettings
) -> Answer:
    """Keep to the aggregates of the zone; the default zone, where no aggregate has it, is that of hosts in no other."""
    wanted = request.availability_zone
    if wanted is None:
        return query
    zones = {uuid: one.metadata[ZONE_KEY] for uuid, one in facts.aggregates.items() if ZONE_KEY in one.metadata}
    members = [uuid for uuid, zone in zones.items() if zone == wanted]
    if members:
        return within(query, members)
    if wanted == settings.default_availability_zone:
        return outside(query, zones)
    return Refusal("unknown_availability_zone")


def isolate_aggregates(
    request: RequestSpec, query: CandidateQuery, facts: Facts, microversion: str, settings: PrefilterSettings
) -> Answer:
    """Keep out of aggregates that are only for requests which require a trait that this one does not."""
    required = {
        trait for group in query.groups.values() for any_of in group.required if len(any_of) == 1 for trait in any_of
    }
    mine = {f"{TRAIT_KEY}{trait}" for trait in required}
    isolated = [
        uuid
        for uuid, aggregate in facts.aggregates.items()
        if any(
            key.startswith(TRAIT_KEY) and value == "required" and key not in mine
            for key, value in aggregate.metadata.items()
        )
    ]
    return outside(query, isolated)


def routed_networks_filter(
    request: RequestSpec, query: CandidateQuery, facts: Facts, microversion: str, settings: PrefilterSettings
) -> Answer:
    """Keep to hosts that reach a segment of each routed network; a segment without aggregates is reached by none."""
    for network in request.requested_networks:
        if () in network.segments:
            return Refusal("segment_without_aggregate")
        if network.segments:
            query = within(query, (uuid for segment in network.segments for uuid in segment))
    return query
