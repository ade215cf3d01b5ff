"""What Placement offers to an instance that holds room already.

Placement counts what the instance holds as used by somebody else. It is taken off here; and the host that the instance
is on is offered again where it has room for the new size in place of the old one, which Placement never offers.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from msgspec import Struct, structs

from placement_client.client import PlacementClient
from placement_client.models import (
    AllocationCandidates,
    AllocationRequest,
    Inventory,
    ProviderSummary,
    ResourceProvider,
    Resources,
    ResourceSummary,
)
from placement_client.query import CandidateQuery, ProviderFilter, RequestGroup
from scheduler.model import Migrate, Operation
from scheduler.model.held import Amounts
from scheduler.moves.source import Source

Inventories = Mapping[str, Inventory]


class OwnHost(Struct, frozen=True):
    """The one provider that an instance holds room of: its tree, its inventories, its aggregates and its root's."""

    provider_uuid: UUID
    root_uuid: UUID
    summaries: Mapping[UUID, ProviderSummary]
    inventories: Inventories
    aggregates: frozenset[UUID]


def offered(
    placement: PlacementClient,
    found: AllocationCandidates,
    queries: Sequence[CandidateQuery],
    operation: Operation,
    source: Source,
) -> AllocationCandidates:
    """Return an answer of Placement as it is for the instance of a move: without its own use, and with its own host.

    The latter only where it may stay there and holds room of one provider; otherwise staying takes room for both.
    """
    held = source.held.allocations
    may_stay = isinstance(operation, Migrate) and operation.allow_resize_to_same_host and len(held) == 1
    if may_stay and not any(held.keys() & one.allocations.keys() for one in found.allocation_requests):
        found = _with_own_host(found, queries, own_host(placement, source), held)
    return without_use(found, held)


def where_it_is(placement: PlacementClient, source: Source) -> AllocationCandidates:
    """Return what an instance holds as the only candidate of its host, for a rebuild; it always fits."""
    held, listed = source.held.allocations, tree_of(placement, source.hosts[0].provider_uuid)
    known = {provider.uuid for provider in listed}
    shared = [placement.get_resource_provider(uuid) for uuid in held if uuid not in known]
    providers = [*listed, *shared]
    summaries = {one.uuid: _roomy(_summary(placement, one, _inventories(placement, one.uuid))) for one in providers}
    return without_use(AllocationCandidates([AllocationRequest(held)], summaries), held)


def without_use(found: AllocationCandidates, held: Amounts) -> AllocationCandidates:
    """Return the candidates with the providers as they were without what an instance holds."""
    less = {uuid: _less(one, held[uuid].resources) for uuid, one in found.provider_summaries.items() if uuid in held}
    return AllocationCandidates(found.allocation_requests, {**found.provider_summaries, **less})


def own_candidate(own: OwnHost, query: CandidateQuery, held: Mapping[str, int]) -> AllocationRequest | None:
    """Return the candidate of an instance's own provider, with its present room given back; None when it is not one."""
    group = query.groups.get("", RequestGroup())
    if len(query.groups) != 1 or not group.resources:
        return None
    if not (_has_traits(own, query, group) and _is_placed(own, group) and _has_room(own, group, held)):
        return None
    return AllocationRequest({own.provider_uuid: Resources(dict(group.resources))}, {"": [own.provider_uuid]})


def own_host(placement: PlacementClient, source: Source) -> OwnHost:
    """Read the one provider that an instance holds room of, and the tree that it is in."""
    (provider,) = source.held.allocations
    root = source.hosts[0].provider_uuid
    inventories = {one.uuid: (one, _inventories(placement, one.uuid)) for one in tree_of(placement, root)}
    aggregates = {uuid for one in {provider, root} for uuid in placement.get_aggregates(one).aggregates}
    return OwnHost(
        provider_uuid=provider,
        root_uuid=root,
        summaries={uuid: _summary(placement, one, offers) for uuid, (one, offers) in inventories.items()},
        inventories=inventories[provider][1],
        aggregates=frozenset(aggregates),
    )


def tree_of(placement: PlacementClient, root: UUID) -> list[ResourceProvider]:
    """Return the providers of a tree."""
    return placement.list_resource_providers(ProviderFilter(in_tree=root))


def _with_own_host(
    found: AllocationCandidates, queries: Iterable[CandidateQuery], own: OwnHost, held: Amounts
) -> AllocationCandidates:
    here = held[own.provider_uuid].resources
    ways = [way for query in queries if (way := own_candidate(own, query, here))]
    if not ways:
        return found
    return AllocationCandidates([*found.allocation_requests, *ways], {**own.summaries, **found.provider_summaries})


def _has_traits(own: OwnHost, query: CandidateQuery, group: RequestGroup) -> bool:
    """Tell whether the traits fit; as for every candidate, those of the providers that give, and of the root."""
    here, root = (frozenset(own.summaries[uuid].traits) for uuid in (own.provider_uuid, own.root_uuid))
    if not all(any_of & here for any_of in group.required) or group.forbidden & here:
        return False
    return query.root_required <= root and not query.root_forbidden & root


def _is_placed(own: OwnHost, group: RequestGroup) -> bool:
    if not all(any_of & own.aggregates for any_of in group.member_of) or group.forbidden_aggregates & own.aggregates:
        return False
    return group.in_tree is None or group.in_tree in own.summaries


def _has_room(own: OwnHost, group: RequestGroup, held: Mapping[str, int]) -> bool:
    room = own.summaries[own.provider_uuid].resources
    return all(
        name in room
        and _fits_units(own.inventories[name], amount)
        and room[name].used - held.get(name, 0) + amount <= room[name].capacity
        for name, amount in group.resources.items()
    )


def _fits_units(inventory: Inventory, amount: int) -> bool:
    return inventory.min_unit <= amount <= inventory.max_unit and amount % inventory.step_size == 0


def _inventories(placement: PlacementClient, provider: UUID) -> Inventories:
    return placement.get_inventories(provider).inventories


def _summary(placement: PlacementClient, provider: ResourceProvider, inventories: Inventories) -> ProviderSummary:
    used = placement.get_provider_usages(provider.uuid).usages
    return ProviderSummary(
        resources={name: ResourceSummary(max(0, one.capacity), used.get(name, 0)) for name, one in inventories.items()},
        traits=placement.get_provider_traits(provider.uuid).traits,
        parent_provider_uuid=provider.parent_provider_uuid,
        root_provider_uuid=provider.root_provider_uuid,
    )


def _roomy(summary: ProviderSummary) -> ProviderSummary:
    """Return a provider with room for all that is in use there, though its capacity may have been cut since."""
    rooms = {name: ResourceSummary(max(one.capacity, one.used), one.used) for name, one in summary.resources.items()}
    return structs.replace(summary, resources=rooms)


def _less(summary: ProviderSummary, held: Mapping[str, int]) -> ProviderSummary:
    rooms = {
        name: ResourceSummary(one.capacity, max(0, one.used - held.get(name, 0)))
        for name, one in summary.resources.items()
    }
    return structs.replace(summary, resources=rooms)
