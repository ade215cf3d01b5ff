"""Everything that can go wrong between a caller and Placement.

The tree, by what the caller may conclude::

    PlacementError
    ├─ NotSent              the request did not leave this process; sending it (again) is safe
    ├─ OutcomeUnknown       the request may or may not have been carried out; read back before deciding
    │  └─ AnswerTooSlow         a read, which was sent, and nothing came back for the read timeout
    ├─ Refused              Placement itself answered no; nothing was changed
    │  ├─ CapacityExceeded      409: no room, unit constraints or no inventory of that class
    │  ├─ ProviderConflict      409: a provider changed under the request; a fresh attempt may succeed
    │  ├─ ConsumerConflict      409: a consumer is not at the expected generation; read back, never repeat blindly
    │  ├─ UnknownProvider       400 to an allocation write naming a provider that is gone
    │  ├─ BadRequest            400: any other; the request itself is wrong
    │  ├─ NotAuthorized         401 or 403: no valid token, or its role is not sufficient
    │  ├─ NotFound              404
    │  └─ VersionRefused        406, or no microversion that both sides speak
    ├─ BadAnswer            the answer to a read cannot be trusted or decoded
    ├─ DeadlineExceeded     the time ran out before the request was sent, or while reading
    ├─ InsecureEndpoint     an endpoint that is not https or not allowed; refused before anything is sent
    └─ InvalidQuery         the query cannot be expressed at the negotiated microversion, or is malformed

A message holds what was asked (method and path template), the status and the request id. It never holds server text, a
URL, a header, an identifier or a body, so it may be logged.
"""


class PlacementError(Exception):
    """The base of all errors of this package."""

    code = "placement_error"
    retriable = False
    summary = "Placement could not be used."

    def __init__(
        self,
        operation: str = "",
        *,
        status: int | None = None,
        request_id: str | None = None,
        hint: str = "",
    ) -> None:
        """Describe one failed call.

        ``operation`` is the method and path template ("PUT /allocations/{consumer}"); ``hint`` is fixed text of ours
        that narrows the cause ("the certificate was not accepted").
        """
        self.operation = operation
        self.status = status
        self.request_id = request_id
        self.hint = hint
        super().__init__(self._message())

    @property
    def explanation(self) -> str:
        """Return the hint as a sentence, "" where there is none."""
        return f"{self.hint[0].upper()}{self.hint[1:]}." if self.hint else ""

    def _message(self) -> str:
        parts = [f"{self.operation}: {self.summary}" if self.operation else self.summary]
        if self.hint:
            parts.append(self.explanation)
        facts = [f"status {self.status}"] if self.status is not None else []
        facts += [f"request {self.request_id}"] if self.request_id else []
        return " ".join(parts) + (f" ({', '.join(facts)})" if facts else "")


class NotSent(PlacementError):
    """The request did not leave this process; sending it again is safe."""

    code = "not_sent"
    retriable = True
    summary = "Placement could not be reached, nothing was sent."


class OutcomeUnknown(PlacementError):
    """The request may or may not have been carried out; only reading back can tell."""

    code = "outcome_unknown"
    summary = "The answer was lost, the outcome is unknown."


class AnswerTooSlow(OutcomeUnknown):
    """Nothing came back to a read for as long as the client waits; Placement may be computing still."""

    code = "answer_too_slow"
    summary = "No answer came in time."


class Refused(PlacementError):
    """Placement itself answered no, and nothing was changed."""

    code = "refused"
    summary = "Placement refused the request."


class CapacityExceeded(Refused):
    """There is no room, a unit constraint is violated or the provider has no such inventory."""

    code = "capacity_exceeded"
    summary = "The room is not there any more."


class ProviderConflict(Refused):
    """A provider changed while the request was carried out; a fresh attempt may succeed."""

    code = "provider_conflict"
    retriable = True
    summary = "A resource provider was changed at the same time."


class ConsumerConflict(Refused):
    """A consumer is not at the expected generation: somebody else wrote it, or it is gone."""

    code = "consumer_conflict"
    summary = "A consumer is not at the expected generation."


class UnknownProvider(Refused):
    """An allocation names a provider that no longer exists; new consumers of the request may be unusable now."""

    code = "unknown_provider"
    summary = "A resource provider of the request does not exist."


class BadRequest(Refused):
    """The request itself is wrong, for instance an unknown trait or resource class."""

    code = "bad_request"
    summary = "Placement does not understand the request."


class NotAuthorized(Refused):
    """There is no valid token, or the role behind it is not sufficient."""

    code = "not_authorized"
    summary = "The credentials are not accepted or lack the service role."


class NotFound(Refused):
    """The thing asked for does not exist."""

    code = "not_found"
    summary = "Placement does not know what was asked for."


class VersionRefused(Refused):
    """Client and server have no microversion in common that is safe to claim with."""

    code = "version_refused"
    summary = "No microversion from 1.28 to 1.39 is spoken by the server."


class BadAnswer(PlacementError):
    """The answer to a read cannot be trusted or decoded."""

    code = "bad_answer"
    summary = "The answer is not one a Placement server gives."


class DeadlineExceeded(PlacementError):
    """The time ran out before the request was sent, or while an answer without side effects was awaited."""

    code = "deadline_exceeded"
    summary = "The deadline of the request has passed."


class InsecureEndpoint(PlacementError):
    """An endpoint is not https, or not one that a request may go to; nothing was sent to it."""

    code = "insecure_endpoint"
    summary = "The endpoint may not be used."


class InvalidQuery(PlacementError, ValueError):
    """A query is malformed, or needs a newer microversion than the server speaks."""

    code = "invalid_query"
    summary = "The query cannot be sent."
