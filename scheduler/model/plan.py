"""A plan: where each instance of a batch shall go, decided in memory before anything is claimed."""

from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from placement_client.models import AllocationRequest


class AmountOn(NamedTuple):
    """One amount of a claim on one provider: what the provider can give, what was in use before, and what is added."""

    provider_uuid: UUID
    resource_class: str
    capacity: int
    used: int
    amount: int

    @property
    def left(self) -> int:
        """Return the room that is left on the provider once this amount is added."""
        return self.capacity - self.used - self.amount


class Placing(Struct, frozen=True):
    """The decision for one instance: a host, and the allocation candidate of that host."""

    instance_uuid: UUID
    host: str
    node: str
    provider_uuid: UUID
    allocation_request: AllocationRequest
    amounts: tuple[AmountOn, ...]
