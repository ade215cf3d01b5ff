"""What the answer to a claim means for the request."""

from scheduler.claims.claimer import CONFIRMED, IN_DOUBT
from scheduler.claims.settle import INSTANCE_TAKEN
from scheduler.errors import ClaimInDoubt, InstanceConflict, NoValidHost, SchedulerError, SchedulingUnavailable

OVER_CAPACITY = "over_capacity"
GROUP_CHANGED = "group_changed"
TRY_AGAIN = frozenset(
    ("capacity_exceeded", "provider_conflict", "consumer_conflict", "unknown_provider", "outcome_unknown")
) | {OVER_CAPACITY, GROUP_CHANGED}
"""Answers to a reservation after which the request is planned again."""

_INSTANCE_CONFLICTS = frozenset({"consumer_conflict", INSTANCE_TAKEN})
_NO_ROOM = frozenset({"capacity_exceeded", "provider_conflict"})
_OUTAGES = frozenset({"outcome_unknown"})


def given_up(answer: str, request_id: str) -> SchedulerError:
    """Return how a request ends whose last reservation got this answer."""
    return SchedulingUnavailable(request_id, reason=answer) if answer in _OUTAGES else NoValidHost(request_id)


def not_confirmed(answer: str, request_id: str) -> SchedulerError | None:
    """Return how a request ends whose confirmation got this answer; None when it was confirmed."""
    if answer == CONFIRMED:
        return None
    if answer == IN_DOUBT:
        return ClaimInDoubt(request_id, reason=answer)
    if answer in _INSTANCE_CONFLICTS:
        return InstanceConflict(request_id)
    return NoValidHost(request_id) if answer in _NO_ROOM else SchedulingUnavailable(request_id, reason=answer)
