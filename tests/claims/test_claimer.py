"""The claim protocol on a mock: what is written down before what is sent, and what becomes of what is left."""

import threading
from uuid import UUID, uuid4

import pytest

from placement_client.clock import SYSTEM_CLOCK, SystemClock
from placement_client.models import ConsumerWrite, Resources
from placement_client.testing import MockPlacement, faults
from scheduler.claims import CONFIRMED, IN_DOUBT, RESERVED, Claimer, ClaimState, Figures, MemoryJournal, RequestFacts
from scheduler.claims.states import ClaimEvent, HoldState
from scheduler.settings import ClaimSettings
from tests.claims.test_bodies import placing

REQUEST = "req-00000000-0000-4000-8000-000000000001"
FACTS = RequestFacts(REQUEST, "digest", "tenant", "somebody", "INSTANCE")
SETTINGS = ClaimSettings(
    node_id="node",
    reservation_project_id="reservations",
    backoff_base_s=0.001,
    backoff_cap_s=0.01,
    quarantine_s=60.0,
    release_timeout_s=5.0,
)


class SteppedClock(SystemClock):
    """A clock that a test can put forward."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


class WatchedJournal(MemoryJournal):
    """A journal that tells, for each call to Placement, in which state it had the claim."""

    def __init__(self, mock: MockPlacement) -> None:
        super().__init__()
        self.states: list[tuple[str, ClaimState]] = []
        mock.faults.play(lambda call: self.note(str(call)))

    def note(self, call: str) -> None:
        self.states += [(call, claim.state) for claim in self.unfinished()]


class Quiet:
    """A sweeper that does nothing, so that a test settles when it wants to."""

    def wake(self):
        pass

    def stop(self, timeout_s):
        pass


def claimer_on(mock, journal=None, clock=SYSTEM_CLOCK, *, swept=False):
    placement = mock.client(retry_attempts=1)
    placement.negotiate()
    sweeper = None if swept else Quiet()
    return Claimer(placement, journal or MemoryJournal(), SETTINGS, clock, sweeper=sweeper), placement


def begun(claimer, *instances):
    claim_id = claimer.new_id()
    return claimer.begin(claim_id, FACTS, [placing(one, 1) for one in instances])


def consumers(mock):
    return mock.client(wrap=lambda adapter: mock.adapter).get_provider_allocations(UUID(int=1)).allocations


def test_every_write_is_preceded_by_its_record(mock):
    claimer, placement = claimer_on(mock)
    journal = WatchedJournal(mock)
    claimer, placement = claimer_on(mock, journal)
    journal.states.clear()
    claim = begun(claimer, 1, 2)
    assert claimer.reserve(placement, claim) == RESERVED
    assert claimer.confirm(placement, claim) == CONFIRMED
    assert journal.states == [
        ("POST /allocations", ClaimState.INTENDED),
        ("POST /allocations", ClaimState.CONFIRMING),
    ]
    assert journal.find(claim.claim_id).settled
    assert set(consumers(mock)) == {str(UUID(int=1)), str(UUID(int=2))}


def test_a_journal_that_fails_stops_the_claim_before_anything_is_sent(mock):
    class Full(MemoryJournal):
        def begin(self, claim):
            raise OSError("disk full")

    claimer, _ = claimer_on(mock, Full())
    mock.faults.play()
    with pytest.raises(OSError, match="disk full"):
        begun(claimer, 1)
    assert mock.faults.calls == []


def test_a_lost_reservation_is_released_fenced_and_looked_at_again_after_the_quarantine(mock):
    clock = SteppedClock()
    claimer, placement = claimer_on(mock, clock=clock)
    claim = begun(claimer, 1)
    mock.faults.play(faults.on_call(1, faults.reset_after_apply))
    assert claimer.reserve(placement, claim) == "outcome_unknown"
    assert len(consumers(mock)) == 1
    claimer.release([claim.claim_id])
    assert not consumers(mock)
    (left,) = claimer.claims_of(REQUEST)
    assert (left.state, left.holds[0].state) == (ClaimState.ABORTED, HoldState.QUARANTINED)
    assert 50 < claimer.settle() <= 60
    assert claimer.figures().releasing == 1
    # The fence: the lost request cannot be carried out late.
    late = ConsumerWrite({UUID(int=1): Resources({"VCPU": 1})}, project_id="reservations", user_id="node")
    with pytest.raises(Exception, match="not at the expected generation"):
        placement.put_allocations(claim.holds[0].consumer, late)
    clock.ahead = 61
    assert claimer.settle() is None
    assert claimer.claims_of(REQUEST)[0].holds[0].state is HoldState.RELEASED


def test_a_reservation_that_reappears_during_the_quarantine_is_released_again(mock):
    clock = SteppedClock()
    claimer, placement = claimer_on(mock, clock=clock)
    claim = begun(claimer, 1)
    mock.faults.play(faults.on_call(1, faults.reset_before_apply))
    claimer.reserve(placement, claim)
    claimer.release([claim.claim_id])
    back = ConsumerWrite(
        {UUID(int=1): Resources({"VCPU": 1})}, project_id="reservations", user_id="node", consumer_generation=0
    )
    placement.put_allocations(claim.holds[0].consumer, back)
    clock.ahead = 61
    claimer.settle()
    clock.ahead = 200
    claimer.settle()
    assert not consumers(mock)


def test_an_answered_reservation_needs_no_quarantine(mock):
    claimer, placement = claimer_on(mock)
    claim = begun(claimer, 1)
    claimer.reserve(placement, claim)
    claimer.release([claim.claim_id])
    assert claimer.claims_of(REQUEST)[0].settled
    assert not consumers(mock)


def test_a_release_that_was_answered_but_not_carried_out_is_noticed_and_repeated(mock):
    clock = SteppedClock()
    claimer, placement = claimer_on(mock, clock=clock)
    claim = begun(claimer, 1)
    claimer.reserve(placement, claim)
    mock.faults.play(faults.when(lambda call: call.method == "PUT", faults.answers(204, b"", VERSION)))
    claimer.release([claim.claim_id])
    assert claimer.claims_of(REQUEST)[0].holds[0].state is HoldState.RELEASING
    mock.faults.play()
    clock.ahead = 10
    assert claimer.settle() is None
    assert not consumers(mock)


VERSION = {"openstack-api-version": "placement 1.39"}


def test_one_hold_that_cannot_be_released_does_not_keep_the_others(mock):
    claimer, placement = claimer_on(mock)
    claim = begun(claimer, 1, 2, 3)
    claimer.reserve(placement, claim)
    assert len(claim.holds) == 3
    stuck = f"/allocations/{claim.holds[0].consumer}"
    mock.faults.play(faults.when(lambda call: call.path == stuck, faults.internal_error))
    claimer.release([claim.claim_id])
    assert set(consumers(mock)) == {str(claim.holds[0].consumer)}
    mock.faults.play()
    assert claimer.close(5).releasing == 0
    assert not consumers(mock)


def test_a_lost_confirmation_is_driven_forward_in_the_same_call(mock):
    claimer, placement = claimer_on(mock)
    claim = begun(claimer, 1)
    claimer.reserve(placement, claim)
    mock.faults.play(faults.on_call(1, faults.timeout_after_apply))
    assert claimer.confirm(placement, claim) == CONFIRMED
    assert set(consumers(mock)) == {str(UUID(int=1))}


def test_a_confirmation_that_stays_unanswered_is_in_doubt_and_the_sweeper_settles_it(mock):
    claimer, placement = claimer_on(mock, swept=True)
    claim = begun(claimer, 1)
    claimer.reserve(placement, claim)
    mock.faults.play(faults.every(faults.timeout_before_apply))
    assert claimer.confirm(placement, claim) == IN_DOUBT
    assert claimer.figures().in_doubt == 1
    mock.faults.play()
    for _ in range(200):
        if not claimer.figures().in_doubt:
            break
        SYSTEM_CLOCK.sleep(0.02)
    assert claimer.claims_of(REQUEST)[0].state is ClaimState.COMMITTED
    assert set(consumers(mock)) == {str(UUID(int=1))}
    claimer.close(1)


def test_a_refusal_after_a_lost_confirmation_ends_nothing_because_the_lost_one_may_still_arrive(mock):
    claimer, placement = claimer_on(mock)
    claim = begun(claimer, 1)
    claimer.reserve(placement, claim)
    posts = []

    def first_lost_others_refused(call):
        if call.method != "POST":
            return None
        posts.append(call)
        return faults.timeout_before_apply if len(posts) == 1 else faults.capacity_exceeded

    mock.faults.play(first_lost_others_refused)
    assert claimer.confirm(placement, claim) == IN_DOUBT
    assert claimer.claims_of(REQUEST)[0].state is ClaimState.CONFIRMING
    mock.faults.play()
    claimer.close(5)
    assert set(consumers(mock)) == {str(UUID(int=1))}


def test_a_confirmation_that_is_refused_for_good_is_denied_and_its_room_released(mock):
    claimer, placement = claimer_on(mock)
    claim = begun(claimer, 1)
    claimer.reserve(placement, claim)
    mock.faults.play(faults.when(lambda call: call.method == "POST", faults.capacity_exceeded))
    assert claimer.confirm(placement, claim) == "capacity_exceeded"
    claimer.release([claim.claim_id])
    assert claimer.claims_of(REQUEST)[0].settled
    assert not consumers(mock)


def test_after_the_commit_intent_abandoning_changes_nothing(mock):
    claimer, placement = claimer_on(mock)
    claim = begun(claimer, 1)
    claimer.reserve(placement, claim)
    claimer.confirm(placement, claim)
    claimer.abandon([claim.claim_id])
    assert claimer.claims_of(REQUEST)[0].state is ClaimState.COMMITTED


def test_a_claim_that_another_thread_gives_up_at_the_same_moment_is_released_all_the_same(mock):
    class Overtaken(MemoryJournal):
        """Lets somebody else give a claim up right after it was looked at."""

        def find(self, claim_id):
            claim = super().find(claim_id)
            if claim is not None and claim.state is ClaimState.RESERVED:
                super().advance(claim_id, ClaimEvent.ABANDONED)
            return claim

    claimer, placement = claimer_on(mock, Overtaken())
    claim = begun(claimer, 1)
    assert claimer.reserve(placement, claim) == RESERVED
    claimer.release([claim.claim_id])
    assert claimer.figures() == Figures(0, 0, 0)
    assert consumers(mock) == {}


def test_a_claim_that_was_never_begun_can_be_abandoned(mock):
    claimer, _ = claimer_on(mock)
    claimer.abandon([uuid4()])
    claimer.release([uuid4()])
    assert claimer.settle() is None


def test_the_sweeper_thread_lives_only_while_there_is_something_to_settle(mock):
    before = set(threading.enumerate())
    claimer, placement = claimer_on(mock, swept=True)
    claim = begun(claimer, 1)
    claimer.reserve(placement, claim)
    assert set(threading.enumerate()) == before
    claimer.abandon([claim.claim_id])
    for _ in range(200):
        if not consumers(mock) and set(threading.enumerate()) <= before:
            break
        SYSTEM_CLOCK.sleep(0.02)
    else:
        pytest.fail("the sweeper does not end")
    assert not consumers(mock)
    assert claimer.figures().releasing == 0


def test_a_wall_clock_that_jumps_changes_no_decision(mock):
    """Deadlines and quarantines count monotonic seconds; the time of day is for people."""

    class Jumping(SteppedClock):
        def wall(self) -> float:
            return super().wall() + 10**9 * (-1) ** int(self.monotonic() * 1000)

    clock = Jumping()
    claimer, placement = claimer_on(mock, clock=clock)
    claim = begun(claimer, 1)
    mock.faults.play(faults.on_call(1, faults.reset_before_apply))
    claimer.reserve(placement, claim)
    claimer.release([claim.claim_id])
    assert 50 < claimer.settle() <= 60
    clock.ahead = 61
    assert claimer.settle() is None
