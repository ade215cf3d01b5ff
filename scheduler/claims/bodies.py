"""What is sent for a claim, as pure functions: how a plan is packed into holds, and the two batches of writes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from uuid import UUID

from msgspec import Struct, structs

from placement_client.models import ConsumerWrite, Resources
from scheduler.claims.journal import Claim, Hold, InstanceClaim, MigrationClaim
from scheduler.claims.tags import meeting_point_on, tag_of, tag_on, tagged
from scheduler.model import BUILD, Evacuate, Move, Operation
from scheduler.model.held import Held, beyond, together
from scheduler.model.plan import AmountOn, Placing
from scheduler.settings import ClaimSettings

CONSUMER_TYPE = "SCHED_RESERVATION"
MIGRATION_TYPE = "MIGRATION"
FIRST_GENERATION = 1  # what Placement gives a consumer with its first write


class RequestFacts(Struct, frozen=True):
    """What a claim keeps of its request: id, digest of its body, owner and type of its instances, and the answer.

    ``held`` is what the instance of a move holds when it begins. ``tagged`` gives each instance a hold of its own that
    says whose it is, to whoever knows the server group; ``group_uuid`` is that of the group, where it has one.
    """

    request_id: str
    digest: str
    project_id: str
    user_id: str
    consumer_type: str
    result: bytes = b""
    operation: Operation = BUILD
    held: Held | None = None
    tagged: bool = False
    group_uuid: UUID | None = None


def claim_of(claim_id: UUID, request: RequestFacts, placings: Iterable[Placing], mint: Callable[[], UUID]) -> Claim:
    """Return the claim for a plan, on freshly minted consumers."""
    instances = tuple(_instance_claim(request, one) for one in placings)
    holds = _tagged_holds(instances, request.group_uuid, mint) if request.tagged else _packed_holds(instances, mint)
    return Claim(
        claim_id=claim_id,
        request_id=request.request_id,
        digest=request.digest,
        project_id=request.project_id,
        user_id=request.user_id,
        consumer_type=request.consumer_type,
        instances=instances,
        holds=tuple(holds),
        result=request.result,
        migration=_migration_claim(request, instances[0]) if instances else None,
    )


def _instance_claim(request: RequestFacts, placing: Placing) -> InstanceClaim:
    """Return what an instance shall hold; evacuated without a migration, the room on both hosts, as in Nova."""
    wanted = dict(placing.allocation_request.allocations)
    if request.held and isinstance(request.operation, Evacuate) and request.operation.migration_uuid is None:
        wanted = together(request.held.allocations, wanted)
    return InstanceClaim(placing.instance_uuid, wanted, request.held)


def _lacking(one: InstanceClaim) -> dict[UUID, Resources]:
    """Return what an instance shall hold beyond what it does."""
    return beyond(one.allocations, one.before.allocations if one.before else {})


def _migration_claim(request: RequestFacts, one: InstanceClaim) -> MigrationClaim | None:
    """Return what the migration of a move keeps: what the instance gives up, so that it could be given back."""
    if one.before is None or not isinstance(request.operation, Move) or request.operation.migration_uuid is None:
        return None
    kept = beyond(one.before.allocations, one.allocations)
    return MigrationClaim(request.operation.migration_uuid, kept) if kept else None


def _packed_holds(instances: Iterable[InstanceClaim], mint: Callable[[], UUID]) -> Iterator[Hold]:
    return (Hold(mint(), allocations) for allocations in packed(filter(None, map(_lacking, instances))))


def _tagged_holds(instances: Iterable[InstanceClaim], group: UUID | None, mint: Callable[[], UUID]) -> Iterator[Hold]:
    lacking = ((one.instance_uuid, _lacking(one)) for one in instances)
    return (Hold(tagged(mint(), instance, group), allocations) for instance, allocations in lacking if allocations)


def packed(requests: Iterable[Mapping[UUID, Resources]]) -> list[dict[UUID, Resources]]:
    """Pack allocations into few holds: each goes behind the last hold that has one of the same providers.

    A hold has at most one instance's amounts on each provider: the sum of two would break the unit constraints
    (max_unit, step_size) that each of them keeps. That is as few as can be where one provider is in all that share any,
    as the root provider of a host is.
    """
    holds: list[dict[UUID, Resources]] = []
    behind: dict[UUID, int] = {}
    for request in requests:
        place = max((behind.get(provider, 0) for provider in request), default=0)
        if place == len(holds):
            holds.append({})
        holds[place].update(request)
        behind.update(dict.fromkeys(request, place + 1))
    return holds


def reserve_body(claim: Claim, settings: ClaimSettings) -> dict[UUID, ConsumerWrite]:
    """Return the writes that reserve the room of a claim under the scheduler's own project."""
    makers = _makers(claim, settings)
    return {hold.consumer: hold_write(hold.allocations, None, settings, makers[hold.consumer]) for hold in claim.holds}


def confirm_body(claim: Claim, settings: ClaimSettings) -> dict[UUID, ConsumerWrite]:
    """Return the writes that move the room of a claim to its instances, in one transaction.

    An instance that held something is replaced at the generation that was read when its move began, and no other.
    """
    makers = _makers(claim, settings)
    emptied = {hold: hold_write({}, FIRST_GENERATION, settings, maker) for hold, maker in makers.items()}
    filled = {one.instance_uuid: _instance_write(claim, one) for one in claim.instances}
    return emptied | filled | _migration_write(claim)


def _makers(claim: Claim, settings: ClaimSettings) -> dict[UUID, str]:
    """Return in whose name each hold is made: the node's, or of a tagged one, that under which its group is counted.

    A confirmation repeats it: Placement would change the user first and empty the hold later, in two transactions.
    """
    tags = {tag_of(one.instance_uuid) for one in claim.instances}
    consumers = [hold.consumer for hold in claim.holds]
    return {one: meeting_point_on(one) if tag_on(one) in tags else settings.node_id for one in consumers}


def hold_write(
    allocations: dict[UUID, Resources], generation: int | None, settings: ClaimSettings, user_id: str | None = None
) -> ConsumerWrite:
    """Return the write of a minted consumer, made by this node where no user is given; no allocations empty it."""
    return ConsumerWrite(
        allocations=allocations,
        project_id=settings.reservation_project_id,
        user_id=user_id or settings.node_id,
        consumer_generation=generation,
        consumer_type=CONSUMER_TYPE,
    )


def _instance_write(claim: Claim, one: InstanceClaim) -> ConsumerWrite:
    return ConsumerWrite(
        allocations=one.allocations,
        project_id=claim.project_id,
        user_id=claim.user_id,
        consumer_generation=one.before.generation if one.before else None,
        consumer_type=claim.consumer_type,
    )


def _migration_write(claim: Claim) -> dict[UUID, ConsumerWrite]:
    if claim.migration is None:
        return {}
    kept = ConsumerWrite(
        allocations=claim.migration.allocations,
        project_id=claim.project_id,
        user_id=claim.user_id,
        consumer_generation=None,
        consumer_type=MIGRATION_TYPE,
    )
    return {claim.migration.migration_uuid: kept}


def tight_amounts(
    placings: Iterable[Placing], settings: ClaimSettings, *, stale: bool = False
) -> dict[UUID, dict[str, int]]:
    """Return the capacities to verify, by provider and class: those whose room concurrent claims could take.

    Placement can grant more than there is when claims race, so what was granted is only trusted where plenty is left;
    and nowhere where it is ``stale`` how much is left.
    """
    if stale and settings.verify == "tight":
        settings = structs.replace(settings, verify="always")
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
