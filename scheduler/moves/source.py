"""Where an instance is, and what it holds there: read from Placement, joined with the facts of its host."""

from collections.abc import Collection
from uuid import UUID

from msgspec import Struct

from placement_client.client import PlacementClient
from placement_client.clock import Deadline
from placement_client.models import Resources
from scheduler.errors import InstanceConflict, InvalidRequest
from scheduler.hosts import HostSnapshot, HostSource, facts_from
from scheduler.hosts.build import SHARES
from scheduler.model import RequestSpec
from scheduler.model.held import Held

UNKNOWN_TYPE = "unknown"  # what Placement says of consumers that were written before there were types


class SourceHost(Struct, frozen=True):
    """A host that an instance is on, and its cell where that is known."""

    provider_uuid: UUID
    name: str
    node: str
    cell: UUID | None


class Source(Struct, frozen=True):
    """An instance, what it holds, and its hosts: one, or two where an evacuated instance still holds both."""

    instance_uuid: UUID
    held: Held
    hosts: tuple[SourceHost, ...]


def find_source(
    placement: PlacementClient,
    hosts: HostSource,
    spec: RequestSpec,
    instance: UUID,
    deadline: Deadline,
    request_id: str,
) -> Source:
    """Return where an instance is. Raises InvalidRequest when it holds nothing, InstanceConflict when it is another's.

    One call for the instance, and one for each provider that it holds something of, two where there are several.
    """
    found = placement.get_allocations(instance)
    if not found.allocations or found.consumer_generation is None:
        raise InvalidRequest("instance_uuids[0]: holds nothing, so that it cannot be moved or rebuilt; build it")
    if (found.project_id, found.user_id) != (spec.project_id, spec.user_id):
        raise InstanceConflict(request_id)
    if found.consumer_type not in {None, UNKNOWN_TYPE, spec.consumer_type}:
        raise InvalidRequest("consumer_type: is not that of the instance")
    allocations = {provider: Resources(dict(held.resources)) for provider, held in found.allocations.items()}
    roots = roots_of(placement, allocations)
    snapshot = facts_from(hosts, roots, deadline)
    held = Held(found.consumer_generation, allocations)
    return Source(instance, held, tuple(host_of(snapshot, root) for root in roots))


def roots_of(placement: PlacementClient, providers: Collection[UUID]) -> tuple[UUID, ...]:
    """Return the root providers of the hosts of these providers; what hosts share is none, unless there is no other."""
    own = [one for one in providers if len(providers) == 1 or not _shares(placement, one)]
    found = {placement.get_resource_provider(one).root_provider_uuid or one for one in own or providers}
    return tuple(sorted(found))


def host_of(snapshot: HostSnapshot, root: UUID) -> SourceHost:
    """Return the host of a root provider, as the host table names it."""
    row = snapshot.rows_by_int.get(root.int)
    if row is None:
        name = snapshot.provider_names.get(root, str(root))
        return SourceHost(root, name, name, None)
    fact = snapshot.facts[row]
    return SourceHost(root, fact.name, fact.nodename, fact.cell_uuid)


def _shares(placement: PlacementClient, provider: UUID) -> bool:
    return SHARES in placement.get_provider_traits(provider).traits
