"""The fleet that a part of the proof runs on, and the count of what is left on it."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

from placement_client.client import PlacementClient
from placement_client.models import ConsumerWrite, Inventory, Resources
from placement_client.testing.ini import ini_text
from scheduler import Flavor, RequestContext, RequestSpec

ROOT = f"{Path(__file__).resolve().parents[1]}/"
LANES = 3  # processes that work at the same time; each waits now and then
RESERVATIONS = "reservations-of-the-proof"
FOREIGN = {"VCPU": 1}
FLAVOR = Flavor(vcpus=2, memory_mb=512)
WANTED = {"VCPU": 2, "MEMORY_MB": 512}
SPEC = RequestSpec(flavor=FLAVOR, project_id="tenant", user_id="somebody")

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Fleet:
    """Hosts on a Placement, with a foreign consumer on each; ``client`` is not the scheduler's."""

    client: PlacementClient
    hosts: tuple[UUID, ...]
    foreign: tuple[UUID, ...]


def set_up(client: PlacementClient, count: int, vcpus: int, memory_mb: int = 10**8, name: str = "h") -> Fleet:
    """Create hosts h0, h1, ... with this many VCPUs besides the one that a foreign consumer holds on each."""
    hosts, foreign = tuple(uuid4() for _ in range(count)), tuple(uuid4() for _ in range(count))
    for number, (host, consumer) in enumerate(zip(hosts, foreign, strict=True)):
        client.create_resource_provider(f"{name}{number}", host)
        inventories = {"VCPU": Inventory(total=vcpus + 1), "MEMORY_MB": Inventory(total=memory_mb)}
        client.set_inventories(host, 0, inventories)
        client.put_allocations(consumer, ConsumerWrite({host: Resources(FOREIGN)}, "foreign", "foreigner"))
    return Fleet(client, hosts, foreign)


def settings(placement: str, journal: Mapping[str, str], node_id: str, **claims: str) -> str:
    """Return the ini of a scheduler; ``placement`` is the section, ``journal`` and ``claims`` are options of theirs."""
    quick = {
        "reservation_project_id": RESERVATIONS,
        "node_id": node_id,
        "backoff_base": "0.001",
        "backoff_cap": "0.02",
        "quarantine": "0.1",
        "drain_timeout": "10",
    }
    return placement + ini_text({"claims": quick | claims, "journal": journal})


def context_of(request_id: str) -> RequestContext:
    """Return the context of the tenant's request with this id."""
    return RequestContext(project_id="tenant", user_id="somebody", request_id=request_id)


def wrongs(fleet: Fleet, instances: Sequence[UUID], outcome: str, known: int = 0) -> list[str]:
    """Count after recovery: what is not as the verdict of the journal says, and what is not as it was.

    ``known`` is how many reservations earlier runs have left.
    """
    held = [fleet.client.get_allocations(instance).amounts() for instance in instances]
    wanted = [list(one.values()) == [WANTED] for one in held]
    left = reservations(fleet.client) - known
    found = {
        f"{left} reservations are left": left != 0,
        f"the verdict is {outcome}": outcome not in ("committed", "aborted", "unknown"),
        "committed, but not every instance holds its own": outcome == "committed" and not all(wanted),
        f"{outcome}, but instances hold something": outcome != "committed" and any(held),
        "a foreign allocation was touched": not all(map(_untouched(fleet), fleet.foreign)),
    }
    return [text for text, wrong in found.items() if wrong]


def reservations(client: PlacementClient) -> int:
    """Count the reservations that exist; they are all that their project holds."""
    return client.get_project_usages(RESERVATIONS, consumer_type="all").consumers("all")


def over_capacity(client: PlacementClient, hosts: Iterable[UUID]) -> list[UUID]:
    """Return the hosts that hold more than their capacity."""
    return [host for host in hosts if _is_over(client, host)]


def _is_over(client: PlacementClient, host: UUID) -> bool:
    capacity = {name: one.capacity for name, one in client.get_inventories(host).inventories.items()}
    return any(amount > capacity[name] for name, amount in client.get_provider_usages(host).usages.items())


def _untouched(fleet: Fleet) -> Callable[[UUID], bool]:
    def untouched(consumer: UUID) -> bool:
        found = fleet.client.get_allocations(consumer)
        return found.consumer_generation == 1 and list(found.amounts().values()) == [FOREIGN]

    return untouched


def spread(work: Callable[[T], U], shares: Sequence[T]) -> list[U]:
    """Do each share of the work in a fresh process of its own, all at the same time; the results in order."""
    with ProcessPoolExecutor(len(shares), mp_context=get_context("spawn"), initializer=hush) as pool:
        return list(pool.map(work, shares))


def hush() -> None:
    """Keep the log of this process quiet: what it warns of is what the proof does on purpose."""
    logging.disable(logging.CRITICAL)


def dealt(items: Sequence[T], hands: int = LANES) -> list[Sequence[T]]:
    """Deal items into this many hands, as even as possible."""
    return [items[hand::hands] for hand in range(hands)]
