"""The exit status of the command, a contract with whoever calls it from a script."""

from enum import IntEnum

from placement_client.errors import InsecureEndpoint, PlacementError
from scheduler.errors import (
    ClaimInDoubt,
    InvalidSettings,
    NoValidHost,
    SchedulerError,
    SchedulingUnavailable,
)
from scheduler.records import AccessNotRecorded


class ExitStatus(IntEnum):
    """What an exit status means."""

    OK = 0
    NO_VALID_HOST = 1
    USAGE = 2
    INVALID_SETTINGS = 3
    UNAVAILABLE = 4
    IN_DOUBT = 5
    FINDINGS = 6
    DEFECT = 70
    INTERRUPTED = 130


MEANINGS = {
    ExitStatus.OK: "done",
    ExitStatus.NO_VALID_HOST: "no valid host was found; for explain and replay, there is no such record",
    ExitStatus.USAGE: "wrong usage, not permitted, or the request is invalid or conflicts with existing allocations",
    ExitStatus.INVALID_SETTINGS: "the configuration is wrong",
    ExitStatus.UNAVAILABLE: "scheduling is not available, try again later",
    ExitStatus.IN_DOUBT: "the outcome is not known yet; Placement has to be looked at before trying again",
    ExitStatus.FINDINGS: "the audit found something that is not as it should be; for replay, a difference",
    ExitStatus.DEFECT: "a defect of this program",
    ExitStatus.INTERRUPTED: "interrupted by Ctrl-C or SIGTERM",
}

_STATUS_OF: tuple[tuple[type[Exception], ExitStatus], ...] = (
    (NoValidHost, ExitStatus.NO_VALID_HOST),
    (InvalidSettings, ExitStatus.INVALID_SETTINGS),
    (InsecureEndpoint, ExitStatus.INVALID_SETTINGS),
    (ClaimInDoubt, ExitStatus.IN_DOUBT),
    (SchedulingUnavailable, ExitStatus.UNAVAILABLE),
    (PlacementError, ExitStatus.UNAVAILABLE),
    (AccessNotRecorded, ExitStatus.UNAVAILABLE),
)


def status_of(error: SchedulerError | PlacementError) -> ExitStatus:
    """Return the exit status for an error; whatever is not listed is about the request."""
    return next((status for kind, status in _STATUS_OF if isinstance(error, kind)), ExitStatus.USAGE)
