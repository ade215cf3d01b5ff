"""What is sent for a claim, as pure functions: how a plan is packed into holds, and the two batches of writes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from placement_client.models import ConsumerWrite, Resources
from scheduler.claims.journal import Claim, Hold, InstanceClaim
from scheduler.model.plan import AmountOn, Placing
from scheduler.settings import ClaimSettings

CONSUMER_TYPE = "SCHED_RESERVATION"
FIRST_GENERATION = 1  # what Placement gives a consumer with its first write


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What a claim keeps of its request: id, digest of its body, owner and type of its instances, and the answer."""

    request_id: str
    digest: str
    project_id: str
    user_id: str
    consumer_type: str
    result: bytes = b""


def claim_of(claim_id: UUID, request: RequestFacts, placings: Iterable[Placing], mint: Callable[[], UUID]) -> Claim:
    """Return the claim for a plan, on freshly minted consumers."""
    instances = tuple(InstanceClaim(one.instance_uuid, dict(one.allocation_request.allocations)) for one in placings)
    holds = tuple(Hold(mint(), allocations) for allocations in packed(one.allocations for one in instances))
    return Claim(
        claim_id=claim_id,
        request_id=request.request_id,
        digest=request.digest,
        project_id=request.project_id,
        user_id=request.user_id,
        consumer_type=request.consumer_type,
        instances=instances,
        holds=holds,
        result=request.result,
    )


def packed(requests: Iterable[Mapping[UUID, Resources]]) -> list[dict[UUID, Resources]]:
    """Pack allocations into as few holds as a first fit finds.

    A hold has at most one instance's amounts on each provider: the sum of two would break the unit constraints
    (max_unit, step_size) that each of them keeps.
    """
    holds: list[dict[UUID, Resources]] = []
    for request in requests:
        home = next((hold for hold in holds if not hold.keys() & request.keys()), None)
        if home is None:
            home = {}
            holds.append(home)
        home.update(request)
    return holds


def reserve_body(claim: Claim, settings: ClaimSettings) -> dict[UUID, ConsumerWrite]:
    """Return the writes that reserve the room of a claim under the scheduler's own project."""
    return {hold.consumer: hold_write(hold.allocations, None, settings) for hold in claim.holds}


def confirm_body(claim: Claim, settings: ClaimSettings) -> dict[UUID, ConsumerWrite]:
    """Return the writes that move the room of a claim to its instances, in one transaction."""
    emptied = {hold.consumer: hold_write({}, FIRST_GENERATION, settings) for hold in claim.holds}
    filled = {one.instance_uuid: _instance_write(claim, one) for one in claim.instances}
    return emptied | filled


def hold_write(allocations: dict[UUID, Resources], generation: int | None, settings: ClaimSettings) -> ConsumerWrite:
    """Return the write of a minted consumer; no allocations empty it."""
    return ConsumerWrite(
        allocations=allocations,
        project_id=settings.reservation_project_id,
        user_id=settings.node_id,
        consumer_generation=generation,
        consumer_type=CONSUMER_TYPE,
    )


def _instance_write(claim: Claim, one: InstanceClaim) -> ConsumerWrite:
    return ConsumerWrite(
        allocations=one.allocations,
        project_id=claim.project_id,
        user_id=claim.user_id,
        consumer_generation=None,
        consumer_type=claim.consumer_type,
    )


def tight_amounts(placings: Iterable[Placing], settings: ClaimSettings) -> dict[UUID, dict[str, int]]:
    """Return the capacities to verify, by provider and class: those whose room concurrent claims could take.

    Placement can grant more than there is when claims race, so what was granted is only trusted where plenty is left.
    """
    latest = {(on.provider_uuid, on.resource_class): on for placing in placings for on in placing.amounts}
    tight: dict[UUID, dict[str, int]] = {}
    for on in latest.values():
        if is_tight(on, settings):
            tight.setdefault(on.provider_uuid, {})[on.resource_class] = on.capacity
    return tight


def is_tight(on: AmountOn, settings: ClaimSettings) -> bool:
    """Tell whether the room left after a claim is so small that the claim must be verified."""
    if settings.verify != "tight":
        return settings.verify == "always"
    return on.left < max(settings.tight_factor * on.amount, settings.tight_share * on.capacity)
