"""The transition tables of claims and holds."""

from uuid import UUID

import pytest

from placement_client.models import Resources
from scheduler.claims.journal import Claim, Hold, InstanceClaim, MemoryJournal
from scheduler.claims.states import (
    CLAIM_TRANSITIONS,
    HOLD_TRANSITIONS,
    ClaimEvent,
    ClaimState,
    HoldEvent,
    HoldState,
    after,
    hold_after,
)
from scheduler.errors import IllegalTransition

A, B, HOLD = UUID(int=1), UUID(int=2), UUID(int=3)


def claim(**changes) -> Claim:
    fields = {
        "claim_id": A,
        "request_id": "req-1",
        "digest": "d",
        "project_id": "p",
        "user_id": "u",
        "consumer_type": "INSTANCE",
        "instances": (InstanceClaim(B, {A: Resources({"VCPU": 1})}),),
        "holds": (Hold(HOLD, {A: Resources({"VCPU": 1})}),),
    }
    return Claim(**(fields | changes))


@pytest.mark.parametrize("state", ClaimState)
@pytest.mark.parametrize("event", ClaimEvent)
def test_a_claim_follows_the_table_or_raises(state, event):
    if event in CLAIM_TRANSITIONS[state]:
        assert after(state, event) is CLAIM_TRANSITIONS[state][event]
    else:
        with pytest.raises(IllegalTransition, match=f"A claim that is {state.value} cannot be {event.value}"):
            after(state, event)


@pytest.mark.parametrize("state", HoldState)
@pytest.mark.parametrize("event", HoldEvent)
def test_a_hold_follows_the_table_or_raises(state, event):
    if event in HOLD_TRANSITIONS[state]:
        assert hold_after(state, event) is HOLD_TRANSITIONS[state][event]
    else:
        with pytest.raises(IllegalTransition):
            hold_after(state, event)


def test_after_the_commit_intent_a_claim_cannot_be_abandoned():
    with pytest.raises(IllegalTransition):
        after(ClaimState.CONFIRMING, ClaimEvent.ABANDONED)


def test_every_state_leads_to_an_end():
    for state in ClaimState:
        reached = {state}
        while True:
            more = {to for one in reached for to in CLAIM_TRANSITIONS[one].values()} | reached
            if more == reached:
                break
            reached = more
        assert reached & {ClaimState.COMMITTED, ClaimState.ABORTED}


def test_an_illegal_event_changes_nothing_in_the_journal():
    journal = MemoryJournal()
    journal.begin(claim())
    with pytest.raises(IllegalTransition):
        journal.advance(A, ClaimEvent.CONFIRMED)
    assert journal.find(A) == claim()


def test_abandoning_gives_up_the_holds_and_they_stay_unfinished_until_released():
    journal = MemoryJournal()
    journal.begin(claim())
    abandoned = journal.advance(A, ClaimEvent.ABANDONED)
    assert abandoned.holds[0].state is HoldState.RELEASING
    assert [one.claim_id for one in journal.unfinished()] == [A]
    waiting = journal.advance_hold(A, HOLD, HoldEvent.EMPTY_FOR_NOW)
    assert waiting.holds[0].state is HoldState.QUARANTINED
    assert journal.advance_hold(A, HOLD, HoldEvent.EMPTY).settled
    assert journal.unfinished() == ()
    assert journal.find(A).state is ClaimState.ABORTED


def test_a_refused_reservation_leaves_nothing_to_release():
    refused = claim().advanced(ClaimEvent.REFUSED)
    assert refused.settled
    assert refused.holds[0].state is HoldState.UNUSED


def test_a_committed_claim_is_settled_and_its_holds_are_spent():
    done = claim()
    for event in (ClaimEvent.ACCEPTED, ClaimEvent.COMMIT_INTENDED, ClaimEvent.CONFIRMED):
        done = done.advanced(event)
    assert done.accepted
    assert done.settled
    assert not done.needs_settling


def test_only_what_no_request_drives_any_more_needs_settling():
    reserved = claim().advanced(ClaimEvent.ACCEPTED)
    assert not reserved.needs_settling
    assert not reserved.settled
    assert reserved.advanced(ClaimEvent.COMMIT_INTENDED).needs_settling
    assert reserved.advanced(ClaimEvent.ABANDONED).needs_settling


def test_the_journal_forgets_the_oldest_settled_claims():
    journal = MemoryJournal(keep=2)
    for number in range(5):
        journal.begin(claim(claim_id=UUID(int=10 + number), request_id=f"req-{number}"))
        journal.advance(UUID(int=10 + number), ClaimEvent.REFUSED)
    assert [bool(journal.claims_of(f"req-{number}")) for number in range(5)] == [False, False, False, True, True]
