"""What every journal does, whatever it is made of."""

from uuid import uuid4

import pytest
from msgspec import structs

from faults.written import TO_COMMITTED, a_claim, advanced, released
from scheduler.claims.journal import MigrationClaim
from scheduler.claims.states import (
    CLAIM_TRANSITIONS,
    HOLD_TRANSITIONS,
    ClaimEvent,
    ClaimState,
    HoldEvent,
    HoldState,
)
from scheduler.errors import IllegalTransition, RequestInProgress
from scheduler.model.held import Held

WAYS_TO = {
    ClaimState.INTENDED: (),
    ClaimState.RESERVED: TO_COMMITTED[:1],
    ClaimState.CONFIRMING: TO_COMMITTED[:2],
    ClaimState.COMMITTED: TO_COMMITTED,
    ClaimState.ABORTED: (ClaimEvent.ABANDONED,),
}
HOLD_WAYS_TO = {
    HoldState.HELD: ((), ()),
    HoldState.UNUSED: ((ClaimEvent.REFUSED,), ()),
    HoldState.RELEASING: ((ClaimEvent.ABANDONED,), ()),
    HoldState.QUARANTINED: ((ClaimEvent.ABANDONED,), (HoldEvent.EMPTY_FOR_NOW,)),
    HoldState.RELEASED: ((ClaimEvent.ABANDONED,), (HoldEvent.EMPTY,)),
}


def test_a_claim_is_found_as_it_was_written(journal):
    claim = a_claim(instances=3, holds=2)
    journal.begin(claim)
    assert journal.find(claim.claim_id) == claim
    assert journal.claims_of(claim.request_id) == (claim,)
    assert journal.unfinished() == (claim,)


def test_a_claim_of_a_move_is_found_with_what_its_instance_held_and_its_migration_keeps(journal):
    claim = a_claim(holds=0)
    (one,) = claim.instances
    kept = MigrationClaim(uuid4(), one.allocations)
    claim = structs.replace(claim, instances=(structs.replace(one, before=Held(7, one.allocations)),), migration=kept)
    journal.begin(claim)
    assert journal.find(claim.claim_id) == claim
    assert advanced(journal, claim, *TO_COMMITTED).settled, "without a hold, nothing is left to release"


def test_what_was_never_written_is_not_found(journal):
    assert journal.find(uuid4()) is None
    assert journal.claims_of("req-unknown") == ()
    assert journal.unfinished() == ()


@pytest.mark.parametrize("state", ClaimState)
def test_an_event_has_the_effect_of_the_table_or_none_at_all(journal, state):
    for event in ClaimEvent:
        claim = a_claim(holds=2)
        journal.begin(claim)
        before = advanced(journal, claim, *WAYS_TO[state])
        before = before if WAYS_TO[state] else claim
        if event in CLAIM_TRANSITIONS[state]:
            after = journal.advance(claim.claim_id, event)
            assert after == before.advanced(event)
        else:
            after = before
            with pytest.raises(IllegalTransition):
                journal.advance(claim.claim_id, event)
        assert journal.find(claim.claim_id) == after


@pytest.mark.parametrize("state", HoldState)
def test_an_event_of_a_hold_has_the_effect_of_the_table_or_none_at_all(journal, state):
    for event in HoldEvent:
        claim = a_claim(holds=2)
        journal.begin(claim)
        claim_events, hold_events = HOLD_WAYS_TO[state]
        before = advanced(journal, claim, *claim_events)
        consumer = claim.holds[1].consumer
        for step in hold_events:
            before = journal.advance_hold(claim.claim_id, consumer, step)
        if event in HOLD_TRANSITIONS[state]:
            after = journal.advance_hold(claim.claim_id, consumer, event)
            assert after == before.with_hold(consumer, event)
            assert after.holds[0] == before.holds[0]
        else:
            after = before
            with pytest.raises(IllegalTransition):
                journal.advance_hold(claim.claim_id, consumer, event)
        assert journal.find(claim.claim_id) == after


def test_a_claim_is_unfinished_until_it_is_settled(journal):
    committed, aborted, refused, open_one = claims = [a_claim(holds=2) for _ in range(4)]
    for claim in claims:
        journal.begin(claim)
    advanced(journal, committed, *TO_COMMITTED)
    advanced(journal, refused, ClaimEvent.REFUSED)
    given_up = advanced(journal, aborted, ClaimEvent.ABANDONED)
    assert journal.unfinished() == (given_up, open_one)
    assert released(journal, given_up).settled
    assert journal.unfinished() == (open_one,)


def test_a_request_has_one_claim_that_is_not_aborted(journal):
    first, second, third = (a_claim("req-1") for _ in range(3))
    journal.begin(first)
    with pytest.raises(RequestInProgress) as refused:
        journal.begin(second)
    assert refused.value.request_id == "req-1"
    assert refused.value.__context__ is None
    assert journal.find(second.claim_id) is None
    first = advanced(journal, first, ClaimEvent.ABANDONED)
    journal.begin(second)
    second = advanced(journal, second, *TO_COMMITTED)
    with pytest.raises(RequestInProgress):
        journal.begin(third)
    assert journal.claims_of("req-1") == (first, second)


def test_the_oldest_settled_claims_are_forgotten_beyond_a_number(journal):
    journal_of = type(journal)
    if journal_of.__name__ == "MemoryJournal":
        journal._keep = 3
    else:
        journal._settings = structs.replace(journal._settings, keep_claims=3)
    first = a_claim()
    journal.begin(first)
    claims = [a_claim() for _ in range(8)]
    for claim in claims:
        journal.begin(claim)
        advanced(journal, claim, ClaimEvent.REFUSED)
    journal.prune()
    assert journal.prune() == 0
    assert [journal.find(claim.claim_id) is not None for claim in claims] == 5 * [False] + 3 * [True]
    assert journal.claims_of(claims[0].request_id) == ()
    assert journal.unfinished() == (first,)
