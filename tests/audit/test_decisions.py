"""What is a leak, and what of it may be healed, decided from values alone."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement_client.models import ConsumerAllocations, ProviderAllocation, Resources
from scheduler.claims.audit import (
    AuditReport,
    ConsumerReading,
    OverCapacity,
    ProviderReading,
    hidden_consumers,
    listed_consumers,
    may_heal,
    orphans,
    over_capacity,
    owned_consumers,
    unowned_reservations,
)
from scheduler.claims.bodies import CONSUMER_TYPE
from scheduler.claims.journal import Claim, Hold
from scheduler.claims.states import ClaimState, HoldState
from tests.audit.leaks import PROJECT, SETTINGS, TTL_S

HOST = UUID(int=0xA)
ONE, TWO = UUID(int=1), UUID(int=2)


def provider(*, held=None, used=0, capacity=10, steady=True) -> ProviderReading:
    amounts = {consumer: {"VCPU": amount} for consumer, amount in (held or {}).items()}
    return ProviderReading(HOST, "h", amounts, {"VCPU": used}, {"VCPU": capacity}, steady)


def consumer(project=PROJECT, kind=CONSUMER_TYPE, age_s=2 * TTL_S, *, uuid=ONE, user="any", empty=False):
    held = {} if empty else {HOST: ProviderAllocation({"VCPU": 1})}
    return ConsumerReading(uuid, ConsumerAllocations(held, 1, project, user, kind), age_s)


def claim(state: ClaimState, hold_state: HoldState) -> Claim:
    holds = (Hold(ONE, {HOST: Resources({"VCPU": 1})}, hold_state),)
    return Claim(TWO, "req", "digest", "p", "u", "INSTANCE", (), holds, state=state)


@pytest.mark.parametrize(
    ("reading", "allowed"),
    [
        (consumer(), True),
        (consumer(user="another-node"), True),
        (consumer(age_s=TTL_S + 1), True),
        (consumer(age_s=TTL_S), False),
        (consumer(age_s=0.0), False),
        (consumer(age_s=None), False),
        (consumer(project="tenant"), False),
        (consumer(project=None), False),
        (consumer(kind="INSTANCE"), False),
        (consumer(kind="unknown"), False),
        (consumer(kind=None), False),
        (consumer(empty=True), False),
    ],
)
def test_only_old_reservations_of_our_project_and_type_may_be_healed(reading, allowed):
    assert may_heal(reading, TTL_S, SETTINGS) is allowed


@given(
    project=st.sampled_from([PROJECT, "tenant", None]) | st.text(),
    kind=st.sampled_from([CONSUMER_TYPE, "INSTANCE", None]) | st.text(),
    age_s=st.none() | st.floats(0, 1e9),
    ttl_s=st.floats(0, 1e9),
)
def test_whatever_a_consumer_is_healing_needs_all_three(project, kind, age_s, ttl_s):
    allowed = may_heal(consumer(project, kind, age_s), ttl_s, SETTINGS)
    assert allowed == (project == PROJECT and kind == CONSUMER_TYPE and age_s is not None and age_s > ttl_s)


@pytest.mark.parametrize(
    ("project", "kind", "minted"),
    [(PROJECT, CONSUMER_TYPE, True), (PROJECT, "INSTANCE", False), ("tenant", CONSUMER_TYPE, False)],
)
def test_the_project_or_the_type_makes_a_reservation_and_both_make_it_ours(project, kind, minted):
    (found,) = unowned_reservations([consumer(project, kind)], (), SETTINGS)
    assert found.minted is minted
    assert (found.consumer, found.allocations) == (ONE, {HOST: {"VCPU": 1}})


@pytest.mark.parametrize("reading", [consumer("tenant", "INSTANCE"), consumer(empty=True)])
def test_an_instance_and_an_empty_consumer_are_no_reservations(reading):
    assert unowned_reservations([reading], (), SETTINGS) == []


def test_an_owned_reservation_is_not_found_and_the_oldest_comes_first():
    readings = [consumer(uuid=UUID(int=number), age_s=age) for number, age in enumerate([5.0, None, 9.0, 7.0])]
    found = unowned_reservations(readings, {UUID(int=3)}, SETTINGS)
    assert [one.age_s for one in found] == [9.0, 5.0, None]


@pytest.mark.parametrize(
    ("state", "hold_state", "owned"),
    [
        (ClaimState.INTENDED, HoldState.HELD, True),
        (ClaimState.RESERVED, HoldState.HELD, True),
        (ClaimState.CONFIRMING, HoldState.HELD, True),
        (ClaimState.ABORTED, HoldState.RELEASING, True),
        (ClaimState.ABORTED, HoldState.QUARANTINED, True),
        (ClaimState.ABORTED, HoldState.RELEASED, False),
        (ClaimState.COMMITTED, HoldState.UNUSED, False),
    ],
)
def test_unsettled_claims_own_their_holds(state, hold_state, owned):
    assert owned_consumers([claim(state, hold_state)]) == ({ONE} if owned else set())


@pytest.mark.parametrize(
    ("reading", "found"),
    [
        (provider(held={"a": 3, "b": 2}, used=5), []),
        (provider(held={"a": 3}, used=5), [(5, 3)]),
        (provider(used=1), [(1, 0)]),
        (provider(held={"a": 3}, used=2), []),
        (provider(used=1, steady=False), []),
    ],
)
def test_an_orphan_is_usage_that_consumers_do_not_add_up_to(reading, found):
    assert [(one.used, one.explained) for one in orphans([reading])] == found


@pytest.mark.parametrize(("used", "capacity", "over"), [(10, 10, False), (11, 10, True), (1, 0, True), (0, 0, False)])
def test_over_capacity_is_more_used_than_there_is(used, capacity, over):
    assert bool(over_capacity([provider(used=used, capacity=capacity)])) is over


def test_usage_without_an_inventory_is_over_capacity():
    reading = ProviderReading(HOST, "h", {}, {"VCPU": 2}, {}, steady=True)
    assert over_capacity([reading]) == [OverCapacity(HOST, "h", "VCPU", 2, 0)]


def test_a_consumer_that_does_not_show_what_a_provider_lists_is_hidden():
    reading = provider(held={str(ONE): 1, str(TWO): 1}, used=2)
    consumers = {ONE: consumer(uuid=ONE), TWO: consumer(uuid=TWO, empty=True)}
    assert [one.consumer for one in hidden_consumers([reading], consumers)] == [TWO]


@pytest.mark.parametrize("name", ["not-a-uuid", str(ONE).replace("-", ""), f"{{{ONE}}}", str(UUID(int=0xABC)).upper()])
def test_a_consumer_that_could_only_be_asked_for_under_another_name_is_not_asked_for(name):
    assert listed_consumers([provider(held={name: 1, str(TWO): 1}), provider(held={str(TWO): 1})]) == [TWO]


def test_a_report_is_clean_only_without_any_finding():
    clean = AuditReport(1, 1, (), (), (), (), unsteady=(HOST,))
    assert clean.clean
    assert not AuditReport(1, 1, (), (), (), (OverCapacity(HOST, "h", "VCPU", 2, 1),), ()).clean
