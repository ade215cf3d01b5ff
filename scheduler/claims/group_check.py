"""Whether a claim keeps its hard server group, given what other schedulers have reserved and confirmed.

A reservation is an announcement: its holds carry the tags of their instances. Of claims that would break a group
together, the one whose reservation came last finds the others when it looks, and gives way. Why that is enough is in
docs/decisions/0009-groups-between-schedulers.md.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol
from uuid import UUID

from msgspec import Struct, field

from scheduler.claims.apart import apart
from scheduler.claims.journal import Claim
from scheduler.claims.parties import AGREES, AllocationReader, Look, Party, places_of
from scheduler.claims.together import together
from scheduler.errors import PluginFailed, SchedulerError
from scheduler.events import EventLog
from scheduler.events.table import GROUP_CHANGED
from scheduler.hosts import HostTable
from scheduler.model import RequestSpec, ServerGroup
from scheduler.model.plan import Placing
from scheduler.settings import ClaimSettings


class GroupSource(Protocol):
    """Knows who is in a server group at this moment: the controller's database, for instance."""

    def members(self, group_uuid: UUID) -> Iterable[UUID]:
        """Return the instances of a group, each from before it is scheduled on. Any number of threads may ask."""
        ...


class GroupCheck(Struct, frozen=True, eq=False):
    """Looks for other members of a group, after the reservation and before the commit intent.

    ``source`` tells who is a member by then; without it, or without the UUID of a group, the request's members count.
    ``counted_in`` is the project of reservations.
    """

    source: GroupSource | None = None
    log: EventLog = field(default_factory=EventLog)
    counted_in: str = ClaimSettings().reservation_project_id

    def look(
        self,
        placement: AllocationReader,
        spec: RequestSpec,
        placings: Sequence[Placing],
        claim: Claim,
        hosts: HostTable,
        pause: Callable[[int], None],
    ) -> Look:
        """Look where a claim goes; nothing is asked where no policy has to be kept or nobody else is in the group.

        ``pause`` waits before the next look. Raises PlacementError, and PluginFailed for a source that fails.
        """
        group = spec.kept_group
        if group is None:
            return AGREES
        own = frozenset(one.instance_uuid for one in placings)
        others = members_of(group, self.source) - own
        if not others:
            return AGREES
        party = Party(group, own, others, tuple(places_of(placings, claim, hosts)))
        if group.policy == "affinity":
            look = together(placement, party, hosts, self.counted_in, pause)
        else:
            look = apart(placement, party, pause)
        if not look.agrees:
            self.log(GROUP_CHANGED, request=claim.request_id, claim=claim.claim_id)
        return look


def members_of(group: ServerGroup, source: GroupSource | None) -> frozenset[UUID]:
    """Return the members that a request names and those that the source knows. Raises PluginFailed."""
    if source is None or group.uuid is None:
        return frozenset(group.members)
    try:
        members = tuple(source.members(group.uuid))
        problem = "" if all(isinstance(member, UUID) for member in members) else "a member is not a UUID"
    except SchedulerError:
        raise
    except Exception as error:  # noqa: BLE001 - a source may raise anything, and its text may hold anything
        problem = type(error).__name__
    if problem:
        raise PluginFailed(type(source).__name__, problem)
    return frozenset(group.members).union(members)
