"""Turns: one call at a time, within its deadline, and never stuck behind a call that is gone."""

import threading
import weakref

import pytest

from placement_client.clock import SYSTEM_CLOCK, Deadline
from placement_client.settings import PlacementSettings
from placement_client.transport.exchange import Exchange, exchanging
from placement_client.turns import Turns


def call(seconds: float = 5.0) -> Exchange:
    return Exchange(Deadline.after(seconds), PlacementSettings(), 1024)


def test_only_one_call_at_a_time_has_the_turn():
    turns, inside, most = Turns(), [], []

    def work() -> None:
        for _ in range(50):
            with turns.turn(call()):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 400


def test_a_call_waits_no_longer_than_its_deadline():
    turns, holding = Turns(), call()
    started = SYSTEM_CLOCK.monotonic()
    with turns.turn(holding), pytest.raises(TimeoutError), turns.turn(call(0.2)):
        pytest.fail("two calls had the turn")
    assert 0.2 <= SYSTEM_CLOCK.monotonic() - started < 0.6


def test_a_turn_that_failed_is_over():
    turns = Turns()
    with pytest.raises(KeyError), turns.turn(call()):
        raise KeyError
    with turns.turn(call(0.0)):
        pass


@pytest.mark.parametrize("noted", [False, True], ids=["before it was noted", "after it was noted"])
def test_a_turn_whose_call_is_gone_is_taken_over_by_any_thread(noted):
    """What an exception leaves behind that comes right after locking, or right before unlocking."""
    turns, gone = Turns(), call()
    turns._lock.acquire()
    if noted:
        turns._holder = weakref.ref(gone)
    del gone
    passed = []

    def work() -> None:
        with turns.turn(call()):
            passed.append(True)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert passed == [True] * 4


def test_a_turn_whose_call_has_ended_is_taken_over_although_its_error_is_still_handled():
    """The traceback of the error holds the call; a retry comes while it does."""
    turns, failed = Turns(), call()
    with exchanging(failed):
        turns._lock.acquire()
        turns._holder = weakref.ref(failed)
    with turns.turn(call()):
        pass
    assert failed is not None


def test_a_turn_whose_call_goes_on_is_not_taken_over():
    turns, alive = Turns(), call()
    turns._lock.acquire()
    turns._holder = weakref.ref(alive)
    with pytest.raises(TimeoutError), turns.turn(call(0.3)):
        pytest.fail("two calls had the turn")
    assert alive is not None
