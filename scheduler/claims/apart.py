"""Policy anti-affinity between schedulers: at most so many members on a host."""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from itertools import chain
from uuid import UUID

from msgspec import structs

from scheduler.claims.parties import AGREES, LOOKS, AllocationReader, Found, Look, Party, Place, found_at_places
from scheduler.model import ServerGroup


class Verdict(Enum):
    """What a claim does after a look: it stays, gives way, or looks again."""

    STAY = "stay"
    GIVE_WAY = "give way"
    WAIT = "wait"


def apart(placement: AllocationReader, party: Party, pause: Callable[[int], None]) -> Look:
    """Look who is where the claim goes; again while nobody but claims that come after it is too many."""
    limit = party.group.max_server_per_host
    found = found_at_places(placement, party)
    for number in range(LOOKS - 1):
        if verdict_on(found, limit) is not Verdict.WAIT:
            break
        pause(number)
        found = found_at_places(placement, party)
    if verdict_on(found, limit) is Verdict.STAY:
        return AGREES
    everybody = {place.host: at.members & party.others for place, at in found}
    settled = {place.host: at.settled & party.others for place, at in found}
    return Look(agrees=False, group=_spread(party, everybody), settled=_spread(party, settled))


def verdict_on(found: Iterable[tuple[Place, Found]], limit: int) -> Verdict:
    """Return what a claim does that found these members at its places, of which each may have so many."""
    crowded = [(place, at) for place, at in found if _is_new(place, at) and len(place.instances | at.members) > limit]
    if not crowded:
        return Verdict.STAY
    return Verdict.WAIT if all(_comes_first(place, at, limit) for place, at in crowded) else Verdict.GIVE_WAY


def _is_new(place: Place, found: Found) -> bool:
    """Tell whether a claim brings an instance to a place; one that is there already, in a move, may stay."""
    return not place.instances <= found.settled


def _comes_first(place: Place, found: Found, limit: int) -> bool:
    """Tell whether a claim fits with the instances that are there and the holds whose UUIDs are lower than its own.

    All who meet see the same order, so that as many as fit go through, while the others give way.
    """
    before = {member for hold, member in found.announced.items() if hold < min(place.holds)}
    return len(place.instances | found.settled | before) <= limit


def _spread(party: Party, found: Mapping[str, frozenset[UUID]]) -> ServerGroup:
    """Return the group with all members, and its hosts named at least as often as members were found there."""
    named = party.group.hosts
    more = chain.from_iterable([host] * (len(members) - named.count(host)) for host, members in found.items())
    members = dict.fromkeys((*party.group.members, *sorted(party.others)))
    return structs.replace(party.group, members=tuple(members), hosts=(*named, *more))
