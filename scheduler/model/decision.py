"""What comes back: selections for the caller, and the decision record for the operator."""

from typing import Literal
from uuid import UUID

from msgspec import Struct, field

from placement_client.models import AllocationRequest
from scheduler.model.inputs import Inputs

Outcome = Literal[
    "selected", "no_valid_host", "unavailable", "rejected", "conflict", "in_doubt", "released", "interrupted"
]


class Selection(Struct, frozen=True, kw_only=True):
    """One host for one instance, with the allocation that was (or, for an alternate, would be) claimed."""

    instance_uuid: UUID
    service_host: str
    nodename: str
    compute_node_uuid: UUID
    allocation_request: AllocationRequest
    allocation_request_version: str
    claimed: bool


class FilterStep(Struct, frozen=True, kw_only=True, gc=False):
    """What one filter did: hosts that came in, hosts it removed, and why."""

    name: str
    reason: str
    hosts_in: int
    removed: int


class WeigherScore(Struct, frozen=True, gc=False):
    """One weigher's opinion of one host: its raw score, the score from 0 to 1, and its share of the total."""

    name: str
    raw: float
    normalized: float
    weighed: float


class ScoredHost(Struct, frozen=True, kw_only=True, gc=False):
    """One of the best hosts and how its total came about."""

    host: str
    total: float
    scores: tuple[WeigherScore, ...] = ()


class InstanceDecision(Struct, frozen=True, kw_only=True, gc=False):
    """How the host of one instance was found in one round.

    ``order`` is a digest of the places and weights of all hosts that were left, and of the draws up to then: equal when
    all of them are, to the last bit. ``allocation`` is the candidate that was taken.
    """

    instance_uuid: UUID
    steps: tuple[FilterStep, ...]
    best_hosts: tuple[ScoredHost, ...] = ()
    order: str = ""
    selected: str | None = None
    allocation: AllocationRequest | None = None


class Round(Struct, frozen=True, kw_only=True):
    """One attempt at the whole batch: fresh candidates, a plan, and how Placement answered the claim.

    ``alternates`` are the hosts named besides those selected, the same for all instances. ``group_looks`` are the calls
    that looked for other members of the server group after the reservation.
    """

    candidates: int
    hosts: int
    instances: tuple[InstanceDecision, ...] = ()
    alternates: tuple[str, ...] = ()
    verified_providers: int = 0
    group_looks: int = 0
    answer: str = ""


class Probe(Struct, frozen=True, kw_only=True):
    """How many hosts there would be without one of the constraints."""

    relaxed: str
    hosts: int


class Timings(Struct, frozen=True, kw_only=True):
    """Where the time went, in milliseconds."""

    total_ms: float = 0.0
    candidates_ms: float = 0.0
    select_ms: float = 0.0
    claim_ms: float = 0.0


class DecisionRecord(Struct, frozen=True, kw_only=True):
    """Everything an operator needs to understand one request; holds identifiers, never secrets.

    ``seed`` is the hexadecimal seed of the request's random stream; with ``inputs`` it replays the decision. ``reason``
    is a stable code of why it ended as it did, ``detail`` names what failed. ``answered_at`` is seconds since the
    epoch. ``left_out`` names what the record lacks because it would have been too large: "inputs" or "inputs and
    decisions". ``warnings`` are demands that were dropped, as the ini allows.
    """

    request_id: str
    outcome: Outcome
    reason: str = ""
    detail: str = ""
    answered_at: float = 0.0
    seed: str = ""
    instances: tuple[UUID, ...] = ()
    project_id: str = ""
    user_id: str = ""
    warnings: tuple[str, ...] = ()
    asked: dict[str, int] = field(default_factory=dict)
    rounds: tuple[Round, ...] = ()
    probes: tuple[Probe, ...] = ()
    placement_calls: int = 0
    microversion: str = ""
    timings: Timings = field(default_factory=Timings)
    inputs: Inputs | None = None
    left_out: str = ""
