"""Races of whole server groups: all members of a group are asked for at once, by threads of several schedulers."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

from placement_client.client import PlacementClient
from placement_client.models import Inventory
from scheduler import FilterScheduler, Flavor, NoValidHost, RequestSpec, SchedulingUnavailable, ServerGroup
from scheduler.claims.parties import AGREES, Look
from tests.flow.fleet import CONTEXT

SAME_HOST_FOR_ALL = """
[filter_scheduler]
host_subset_size = 1
shuffle_best_same_weighed_hosts = false
ram_weight_multiplier = 0
cpu_weight_multiplier = 0
disk_weight_multiplier = 0
"""
MEMBERS = 4
HOSTS = 3
THREADS = 8
MEMORY_MB = 16384  # of an instance: more than the hosts of other tests on a server have


ANY_HOST = SAME_HOST_FOR_ALL.replace("host_subset_size = 1", "host_subset_size = 3")


class Blind:
    """A check that always agrees: what the schedulers were without one."""

    def look(self, *_: object) -> Look:
        return AGREES


@dataclass
class Race:
    """What became of a race: where each instance was placed, and how the others ended."""

    groups: list[ServerGroup]
    placed: dict[UUID, UUID] = field(default_factory=dict)
    ended: Counter[str] = field(default_factory=Counter)


def new_groups(count: int, limits: Sequence[int] = (1,), policy: Any = "anti-affinity") -> list[ServerGroup]:
    """Return groups whose limits are these in turn; a controller has put all members in before it asks for one."""
    return [
        ServerGroup(
            uuid=uuid4(),
            policy=policy,
            members=tuple(uuid4() for _ in range(MEMBERS)),
            max_server_per_host=limits[number % len(limits)],
        )
        for number in range(count)
    ]


def big_hosts(client: PlacementClient) -> list[UUID]:
    """Create hosts that have room for every group."""
    hosts = [uuid4() for _ in range(HOSTS)]
    for number, host in enumerate(hosts):
        client.create_resource_provider(f"big{number}", host)
        room = {"VCPU": Inventory(total=10_000), "MEMORY_MB": Inventory(total=10_000 * MEMORY_MB)}
        client.set_inventories(host, 0, room)
    return hosts


def raced(schedulers: Sequence[FilterScheduler], groups: list[ServerGroup]) -> Race:
    """Let all members of some groups at once be placed, then of the next ones."""
    race, start = Race(groups), threading.Barrier(THREADS)

    def run(thread: int) -> None:
        for group in groups[thread // MEMBERS :: THREADS // MEMBERS]:
            start.wait(60)
            attempt(schedulers[thread % len(schedulers)], group, group.members[thread % MEMBERS], race)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(run, range(THREADS)))
    return race


def asked_again(scheduler: FilterScheduler, race: Race) -> None:
    """Let all who were not placed ask once more, one after the other."""
    for group in race.groups:
        for instance in group.members:
            if instance not in race.placed:
                attempt(scheduler, group, instance, race)


def all_that_fit(race: Race) -> int:
    """Return how many instances there is a place for."""
    limits = [MEMBERS if group.policy == "affinity" else HOSTS * group.max_server_per_host for group in race.groups]
    return sum(min(MEMBERS, limit) for limit in limits)


def attempt(scheduler: FilterScheduler, group: ServerGroup, instance: UUID, race: Race) -> None:
    """Ask for one instance of a group."""
    flavor = Flavor(vcpus=1, memory_mb=MEMORY_MB)
    spec = RequestSpec(flavor=flavor, project_id="tenant", user_id="somebody", instance_group=group)
    try:
        ((selection,),) = scheduler.select_destinations(CONTEXT, spec, [instance])
        race.placed[instance] = selection.compute_node_uuid
        race.ended["placed"] += 1
    except NoValidHost:
        race.ended["refused"] += 1
    except SchedulingUnavailable as error:
        race.ended[f"unavailable, {error.reason}"] += 1


def blind(schedulers: Sequence[FilterScheduler]) -> list[FilterScheduler]:
    """Return the same schedulers without the check."""
    return [replace(scheduler, groups=Blind()) for scheduler in schedulers]


def whereabouts(client: PlacementClient, hosts: Sequence[UUID]) -> dict[UUID, set[UUID]]:
    """Return on which hosts each consumer holds anything, by what Placement says."""
    held: dict[UUID, set[UUID]] = {}
    for host in hosts:
        for consumer in client.get_provider_allocations(host).allocations:
            held.setdefault(UUID(consumer), set()).add(host)
    return held


def broken(race: Race, held: Mapping[UUID, set[UUID]]) -> list[UUID]:
    """Return the groups that are on several hosts, or have more members on one, than they may."""
    return [group.uuid for group in race.groups if not _is_kept(group, held)]


def _is_kept(group: ServerGroup, held: Mapping[UUID, set[UUID]]) -> bool:
    counts = Counter(host for member in group.members for host in held.get(member, ()))
    if group.policy == "affinity":
        return len(counts) <= 1
    return max(counts.values(), default=0) <= group.max_server_per_host
