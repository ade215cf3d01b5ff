"""Reads everything back from Placement after a run, and says what holds and what does not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from demo.fleet import Host
from placement_client.client import PlacementClient
from placement_client.models import ConsumerAllocations
from scheduler import Selection


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider as Placement has it now: capacity and use by resource class, and who holds something."""

    name: str
    capacity: Mapping[str, int]
    used: Mapping[str, int]
    holders: frozenset[str]


@dataclass(frozen=True, slots=True)
class Proof:
    """One statement about the outcome, and whether it is true."""

    statement: str
    holds: bool


def read_providers(client: PlacementClient, hosts: Sequence[Host]) -> Iterator[Provider]:
    """Yield every provider of the fleet as it is now."""
    for host in hosts:
        inventories = client.get_inventories(host.uuid).inventories
        yield Provider(
            name=host.name,
            capacity={name: inventory.capacity for name, inventory in inventories.items()},
            used=client.get_provider_usages(host.uuid).usages,
            holders=frozenset(client.get_provider_allocations(host.uuid).allocations),
        )


def read_held(client: PlacementClient, instances: Sequence[UUID]) -> Iterator[tuple[UUID, ConsumerAllocations]]:
    """Yield what every instance holds now."""
    for instance in instances:
        yield instance, client.get_allocations(instance)


def proofs(
    selections: Sequence[Selection],
    held: Mapping[UUID, ConsumerAllocations],
    providers: Sequence[Provider],
    reservations: int,
) -> list[Proof]:
    """Compare what was decided with what Placement has; ``reservations`` is how many consumers are left of them."""
    exact = [is_exact(selection, held[selection.instance_uuid]) for selection in selections]
    over = [provider for provider in providers if is_over(provider)]
    confirmed = {str(selection.instance_uuid) for selection in selections}
    strangers = {holder for provider in providers for holder in provider.holders} - confirmed
    return [
        Proof(f"{sum(exact)} of {len(exact)} confirmed instances hold exactly what was decided for them", all(exact)),
        Proof(f"{reservations} reservations are left", not reservations),
        Proof(f"{len(over)} of {len(providers)} providers are over capacity", not over),
        Proof(f"{len(strangers)} other consumers hold anything on the fleet", not strangers),
    ]


def is_exact(selection: Selection, held: ConsumerAllocations) -> bool:
    """Tell whether a consumer is an instance and holds what the selection says, on the same providers, and no more."""
    allocations = selection.allocation_request.allocations
    decided = {provider: dict(amounts.resources) for provider, amounts in allocations.items()}
    return held.consumer_type == "INSTANCE" and held.amounts() == decided


def is_over(provider: Provider) -> bool:
    """Tell whether more of some class is in use than there is."""
    return any(used > provider.capacity.get(name, 0) for name, used in provider.used.items())
