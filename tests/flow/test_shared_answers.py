"""How long an answer serves whom, what is assumed to be taken, and that neither grows without a bound."""

import gc
from uuid import UUID

import pytest

from placement_client.clock import Deadline, SystemClock
from placement_client.errors import DeadlineExceeded
from placement_client.models import AllocationCandidates
from placement_client.query import CandidateQuery, RequestGroup
from scheduler.model.plan import AmountOn, Placing
from scheduler.shared_candidates import FORGOTTEN_S, KEPT_S, MOST_ANSWERS, SharedCandidates, Visit
from tests.flow.deciding import snapshot
from tests.hosts.fleets import Node, candidates, uid

WINDOW_S = 0.5
NODES = (Node("h0"), Node("h1"))
SLOT = (uid("h0"), "VCPU")


class HandClock(SystemClock):
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def shared(clock) -> SharedCandidates:
    return SharedCandidates(WINDOW_S, clock)


class Asker:
    """Counts the questions and answers them; ``takes_s`` is how long Placement needs."""

    def __init__(self, clock: HandClock, takes_s: float = 0.0, *, finds: bool = True) -> None:
        self.clock, self.takes_s, self.finds, self.asked = clock, takes_s, finds, 0

    def __call__(self) -> AllocationCandidates:
        self.asked += 1
        self.clock.now += self.takes_s
        return candidates(NODES) if self.finds else AllocationCandidates([], {})


def query(vcpus: int = 1) -> CandidateQuery:
    return CandidateQuery({"": RequestGroup({"VCPU": vcpus})})


def asked(shared: SharedCandidates, ask: Asker, vcpus: int = 1, *, anew: bool = False) -> Visit:
    """Return the visit of a request that has made its plan."""
    with shared.visit(Deadline.after(5.0), f"asked-{ask.asked}", anew=anew, alone=False) as visit:
        found = visit.answer([query(vcpus)], "1.39", ask)
        visit.table(found, snapshot(NODES))
    return visit


def placing(amount: int = 1) -> list[Placing]:
    one = AmountOn(SLOT[0], SLOT[1], 100, 0, amount)
    return [Placing(uid("i"), "h0", "h0", SLOT[0], candidates(NODES).allocation_requests[0], (one,))]


# Whom an answer serves


def test_an_answer_serves_those_who_come_within_the_window_after_the_question(shared, clock):
    ask = Asker(clock)
    assert asked(shared, ask).asked_by == ""
    clock.now += WINDOW_S
    assert asked(shared, ask).asked_by == "asked-0"
    clock.now += 0.001
    assert asked(shared, ask).asked_by == ""
    assert ask.asked == 2


def test_an_answer_serves_those_who_came_while_it_was_asked_however_long_that_took(shared, clock):
    ask = Asker(clock, takes_s=10 * WINDOW_S)
    with shared.visit(Deadline.after(5.0), "waits", anew=False, alone=False) as waiting:
        asked(shared, ask)
        waiting.answer([query()], "1.39", ask)
    assert (ask.asked, waiting.asked_by) == (1, "asked-0")
    clock.now += 0.001
    asked(shared, ask)
    assert ask.asked == 2


def test_who_was_refused_takes_no_answer_to_an_earlier_question_and_replaces_it(shared, clock):
    ask = Asker(clock)
    asked(shared, ask)
    clock.now += 0.001
    assert asked(shared, ask, anew=True).asked_by == ""
    assert asked(shared, ask).asked_by == "asked-1"
    assert ask.asked == 2


def test_an_empty_answer_serves_only_those_who_came_before_it_was_asked(shared, clock):
    ask = Asker(clock, takes_s=0.1, finds=False)
    with shared.visit(Deadline.after(5.0), "waits", anew=False, alone=False) as waiting:
        clock.now += 0.001
        asked(shared, ask)
        waiting.answer([query()], "1.39", ask)
    assert (ask.asked, waiting.certain) == (1, True)
    asked(shared, ask)
    assert ask.asked == 2


def test_another_question_or_microversion_is_another_answer(shared, clock):
    ask = Asker(clock)
    asked(shared, ask, 1)
    asked(shared, ask, 2)
    with shared.visit(Deadline.after(5.0), "old", anew=False, alone=False) as visit:
        visit.answer([query(1)], "1.36", ask)
    assert ask.asked == 3


@pytest.mark.parametrize(("window_s", "alone"), [(0.0, False), (WINDOW_S, True)])
def test_nothing_is_shared_without_a_window_or_alone(clock, window_s, alone):
    shared, ask = SharedCandidates(window_s, clock), Asker(clock)
    for number in (1, 2):
        with shared.visit(Deadline.after(5.0), "r", anew=False, alone=alone) as visit:
            visit.table(visit.answer([query()], "1.39", ask), snapshot(NODES))
        assert (ask.asked, visit.certain, visit.told) == (number, True, ((), ""))
    assert shared.more_rounds == (1 if window_s else 0)


