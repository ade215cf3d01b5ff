"""How a plan becomes holds and writes."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from placement_client.models import AllocationRequest, Resources
from scheduler.claims.bodies import RequestFacts, claim_of, confirm_body, is_tight, packed, reserve_body, tight_amounts
from scheduler.claims.tags import meeting_point_of
from scheduler.model.plan import AmountOn, Placing
from scheduler.settings import ClaimSettings

FACTS = RequestFacts("req-1", "digest", "tenant", "somebody", "INSTANCE")
SETTINGS = ClaimSettings(node_id="node", reservation_project_id="reservations")


def on(provider: int, amount: int = 1) -> dict[UUID, Resources]:
    return {UUID(int=provider): Resources({"VCPU": amount})}


def placing(instance: int, provider: int, *, capacity: int = 10, used: int = 0, amount: int = 1) -> Placing:
    uuid = UUID(int=provider)
    return Placing(
        instance_uuid=UUID(int=instance),
        host=f"h{provider}",
        node=f"h{provider}",
        provider_uuid=uuid,
        allocation_request=AllocationRequest(on(provider, amount)),
        amounts=(AmountOn(uuid, "VCPU", capacity, used, amount),),
    )


def minted():
    numbers = iter(range(1000, 2000))
    return lambda: UUID(int=next(numbers))


def test_a_batch_that_spreads_needs_one_hold():
    assert packed([on(1), on(2), on(3)]) == [on(1) | on(2) | on(3)]


def test_two_instances_on_one_provider_need_two_holds():
    assert packed([on(1), on(1), on(2)]) == [on(1) | on(2), on(1)]


@given(st.lists(st.sets(st.integers(0, 6), min_size=1, max_size=3), max_size=12))
def test_packing_keeps_every_amount_and_never_puts_two_instances_of_a_provider_together(requests):
    bodies = [
        {UUID(int=p): Resources({"VCPU": number + 1}) for p in request} for number, request in enumerate(requests)
    ]
    holds = packed(bodies)
    assert sum(len(hold) for hold in holds) == sum(len(body) for body in bodies)
    for provider in range(7):
        amounts = sorted(hold[UUID(int=provider)].resources["VCPU"] for hold in holds if UUID(int=provider) in hold)
        assert amounts == [number + 1 for number, request in enumerate(requests) if provider in request]


def test_the_reservation_is_the_schedulers_own_and_new():
    claim = claim_of(UUID(int=9), FACTS, [placing(1, 1), placing(2, 1)], minted())
    writes = reserve_body(claim, SETTINGS)
    assert len(writes) == 2
    assert not {UUID(int=1), UUID(int=2)} & writes.keys()
    for write in writes.values():
        assert (write.project_id, write.user_id) == ("reservations", "node")
        assert (write.consumer_type, write.consumer_generation) == ("SCHED_RESERVATION", None)


def test_the_confirmation_empties_every_hold_and_fills_every_instance_for_its_owner():
    claim = claim_of(UUID(int=9), FACTS, [placing(1, 1), placing(2, 1)], minted())
    writes = confirm_body(claim, SETTINGS)
    holds = [writes[hold.consumer] for hold in claim.holds]
    assert [(write.allocations, write.consumer_generation) for write in holds] == [({}, 1), ({}, 1)]
    for instance in (UUID(int=1), UUID(int=2)):
        assert writes[instance].allocations == on(1)
        assert (writes[instance].project_id, writes[instance].user_id) == ("tenant", "somebody")
        assert (writes[instance].consumer_type, writes[instance].consumer_generation) == ("INSTANCE", None)


def test_room_is_tight_when_concurrent_claims_could_take_what_is_left():
    roomy = AmountOn(UUID(int=1), "VCPU", 100, 0, 10)
    assert not is_tight(roomy, SETTINGS)
    assert is_tight(roomy._replace(used=60), SETTINGS)  # 30 left for claims of 10
    assert is_tight(roomy._replace(used=92, amount=1), SETTINGS)  # 7 left of 100
    assert is_tight(roomy, ClaimSettings(verify="always"))
    assert not is_tight(roomy._replace(used=90), ClaimSettings(verify="never"))


def test_of_several_instances_on_a_provider_the_last_state_decides_what_is_verified():
    plan = [placing(1, 1, used=0), placing(2, 1, used=1), placing(3, 2, capacity=1000)]
    assert tight_amounts(plan, ClaimSettings(tight_factor=8, tight_share=0.0)) == {}
    plan.append(placing(4, 1, used=2))
    assert tight_amounts(plan, ClaimSettings(tight_factor=8, tight_share=0.0)) == {UUID(int=1): {"VCPU": 10}}


@pytest.mark.parametrize(("verify", "verified"), [("tight", 2), ("always", 2), ("never", 0)])
def test_where_it_is_not_known_how_much_is_left_all_is_verified_unless_nothing_ever_is(verify, verified):
    plan = [placing(1, 1, used=0), placing(2, 2, capacity=1000)]
    assert (
        len(tight_amounts(plan, ClaimSettings(verify=verify, tight_factor=0, tight_share=0.0), stale=True)) == verified
    )


def test_the_holds_of_a_group_are_made_and_emptied_in_one_name():
    """Emptied in another one, Placement would rename them first, and nobody could count them until they are empty."""
    facts = structs.replace(FACTS, tagged=True, group_uuid=UUID(int=77))
    claim = claim_of(UUID(int=9), facts, [placing(1, 1), placing(2, 2)], minted())
    made, emptied = reserve_body(claim, SETTINGS), confirm_body(claim, SETTINGS)
    names = {body[hold.consumer].user_id for hold in claim.holds for body in (made, emptied)}
    assert names == {meeting_point_of(UUID(int=77))}
