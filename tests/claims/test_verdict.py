"""What is concluded from what holds and instances have after a lost or refused confirmation."""

import itertools
from uuid import UUID

import pytest

from placement_client.models import ConsumerAllocations, ProviderAllocation, Resources
from scheduler.claims.journal import InstanceClaim
from scheduler.claims.settle import INSTANCE_TAKEN, RESERVATION_LOST, Owner, owner_of, verdict
from scheduler.claims.states import ClaimEvent

PROVIDER = UUID(int=7)
UNTOUCHED, OURS, FOREIGN = Owner.UNTOUCHED, Owner.OURS, Owner.FOREIGN


@pytest.mark.parametrize(
    ("held", "owners", "event", "reason"),
    [
        ([False], [OURS], ClaimEvent.CONFIRMED, ""),
        ([False, False], [OURS, OURS], ClaimEvent.CONFIRMED, ""),
        ([False], [OURS, FOREIGN], ClaimEvent.CONFIRMED, ""),  # carried out; one instance was changed since
        ([False], [UNTOUCHED], None, RESERVATION_LOST),
        ([False], [FOREIGN], None, RESERVATION_LOST),
        ([True], [FOREIGN], ClaimEvent.DENIED, INSTANCE_TAKEN),
        ([True, False], [UNTOUCHED], None, RESERVATION_LOST),
        ([True], [UNTOUCHED, UNTOUCHED], None, ""),
    ],
)
def test_verdict(held, owners, event, reason):
    assert verdict(held, owners, maybe_sent=True) == (event, reason)


def test_a_refusal_with_everything_still_held_is_final_unless_an_earlier_confirmation_may_still_arrive():
    assert verdict([True], [UNTOUCHED], maybe_sent=False) == (ClaimEvent.DENIED, "")
    assert verdict([True], [UNTOUCHED], maybe_sent=True) == (None, "")
    assert verdict([False], [UNTOUCHED], maybe_sent=False) == (ClaimEvent.DENIED, RESERVATION_LOST)


@pytest.mark.parametrize(
    ("found", "owner"),
    [
        ({}, UNTOUCHED),
        ({PROVIDER: {"VCPU": 2}}, OURS),
        ({PROVIDER: {"VCPU": 3}}, FOREIGN),
        ({PROVIDER: {"VCPU": 2}, UUID(int=8): {"VCPU": 2}}, FOREIGN),
    ],
)
def test_an_instance_is_ours_only_when_it_holds_exactly_what_it_was_given(found, owner):
    allocations = {provider: ProviderAllocation(resources) for provider, resources in found.items()}
    wanted = InstanceClaim(UUID(int=1), {PROVIDER: Resources({"VCPU": 2})})
    assert owner_of(ConsumerAllocations(allocations, 1 if found else None), wanted) is owner


def test_a_claim_is_never_called_confirmed_while_a_hold_is_there():
    for owners in itertools.product(Owner, repeat=2):
        for maybe_sent in (True, False):
            assert verdict([True, False], list(owners), maybe_sent=maybe_sent)[0] is not ClaimEvent.CONFIRMED
