"""A claim and the server group it has to keep: where it goes, who else is in the group, and who is found there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from placement_client.models import ConsumerAllocations, ProjectUsages, ProviderAllocations
from scheduler.claims.journal import Claim
from scheduler.claims.tags import tag_of, tag_on
from scheduler.hosts import HostTable
from scheduler.hosts.trees import tree_of
from scheduler.model import ServerGroup
from scheduler.model.plan import Placing

LOOKS = 4
"""How often a claim looks at most, while those that come after it give way."""


class AllocationReader(Protocol):
    """What a look asks of a ``PlacementClient``."""

    def get_provider_allocations(self, provider: UUID, /) -> ProviderAllocations:
        """Return who holds what on a provider, all at one moment."""
        ...

    @property
    def microversion(self) -> str:
        """The microversion of every call."""
        ...

    def get_project_usages(self, project_id: str, user_id: str | None, consumer_type: str | None, /) -> ProjectUsages:
        """Return what the consumers of a user hold, and how many they are."""
        ...

    def get_allocations(self, consumer: UUID, /) -> ConsumerAllocations:
        """Return what a consumer holds."""
        ...


class Place(Struct, frozen=True):
    """A host that a claim goes to: its providers, and the claim's own instances and holds there."""

    host: str
    tree: tuple[UUID, ...]
    instances: frozenset[UUID]
    holds: frozenset[UUID]


class Found(Struct, frozen=True):
    """Who of a group was found at a place: by their own UUID, and by consumers that were minted for them."""

    settled: frozenset[UUID]
    announced: Mapping[UUID, UUID]

    @property
    def members(self) -> frozenset[UUID]:
        """Return all of them."""
        return self.settled.union(self.announced.values())


class Party(Struct, frozen=True):
    """A claim and the group that it has to keep: its own instances, the other members, and where it goes."""

    group: ServerGroup
    own: frozenset[UUID]
    others: frozenset[UUID]
    places: tuple[Place, ...]


class Look(Struct, frozen=True):
    """Whether a claim may stay; where it may not, the group as it was found, None where nothing was.

    ``group`` is for the next plan. ``settled`` is for the next look: without holds, which may be gone by then.
    """

    agrees: bool
    group: ServerGroup | None = None
    settled: ServerGroup | None = None


AGREES = Look(agrees=True)


def places_of(placings: Sequence[Placing], claim: Claim, hosts: HostTable) -> Iterator[Place]:
    """Return the hosts that a claim goes to, each once."""
    for root in dict.fromkeys(one.provider_uuid for one in placings):
        here = [one for one in placings if one.provider_uuid == root]
        instances = frozenset(one.instance_uuid for one in here)
        tags = set(map(tag_of, instances))
        holds = frozenset(hold.consumer for hold in claim.holds if tag_on(hold.consumer) in tags)
        yield Place(here[0].host, tree_of(root, hosts), instances, holds)


def found_at_places(placement: AllocationReader, party: Party) -> list[tuple[Place, Found]]:
    """Read who of a group is at each place of a claim. Raises PlacementError."""

    def consumers(place: Place) -> Iterator[str]:
        return chain.from_iterable(placement.get_provider_allocations(one).allocations for one in place.tree)

    return [(place, found_among(consumers(place), party)) for place in party.places]


def found_among(consumers: Iterable[str], party: Party) -> Found:
    """Return who of a group is among the consumers of a place; what was minted for the claim's own does not count."""
    uuids = set(_uuids(consumers))
    tags = {tag_of(member): member for member in party.others}
    minted = {uuid: tags[tag_on(uuid)] for uuid in uuids if tag_on(uuid) in tags}
    return Found((party.others | party.own) & uuids, minted)


def _uuids(consumers: Iterable[str]) -> Iterator[UUID]:
    for consumer in consumers:
        with suppress(ValueError):  # Placement takes any text for a consumer, which is then none of ours
            yield UUID(consumer)