# What is assumed


def assumed(shared: SharedCandidates, ask: Asker) -> int:
    visit = asked(shared, ask)
    assert visit.certain is (not visit.assumed and visit.asked_by == "")
    return sum(amount for *_, amount in visit.assumed)


def test_a_claim_counts_until_an_answer_can_have_it(shared, clock):
    ask = Asker(clock)
    asked(shared, ask)
    shared.assume(uid("c"), placing(3))
    assert assumed(shared, ask) == 3
    clock.now += 0.1
    shared.reserved(uid("c"))
    assert assumed(shared, ask) == 3, "it was granted after the question"
    clock.now += WINDOW_S
    assert assumed(shared, ask) == 0, "the question came after it was granted"
    assert ask.asked == 2


def test_a_claim_on_its_way_counts_for_new_answers_too_until_it_is_given_up(shared, clock):
    ask = Asker(clock)
    shared.assume(uid("c"), placing(3))
    shared.assume(uid("d"), placing(4))
    assert assumed(shared, ask) == 7
    shared.forget([uid("c")])
    assert assumed(shared, ask) == 4


def test_the_table_has_what_is_assumed(shared, clock):
    ask = Asker(clock)
    shared.assume(uid("c"), placing(3))
    with shared.visit(Deadline.after(5.0), "r", anew=False, alone=False) as visit:
        found = visit.answer([query()], "1.39", ask)
        hosts = visit.table(found, snapshot(NODES))
    plain = Visit().table(found, snapshot(NODES))
    assert (hosts.used("VCPU") - plain.used("VCPU")).tolist() == [3.0 * (name == "h0") for name in hosts.names]
    assert plain.used("VCPU").tolist() == Visit().table(found, snapshot(NODES)).used("VCPU").tolist()


def test_what_is_on_no_provider_of_the_answer_is_left_out(shared, clock):
    elsewhere = [AmountOn(UUID(int=1), "VCPU", 9, 0, 1), AmountOn(SLOT[0], "CUSTOM_X", 9, 0, 1)]
    (one,) = placing()
    shared.assume(uid("c"), [Placing(one.instance_uuid, "h", "h", SLOT[0], one.allocation_request, tuple(elsewhere))])
    assert asked(shared, Asker(clock)).told == ((), "")


# Bounds


def test_only_so_many_answers_are_kept_and_only_as_long_as_they_serve(shared, clock):
    ask = Asker(clock)
    for vcpus in range(1, 3 * MOST_ANSWERS):
        asked(shared, ask, vcpus)
    assert len(shared._shapes) == MOST_ANSWERS
    assert all(shape.answer and shape.answer.standing for shape in shared._shapes.values())
    clock.now += WINDOW_S + KEPT_S + 0.001
    asked(shared, ask, 1)
    assert [bool(shape.answer) for shape in shared._shapes.values()] == [False] * (MOST_ANSWERS - 1) + [True]


def test_claims_that_every_answer_has_are_let_go(shared, clock):
    ask = Asker(clock)
    for number in range(100):
        clock.now += 0.1
        asked(shared, ask)
        shared.assume(UUID(int=number), placing())
        shared.reserved(UUID(int=number))
    assert len(shared._taken) <= (WINDOW_S + KEPT_S) / 0.1 + 1
    clock.now += WINDOW_S + KEPT_S + 0.001
    shared.assume(uid("c"), placing())
    assert list(shared._taken) == [uid("c")], "also where nobody asks any more"


def test_a_claim_of_which_nothing_more_is_heard_is_let_go(shared, clock):
    ask = Asker(clock)
    shared.assume(uid("lost"), placing())
    clock.now += FORGOTTEN_S
    assert assumed(shared, ask) == 1
    clock.now += 1
    assert assumed(shared, ask) == 0
    assert not shared._taken


# Turns


def test_who_waits_is_told_at_its_deadline(shared, clock):
    ask = Asker(clock)
    with shared.visit(Deadline.after(5.0), "first", anew=False, alone=False) as first:
        first.answer([query()], "1.39", ask)
        with (
            pytest.raises(DeadlineExceeded),
            shared.visit(Deadline.after(0.1), "second", anew=False, alone=False) as second,
        ):
            second.answer([query()], "1.39", ask)


def test_an_error_of_the_one_who_asks_leaves_nothing_behind(shared, clock):
    def fails() -> AllocationCandidates:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), shared.visit(Deadline.after(5.0), "r", anew=False, alone=False) as visit:
        visit.answer([query()], "1.39", fails)
    assert asked(shared, Asker(clock)).asked_by == ""


def test_a_visit_that_was_never_left_does_not_keep_the_turn(shared, clock):
    ask = Asker(clock)
    gone = shared.visit(Deadline.after(5.0), "gone", anew=False, alone=False)
    gone.__enter__().answer([query()], "1.39", ask)
    del gone
    gc.collect()
    assert asked(shared, ask).asked_by == "gone"
