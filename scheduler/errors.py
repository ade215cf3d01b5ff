"""Everything the scheduler tells its caller when it cannot give selections.

The tree, by what the caller should do::

    SchedulerError
    ├─ NoValidHost             a normal answer: nothing fits; constant text, the reasons are in the decision record
    ├─ InvalidRequest          the request is wrong; every problem is named with its field
    ├─ NotPermitted            the context may not ask for this
    ├─ InstanceConflict        an instance holds allocations that are not ours, or a moved one changed meanwhile
    ├─ SchedulingUnavailable   an outage, try again later; never reported as NoValidHost
    │  ├─ PluginFailed             a filter or weigher raised
    │  ├─ JournalUnavailable       a claim could not be written down, so it was not made
    │  │  └─ Fenced                   another scheduler took this one for dead and took its claims over
    │  ├─ RequestInProgress        the same request is being served at this moment
    │  └─ ClaimInDoubt             the answer to a confirmation was lost; it will be settled
    ├─ InvalidSettings         the configuration is wrong; every problem is named with section and option
    └─ IllegalTransition       a claim was told something that cannot happen in its state (a defect, nothing changed)

What leaves the process says nothing of the cause: text, ``repr``, ``args`` and pickle of NoValidHost, InstanceConflict
and SchedulingUnavailable are constant, and those of the errors below the latter are its own, but for the two that tell
a caller what to do. Request id, reason and detail are attributes for a caller in this process, and are not pickled.
"""

from typing import Any, Final

MAX_TOLD: Final = 20  # problems in one message; ``problems`` has them all


class SchedulerError(Exception):
    """The base of all errors of this package."""

    code = "scheduler_error"


class ConstantError(Exception):
    """An error that looks the same whatever its cause, so that no tenant learns the cause from it.

    A class that gives no ``MESSAGE`` of its own shows itself as the one that it takes its message from.
    """

    MESSAGE = ""

    def __init__(self, request_id: str = "") -> None:
        """Keep the request id, by which an operator finds the decision record."""
        super().__init__(self.MESSAGE)
        self.request_id = request_id

    def __repr__(self) -> str:
        return f"{self._shown_as().__name__}({self.MESSAGE!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return self._shown_as(), ()

    def _shown_as(self) -> type["ConstantError"]:
        return next(kind for kind in type(self).__mro__ if "MESSAGE" in vars(kind))


class NoValidHost(ConstantError, SchedulerError):
    """Nothing fits; the text is the same whatever the cause."""

    code = "no_valid_host"
    MESSAGE = "No valid host was found."


def _joined(problems: tuple[str, ...]) -> str:
    more = len(problems) - MAX_TOLD
    return "; ".join(problems[:MAX_TOLD]) + (f"; and {more} more" if more > 0 else "")


class InvalidRequest(SchedulerError):
    """The request is wrong; ``problems`` names each field and what is wrong with it."""

    code = "invalid_request"

    def __init__(self, *problems: str) -> None:
        """Join the first problems into one message."""
        super().__init__(_joined(problems))
        self.problems = problems


class NotPermitted(SchedulerError):
    """The context may not ask for this."""

    code = "not_permitted"


class InstanceConflict(ConstantError, SchedulerError):
    """An instance of the request holds allocations that this request did not write; they are untouched.

    Of a move: they are of another owner, or were changed since it began, or those of its migration exist already.
    """

    code = "instance_conflict"
    MESSAGE = "An instance of the request already holds allocations; they were left as they are."


class SchedulingUnavailable(ConstantError, SchedulerError):
    """No decision could be made because something the scheduler needs is not working; try again later."""

    code = "scheduling_unavailable"
    MESSAGE = "Scheduling is not available at the moment."

    def __init__(self, request_id: str = "", *, reason: str = "", detail: str = "") -> None:
        """Keep for the operator a stable reason code, that of a ``PlacementError`` for instance, and words of ours."""
        super().__init__(request_id)
        self.reason = reason
        self.detail = detail


class PluginFailed(SchedulingUnavailable):
    """A filter or weigher raised; the request was stopped rather than placed without it."""

    code = "plugin_failed"

    def __init__(self, plugin: str, problem: str) -> None:
        """Name the plugin and the type of what it raised, never the text."""
        super().__init__(reason=self.code, detail=f"{plugin} failed ({problem}); the request was stopped.")
        self.plugin = plugin
        self.problem = problem


class JournalUnavailable(SchedulingUnavailable):
    """A claim could not be written down, so it was not made."""

    code = "journal_unavailable"


class Fenced(JournalUnavailable):
    """Another scheduler took this one for dead and took its claims over; nothing more is written for them here."""

    code = "fenced"


class RequestInProgress(SchedulingUnavailable):
    """The same request is being served at this moment, here or by another scheduler of the same journal."""

    code = "request_in_progress"
    MESSAGE = "The same request is being served at this moment."

    def __init__(self, request_id: str = "") -> None:
        """Keep the request id."""
        super().__init__(request_id, reason=self.code)


class ClaimInDoubt(SchedulingUnavailable):
    """The answer to a confirmation was lost; ``FilterScheduler.outcome(request_id)`` tells when it is settled."""

    code = "claim_in_doubt"
    MESSAGE = "The outcome of the claim is not known yet; it will be settled in the background."


class InvalidSettings(SchedulerError):
    """The configuration is wrong; ``problems`` names each section and option and what to write instead."""

    code = "invalid_settings"

    def __init__(self, *problems: str) -> None:
        """Join the first problems into one message."""
        super().__init__(_joined(problems))
        self.problems = problems


class IllegalTransition(SchedulerError):
    """A claim was told something that cannot happen in its state; nothing was changed."""

    code = "illegal_transition"
