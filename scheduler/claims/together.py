"""Policy affinity between schedulers: all members on one host, the first ones of a group included."""

from collections.abc import Callable, Iterable
from itertools import chain

from msgspec import structs

from placement_client.query import minor_of
from scheduler.claims.parties import AGREES, LOOKS, AllocationReader, Look, Party, found_at_places
from scheduler.claims.tags import meeting_point_of, tag_of
from scheduler.hosts import HostTable
from scheduler.hosts.trees import host_of
from scheduler.model import ServerGroup

COUNTING_MINOR = 38
ALL_TYPES = "all"  # Placement 16 on PostgreSQL answers 500 when it is asked for one type


def together(
    placement: AllocationReader, party: Party, hosts: HostTable, counted_in: str, pause: Callable[[int], None]
) -> Look:
    """Look whether the group is, or is about to be, elsewhere; nothing else matters where another member is here.

    Claims are counted before members are looked for, so that one that is confirmed meanwhile is not missed.
    """
    if any(found.settled & party.others for _, found in found_at_places(placement, party)):
        return AGREES
    if _meets_another(placement, party, counted_in, pause):
        return Look(agrees=False)
    here = frozenset(chain.from_iterable(place.tree for place in party.places))
    for member in sorted(party.others):
        held = placement.get_allocations(member).allocations
        if held and here.isdisjoint(held):
            return Look(agrees=False, group=_gathered(party.group, (host_of(provider, hosts) for provider in held)))
    return AGREES


def _meets_another(placement: AllocationReader, party: Party, counted_in: str, pause: Callable[[int], None]) -> bool:
    """Tell whether another claim for the group holds room on any host; the lower the own tag, the longer it waits.

    A group without UUID has no place to meet, nor has any below microversion 1.38, which cannot count.
    """
    if party.group.uuid is None or minor_of(placement.microversion) < COUNTING_MINOR:
        return False
    meeting_point = meeting_point_of(party.group.uuid)
    for number in range(_patience(party)):
        if not _strangers(placement, party, counted_in, meeting_point):
            return False
        pause(number)
    return _strangers(placement, party, counted_in, meeting_point)


def _strangers(placement: AllocationReader, party: Party, counted_in: str, meeting_point: str) -> bool:
    """Tell whether there are more holds at the meeting point of a group than the claim's own."""
    own = sum(len(place.holds) for place in party.places)
    return placement.get_project_usages(counted_in, meeting_point, ALL_TYPES).consumers(ALL_TYPES) > own


def _patience(party: Party) -> int:
    """Return how often a claim looks again: those that meet give way one after the other, the lowest tag last."""
    lowest = min(map(tag_of, party.own))
    return max(0, LOOKS - 1 - sum(tag_of(member) < lowest for member in party.others))


def _gathered(group: ServerGroup, names: Iterable[str]) -> ServerGroup:
    """Return the group as it was found: what was told of its members is older, and would lead to the wrong host."""
    return structs.replace(group, members=(), hosts=tuple(dict.fromkeys(names)))
