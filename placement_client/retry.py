"""When a call may be repeated, and the one loop that does it."""

import secrets
from collections.abc import Callable, Iterator
from typing import TypeVar

from msgspec import Struct

from placement_client.clock import Deadline
from placement_client.errors import AnswerTooSlow, NotSent, OutcomeUnknown, PlacementError
from placement_client.models import Request
from placement_client.settings import RetrySettings

T = TypeVar("T")

PASSING_STATUSES = frozenset({502, 503, 504})


class RetryPolicy(Struct, frozen=True):
    """How often a call is made, and the pauses between: a full jitter under a doubling cap."""

    attempts: int = 3
    base_s: float = 0.05
    cap_s: float = 1.0
    uniform: Callable[[float, float], float] = secrets.SystemRandom().uniform

    @classmethod
    def from_settings(cls, settings: RetrySettings) -> "RetryPolicy":
        """Return the policy that these settings describe."""
        return cls(settings.attempts, settings.base_s, settings.cap_s)

    def pauses(self) -> Iterator[float]:
        """Yield the seconds to wait before each repetition."""
        longest = self.base_s
        for _ in range(self.attempts - 1):
            yield self.uniform(0.0, min(longest, self.cap_s))
            longest = min(longest * 2.0, self.cap_s)


def may_repeat(request: Request, error: PlacementError) -> bool:
    """Tell whether the request can be repeated without a chance of being carried out twice."""
    if isinstance(error, NotSent):
        return True
    if request.changes or not isinstance(error, OutcomeUnknown):
        return False
    return error.status is None or error.status in PASSING_STATUSES


def call(policy: RetryPolicy, deadline: Deadline, request: Request, attempt: Callable[[], T]) -> T:
    """Return what ``attempt`` returns, repeating it while that is safe and the deadline is not reached.

    Silence is met with one repetition only: a connection may have been lost, but a question that takes Placement long
    takes as long again, while it still computes the first answer. Raises the last error of ``attempt``.
    """
    silences = 0
    for pause in policy.pauses():
        try:
            return attempt()
        except PlacementError as error:
            silences += isinstance(error, AnswerTooSlow)
            if not may_repeat(request, error) or pause >= deadline.remaining() or silences > 1:
                raise
        deadline.clock.sleep(pause)
    return attempt()
