"""One request while it is being served: the only thing that changes on the way."""

from dataclasses import dataclass, field
from uuid import UUID

from placement_client.client import PlacementClient
from placement_client.clock import Deadline
from scheduler.claims import RequestFacts
from scheduler.explain.trail import Trail
from scheduler.model import RequestSpec
from scheduler.randomness import RandomStream


@dataclass(slots=True, weakref_slot=True, eq=False)
class Work:
    """One request while it is being served. Whatever claims it began are released when it goes away unconfirmed."""

    spec: RequestSpec
    request_id: str
    instances: tuple[UUID, ...]
    deadline: Deadline
    placement: PlacementClient
    stream: RandomStream
    trail: Trail
    alternates: int
    started: float
    facts: RequestFacts
    claim_ids: list[UUID] = field(default_factory=list)
