"""What an instance holds when it is moved, and the arithmetic of moving without counting anything twice.

Amounts are by provider. A provider that source and destination have in common (the same host, a shared disk) is asked
for no more than what the destination needs beyond the source.
"""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct

from placement_client.models import Resources

Amounts = Mapping[UUID, Resources]


class Held(Struct, frozen=True):
    """What an instance holds, and the generation at which it did."""

    generation: int
    allocations: dict[UUID, Resources]


def beyond(one: Amounts, other: Amounts) -> dict[UUID, Resources]:
    """Return by how much one exceeds the other, on each provider and class; providers with nothing are left out."""
    rest = {uuid: _minus(held.resources, _on(other, uuid)) for uuid, held in one.items()}
    return {uuid: Resources(amounts) for uuid, amounts in rest.items() if amounts}


def together(one: Amounts, other: Amounts) -> dict[UUID, Resources]:
    """Return what both hold, the larger amount where they have a provider and class in common."""
    return {uuid: Resources(_larger(_on(one, uuid), _on(other, uuid))) for uuid in {**one, **other}}


def _on(amounts: Amounts, provider: UUID) -> Mapping[str, int]:
    return amounts[provider].resources if provider in amounts else {}


def _minus(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: amount - other.get(name, 0) for name, amount in one.items() if amount > other.get(name, 0)}


def _larger(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in {**one, **other}}
