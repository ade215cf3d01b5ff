"""What is repeated, how often, after which pauses, and never past the deadline."""

import pytest

from placement_client.clock import Deadline
from placement_client.errors import (
    AnswerTooSlow,
    BadAnswer,
    CapacityExceeded,
    ConsumerConflict,
    DeadlineExceeded,
    NotSent,
    OutcomeUnknown,
    PlacementError,
    ProviderConflict,
)
from placement_client.models import Request
from placement_client.retry import RetryPolicy, call, may_repeat
from placement_client.settings import RetrySettings

GET = Request("GET", "/", "/")
PUT = Request("PUT", "/", "/")


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


def longest(low: float, high: float) -> float:
    return high


def run(request: Request, failures: list[PlacementError], policy: RetryPolicy, seconds: float = 100.0) -> tuple:
    """Return the outcome of a call whose first attempts fail so, the attempts made and the pauses."""
    clock, attempts = Clock(), []

    def attempt() -> str:
        attempts.append(1)
        if failures:
            raise failures.pop(0)
        return "done"

    try:
        outcome: object = call(policy, Deadline.after(seconds, clock), request, attempt)
    except PlacementError as error:
        outcome = type(error)
    return outcome, len(attempts), clock.slept


@pytest.mark.parametrize(
    ("error", "read", "write"),
    [
        (NotSent(), True, True),
        (OutcomeUnknown(), True, False),
        (AnswerTooSlow(), True, False),
        (OutcomeUnknown(status=500), False, False),
        (OutcomeUnknown(status=502), True, False),
        (OutcomeUnknown(status=503), True, False),
        (OutcomeUnknown(status=504), True, False),
        (OutcomeUnknown(status=200), False, False),
        (BadAnswer(), False, False),
        (DeadlineExceeded(), False, False),
        (ProviderConflict(), False, False),
        (ConsumerConflict(), False, False),
        (CapacityExceeded(), False, False),
    ],
    ids=lambda value: f"{type(value).__name__} {value.status}" if isinstance(value, PlacementError) else None,
)
def test_only_what_cannot_happen_twice_is_repeated(error: PlacementError, read: bool, write: bool) -> None:
    assert (may_repeat(GET, error), may_repeat(PUT, error)) == (read, write)


def test_pauses_double_up_to_the_cap() -> None:
    policy = RetryPolicy(attempts=5, base_s=1.0, cap_s=3.0, uniform=longest)
    assert list(policy.pauses()) == [1.0, 2.0, 3.0, 3.0]


def test_the_jitter_is_full() -> None:
    policy = RetryPolicy(attempts=2000, base_s=1.0, cap_s=1.0)
    pauses = list(policy.pauses())
    assert 0.0 <= min(pauses) < 0.1
    assert 0.9 < max(pauses) <= 1.0


def test_a_call_ends_with_its_first_success() -> None:
    policy = RetryPolicy(attempts=5, base_s=1.0, cap_s=9.0, uniform=longest)
    assert run(GET, [NotSent(), OutcomeUnknown()], policy) == ("done", 3, [1.0, 2.0])


def test_a_call_fails_with_its_last_error() -> None:
    policy = RetryPolicy(attempts=2, base_s=1.0, cap_s=9.0, uniform=longest)
    assert run(GET, [NotSent(), OutcomeUnknown(), NotSent()], policy) == (OutcomeUnknown, 2, [1.0])


def test_silence_is_met_with_one_repetition_only() -> None:
    policy = RetryPolicy(attempts=5, base_s=1.0, cap_s=9.0, uniform=longest)
    assert run(GET, [AnswerTooSlow()], policy) == ("done", 2, [1.0])
    assert run(GET, [AnswerTooSlow(), NotSent(), AnswerTooSlow(), NotSent()], policy) == (AnswerTooSlow, 3, [1.0, 2.0])


def test_a_write_that_may_have_arrived_is_not_repeated() -> None:
    policy = RetryPolicy(attempts=5, uniform=longest)
    assert run(PUT, [OutcomeUnknown()], policy) == (OutcomeUnknown, 1, [])


def test_no_pause_reaches_the_deadline() -> None:
    policy = RetryPolicy(attempts=5, base_s=2.0, cap_s=2.0, uniform=longest)
    assert run(GET, [NotSent() for _ in range(5)], policy, seconds=5.0) == (NotSent, 3, [2.0, 2.0])


def test_one_attempt_never_pauses() -> None:
    policy = RetryPolicy.from_settings(RetrySettings(attempts=1))
    assert run(GET, [NotSent()], policy) == (NotSent, 1, [])


def test_the_error_of_the_last_attempt_has_no_context() -> None:
    policy = RetryPolicy(attempts=3, base_s=0.0)

    def attempt() -> None:
        raise NotSent

    with pytest.raises(NotSent) as caught:
        call(policy, Deadline.after(9.0, Clock()), GET, attempt)
    assert caught.value.__context__ is None
