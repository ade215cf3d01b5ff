"""How a request that failed ends: what the caller gets, and what the record states."""

from placement_client.errors import InvalidQuery, PlacementError
from scheduler.errors import (
    ClaimInDoubt,
    InstanceConflict,
    InvalidRequest,
    InvalidSettings,
    NoValidHost,
    PluginFailed,
    SchedulerError,
    SchedulingUnavailable,
)
from scheduler.model.decision import Outcome


def answer_to(error: BaseException, request_id: str) -> BaseException:
    """Return what the caller gets for an error: one of ours, never a foreign one with its text."""
    if isinstance(error, InvalidQuery):
        return InvalidRequest(str(error))
    if isinstance(error, PlacementError):
        return SchedulingUnavailable(request_id, reason=error.code, detail=error.explanation)
    if isinstance(error, InvalidSettings):
        return SchedulingUnavailable(request_id, reason=error.code)
    if isinstance(error, PluginFailed):
        error.request_id = request_id
    return error


def outcome_of(answer: BaseException) -> Outcome:
    """Return the outcome that a record states for an error."""
    kinds: tuple[tuple[type[BaseException], Outcome], ...] = (
        (NoValidHost, "no_valid_host"),
        (ClaimInDoubt, "in_doubt"),
        (SchedulingUnavailable, "unavailable"),
        (InstanceConflict, "conflict"),
        (SchedulerError, "rejected"),
    )
    return next((outcome for kind, outcome in kinds if isinstance(answer, kind)), "interrupted")


def code_of(answer: BaseException) -> str:
    """Return the stable code of why: of what failed in an outage, of any other error of ours, or a foreign type."""
    if isinstance(answer, SchedulingUnavailable) and answer.reason:
        return answer.reason
    return answer.code if isinstance(answer, SchedulerError) else type(answer).__name__


def detail_of(answer: BaseException) -> str:
    """Return what failed in words of ours, a plugin by its name for instance; "" where there is no more to say."""
    return answer.detail if isinstance(answer, SchedulingUnavailable) else ""
