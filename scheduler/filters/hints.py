"""Scheduler hints as filters read them."""

from uuid import UUID

from scheduler.errors import InvalidRequest
from scheduler.model import RequestSpec
from scheduler.model.messages import shown


def texts_of(request: RequestSpec, name: str) -> tuple[str, ...]:
    """Return the texts of a hint, which may be one text or a list; () where the request does not give it."""
    given = request.scheduler_hints.get(name, ())
    return (given,) if isinstance(given, str) else tuple(given)


def text_of(request: RequestSpec, name: str) -> str | None:
    """Return the one text of a hint, None where the request does not give it. Raises InvalidRequest."""
    texts = texts_of(request, name)
    if len(texts) > 1:
        raise refused(name, "takes one text, not a list")
    return texts[0] if texts else None


def uuids_of(request: RequestSpec, name: str) -> list[UUID]:
    """Return the UUIDs that a hint lists. Raises InvalidRequest."""
    return [_uuid(name, text) for text in texts_of(request, name)]


def refused(name: str, problem: str) -> InvalidRequest:
    """Return the error for a hint that is malformed."""
    return InvalidRequest(f"scheduler_hints[{shown(name)}]: {problem}")


def _uuid(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        problem = f"{shown(text)} is not the UUID of an instance"
    raise refused(name, problem)
