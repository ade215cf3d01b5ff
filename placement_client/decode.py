"""Bytes to models, strictly; and refusals to errors.

An answer is believed only when it is Placement's own: the asked microversion comes back in its header and the body is
what that answer has. Everything else is ``OutcomeUnknown`` for a request that may have changed something and
``BadAnswer`` for one that cannot. Server text is matched against known wordings here, and goes nowhere.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from placement_client.decode_candidates import candidates_in
from placement_client.errors import (
    BadAnswer,
    BadRequest,
    CapacityExceeded,
    ConsumerConflict,
    NotAuthorized,
    NotFound,
    OutcomeUnknown,
    PlacementError,
    ProviderConflict,
    Refused,
    UnknownProvider,
    VersionRefused,
)
from placement_client.models import AllocationCandidates, Answer, Request

T = TypeVar("T")

JSON_TYPE: Final = re.compile(r"application/json(;\s*charset=utf-8)?", re.IGNORECASE)
REQUEST_ID: Final = re.compile(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
VERSION_HEADER: Final = "openstack-api-version"
CONCURRENT_UPDATE: Final = "placement.concurrent_update"

# Wordings of Placement 16 (handlers/allocation.py, handlers/util.py, exception.py); each starts a line of the detail.
NO_ROOM: Final = re.compile(r"^\s*Unable to allocate inventory:", re.MULTILINE)
CONSUMER_GENERATION: Final = re.compile(r"^\s*consumer generation conflict\b", re.MULTILINE)
PROVIDER_DATA: Final = re.compile(r"\bconcurrently updated the resource provider data\b")
GONE_PROVIDER: Final = re.compile(r"^\s*Allocation for resource provider .* that does not exist\b", re.MULTILINE)


_READ_APART: Final[Mapping[type, Callable[[bytes], Any]]] = {AllocationCandidates: candidates_in}


class Problem(msgspec.Struct, frozen=True):
    """One entry of the ``errors`` of a refusal; only matched, never shown."""

    status: int
    detail: str = ""
    code: str = ""
    min_version: str = ""


class Problems(msgspec.Struct, frozen=True):
    """The body of a refusal."""

    errors: list[Problem]


def decode(request: Request, answer: Answer, model: type[T], *, unique: bool = False) -> T:
    """Return the body as a model; ``unique`` refuses duplicate keys as well.

    Raises BadAnswer, or OutcomeUnknown when the request may have changed something.
    """
    if not JSON_TYPE.fullmatch(answer.headers.get("content-type", "")):
        raise _error(_unbelieved(request), request, answer, "the body is not JSON")
    value = _decoded(answer.body, model, unique=unique)
    if value is None:
        raise _error(_unbelieved(request), request, answer, "the body does not have the documented form")
    return value


def check(request: Request, answer: Answer) -> None:
    """Return when the answer is an authentic success of the asked microversion; raise its error otherwise."""
    if not 200 <= answer.status < 300:
        raise error_of(request, answer)
    if not _speaks(request, answer):
        raise _error(_unbelieved(request), request, answer, "the answer is not of the microversion asked for")
    if _writes_allocations(request) and (answer.status != 204 or answer.body):
        raise _error(_unbelieved(request), request, answer, "allocations are written when 204 says so, without a body")


def error_of(request: Request, answer: Answer) -> PlacementError:
    """Return the error that an answer other than 2xx means."""
    if answer.status >= 500:
        return _error(OutcomeUnknown, request, answer)
    if answer.status == 401:
        return _error(NotAuthorized, request, answer, "the token was not accepted")
    problem = _problem(answer)
    if problem is None or not _authentic(request, answer, problem):
        return _error(_unbelieved(request), request, answer, _strange(answer.status))
    return _refusal(request, answer, problem)


def request_id_of(answer: Answer) -> str | None:
    """Return the request id the server gave, when it has the one form it can have."""
    request_id = answer.headers.get("x-openstack-request-id", "")
    return request_id if REQUEST_ID.fullmatch(request_id) else None


def _refusal(request: Request, answer: Answer, problem: Problem) -> PlacementError:
    match answer.status:
        case 400 if _writes_allocations(request) and GONE_PROVIDER.search(problem.detail):
            return _error(UnknownProvider, request, answer)
        case 403:
            return _error(NotAuthorized, request, answer, "the role is not sufficient")
        case 404:
            return _error(NotFound, request, answer)
        case 406:
            return _error(VersionRefused, request, answer)
        case 409:
            return _conflict(request, answer, problem)
        case _:
            return _error(BadRequest, request, answer)


def _conflict(request: Request, answer: Answer, problem: Problem) -> PlacementError:
    """Tell apart what 409 means; a consumer race is the careful reading of a wording that is not known."""
    if problem.code != CONCURRENT_UPDATE:
        return _error(CapacityExceeded if NO_ROOM.search(problem.detail) else Refused, request, answer)
    if CONSUMER_GENERATION.search(problem.detail):
        return _error(ConsumerConflict, request, answer)
    if PROVIDER_DATA.search(problem.detail) or not _writes_allocations(request):
        return _error(ProviderConflict, request, answer)
    return _error(ConsumerConflict, request, answer)


def _authentic(request: Request, answer: Answer, problem: Problem) -> bool:
    """Tell whether Placement itself refused: 406 alone comes without the version header and without a code."""
    if problem.status != answer.status:
        return False
    if answer.status == 406:
        return bool(problem.min_version)
    return _speaks(request, answer) and (bool(problem.code) or request.microversion is None)


def _speaks(request: Request, answer: Answer) -> bool:
    asked = request.microversion
    return asked is None or answer.headers.get(VERSION_HEADER) == f"placement {asked}"


def _writes_allocations(request: Request) -> bool:
    return request.changes and request.template.startswith("/allocations")


def _strange(status: int) -> str:
    return "a redirect is never followed" if 300 <= status < 400 else "the refusal is not one of Placement"


def _unbelieved(request: Request) -> type[PlacementError]:
    return OutcomeUnknown if request.changes else BadAnswer


def _error(kind: type[PlacementError], request: Request, answer: Answer, hint: str = "") -> PlacementError:
    return kind(request.operation, status=answer.status, request_id=request_id_of(answer), hint=hint)


def _problem(answer: Answer) -> Problem | None:
    """Return the first problem of a refusal, or None when the body is not one."""
    if not JSON_TYPE.fullmatch(answer.headers.get("content-type", "")):
        return None
    problems = _decoded(answer.body, Problems, unique=False)
    return problems.errors[0] if problems and problems.errors else None


def _decoded(body: bytes, model: type[T], *, unique: bool) -> T | None:
    """Return the value, or None for anything that is not UTF-8, not JSON, too deep or not of the model."""
    try:
        if unique:
            json.loads(body, object_pairs_hook=_unique)
        return _READ_APART[model](body) if model in _READ_APART else msgspec.json.decode(body, type=model)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs as a dict, raising ValueError for a key that comes twice."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError
    return value
