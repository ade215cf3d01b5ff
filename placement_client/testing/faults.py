"""Faults by call: what a network, a proxy or a racing client does to a request, at the call a test chooses.

A fault is a function of the request and of ``forward``, which passes the request on to the real or mock server. A
script says which fault a call meets. Controllers use it to prove what they do when an answer is lost::

    real.faults.play(on_call(2, reset_after_apply))
    ...
    assert [str(call) for call in real.faults.calls] == ["GET /allocation_candidates", "POST /allocations", ...]
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError

from placement_client.testing.wsgi import Certificate, Timeout, build_response

VERSION_HEADER = "openstack-api-version"

Forward = Callable[[], requests.Response]
Fault = Callable[[requests.PreparedRequest, Forward], requests.Response]


@dataclass(frozen=True, slots=True)
class Call:
    """One call that reached the adapter; numbers start at 1, ``path`` has no query."""

    number: int
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


Script = Callable[[Call], Fault | None]


def no_faults(call: Call) -> Fault | None:
    """Let every call pass."""
    return None


def on_call(number: int, fault: Fault) -> Script:
    """Let call ``number`` meet the fault, and every other call pass."""
    return lambda call: fault if call.number == number else None


def on_calls(faults: Mapping[int, Fault]) -> Script:
    """Let each numbered call meet its own fault."""
    return lambda call: faults.get(call.number)


def when(predicate: Callable[[Call], bool], fault: Fault) -> Script:
    """Let every call that ``predicate`` picks meet the fault."""
    return lambda call: fault if predicate(call) else None


def every(fault: Fault) -> Script:
    """Let every call meet the fault."""
    return lambda call: fault


class FaultAdapter(BaseAdapter):
    """A requests adapter that passes calls to ``inner``, except those for which the script has a fault."""

    def __init__(self, inner: BaseAdapter, script: Script = no_faults) -> None:
        super().__init__()
        self.inner = inner
        self.calls: list[Call] = []
        self._script = script
        self._lock = threading.Lock()

    def play(self, script: Script = no_faults) -> None:
        """Forget the calls so far and follow this script from call 1 on."""
        with self._lock:
            self.calls = []
            self._script = script

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Timeout = None,
        verify: bool | str = True,
        cert: Certificate = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Record the call, then forward it or let its fault happen."""
        fault = self._record(request)

        def forward() -> requests.Response:
            return self.inner.send(
                request, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=dict(proxies or {})
            )

        return fault(request, forward) if fault else forward()

    def close(self) -> None:
        """Close the inner adapter."""
        self.inner.close()

    def _record(self, request: requests.PreparedRequest) -> Fault | None:
        with self._lock:
            call = Call(len(self.calls) + 1, request.method or "", urlsplit(request.url or "").path or "/")
            self.calls.append(call)
            script = self._script
        return script(call)


def not_sent(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
    """Refuse the connection, as requests reports it; the server never sees the call."""
    url = urlsplit(request.url or "")
    host, port = url.hostname or "", url.port or 443
    reason = NewConnectionError(HTTPSConnection(host, port), "[Errno 111] Connection refused")
    raise requests.ConnectionError(MaxRetryError(HTTPSConnectionPool(host, port), url.path, reason), request=request)


def reset_before_apply(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
    """Reset the connection after sending; the server does not act on the call."""
    raise _reset(request)


def reset_after_apply(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
    """Let the server act on the call, then reset the connection."""
    forward()
    raise _reset(request)


def timeout_before_apply(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
    """Let no answer come; the server does not act on the call."""
    raise _timeout(request)


def timeout_after_apply(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
    """Let the server act on the call, but no answer come."""
    forward()
    raise _timeout(request)


def raises(error: BaseException, *, after_apply: bool = False) -> Fault:
    """Return a fault that raises ``error``, KeyboardInterrupt for instance, before or after the server acts."""

    def fault(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
        if after_apply:
            forward()
        raise error

    return fault


def answers(
    status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, *, after_apply: bool = False
) -> Fault:
    """Return a fault that answers with exactly this, before or after the server acts."""

    def fault(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
        if after_apply:
            forward()
        return build_response(request, status, (headers or {}).items(), body)

    return fault


def placement_error(status: int, title: str, detail: str, code: str = "placement.undefined_code") -> Fault:
    """Return a fault that answers as Placement words an error, with its headers; the server does not act."""

    def fault(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
        return build_response(request, status, error_headers(request), error_body(status, title, detail, code))

    return fault


def error_body(status: int, title: str, detail: str, code: str | None = None, **more: str) -> bytes:
    """Return the JSON of one Placement error; ``code`` None leaves it out, as Placement does for 406."""
    error: dict[str, object] = {"status": status, "title": title, "detail": f"{title}\n\n {detail}  "}
    error |= {"code": code} if code else {}
    return json.dumps({"errors": [error | {"request_id": REQUEST_ID} | more]}).encode()


def error_headers(request: requests.PreparedRequest) -> list[tuple[str, str]]:
    """Return the headers of a Placement error to this request; the microversion is the one asked for."""
    asked = request.headers.get(VERSION_HEADER)
    version = asked.decode() if isinstance(asked, bytes) else asked
    return [
        ("content-type", "application/json"),
        ("x-openstack-request-id", REQUEST_ID),
        *([(VERSION_HEADER, version), ("vary", VERSION_HEADER)] if version else []),
    ]


def wrong_version(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
    """Let the server act, then claim that the answer is of microversion 1.0."""
    response = forward()
    response.headers[VERSION_HEADER] = "placement 1.0"
    return response


def speaks_up_to(version: str) -> Fault:
    """Return a fault for GET / that makes a server look older: it offers nothing newer than this microversion."""

    def fault(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
        response = forward()
        content = json.loads(response.content)
        for offered in content["versions"]:
            offered["max_version"] = version
        return _with_body(request, response, json.dumps(content).encode())

    return fault


def no_version(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
    """Let the server act, then take the microversion header away."""
    response = forward()
    response.headers.pop(VERSION_HEADER, None)
    return response


def empty_body(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
    """Let the server act, then lose the body of its answer."""
    return _with_body(request, forward(), b"")


def garbage_body(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
    """Let the server act, then send a body that is not JSON, under the headers of JSON."""
    return _with_body(request, forward(), b'{"allocations": \xff\x00')


REQUEST_ID = "req-00000000-0000-4000-8000-000000000000"
_HTML = {"content-type": "text/html"}
_CHANGED = "Inventory and/or allocations changed while attempting to allocate: "

internal_error = placement_error(500, "Internal Server Error", "The server has either erred or is incapable.")
internal_error_after_apply = answers(500, error_body(500, "Internal Server Error", "x"), after_apply=True)
unavailable = answers(503, error_body(503, "Service Unavailable", "x"), {"content-type": "application/json"})
bad_gateway = answers(502, b"<html><body>Bad Gateway</body></html>", _HTML)
bad_gateway_after_apply = answers(502, b"<html><body>Bad Gateway</body></html>", _HTML, after_apply=True)
gateway_timeout = answers(504, b"<html><body>Gateway Time-out</body></html>", _HTML)
gateway_timeout_after_apply = answers(504, b"<html><body>Gateway Time-out</body></html>", _HTML, after_apply=True)
unauthorized = answers(401, error_body(401, "Unauthorized", "x"), {"content-type": "application/json"})
forbidden = placement_error(403, "Forbidden", "Policy does not allow this request to be performed.")
conflict_from_proxy = answers(409, b"<html><body>Conflict</body></html>", _HTML)

capacity_exceeded = placement_error(
    409,
    "Conflict",
    "Unable to allocate inventory: Unable to create allocation for 'VCPU' on resource provider "
    "'00000000-0000-4000-8000-000000000000'. The requested amount would exceed the capacity.",
)
unit_violated = placement_error(
    409,
    "Conflict",
    "Unable to allocate inventory: Unable to create allocation for 'VCPU' on resource provider "
    "'00000000-0000-4000-8000-000000000000'. The requested amount would violate inventory constraints.",
)
no_inventory = placement_error(
    409,
    "Conflict",
    "Unable to allocate inventory: Inventory for 'VCPU' on resource provider "
    "'00000000-0000-4000-8000-000000000000' invalid.",
)
provider_conflict = placement_error(
    409,
    "Conflict",
    _CHANGED + "Another thread concurrently updated the resource provider data. Please retry your update",
    "placement.concurrent_update",
)
consumer_race = placement_error(
    409,
    "Conflict",
    _CHANGED + "Another thread concurrently updated the data. Please retry your update",
    "placement.concurrent_update",
)
unknown_provider = placement_error(
    400,
    "Bad Request",
    "Allocation for resource provider '00000000-0000-4000-8000-000000000000' that does not exist.",
)


def consumer_conflict(expected: int | None = 1, got: int | None = None) -> Fault:
    """Return the 409 of a wrong consumer generation; ``expected`` None means that the consumer does not exist."""
    text = f"consumer generation conflict - expected {'null' if expected is None else expected} but got {got}"
    return placement_error(409, "Conflict", text, "placement.concurrent_update")


ON_THE_WAY: Final[Mapping[str, Fault]] = {
    "not sent": not_sent,
    "reset before apply": reset_before_apply,
    "reset after apply": reset_after_apply,
    "timeout before apply": timeout_before_apply,
    "timeout after apply": timeout_after_apply,
    "500": internal_error,
    "500 after apply": internal_error_after_apply,
    "502 html": bad_gateway,
    "502 html after apply": bad_gateway_after_apply,
    "503": unavailable,
    "504 html after apply": gateway_timeout_after_apply,
    "401": unauthorized,
    "403": forbidden,
    "409 html": conflict_from_proxy,
    "409 capacity": capacity_exceeded,
    "409 units": unit_violated,
    "409 inventory": no_inventory,
    "409 provider": provider_conflict,
    "409 consumer race": consumer_race,
    "409 consumer": consumer_conflict(),
    "400 provider": unknown_provider,
    "wrong version": wrong_version,
    "no version": no_version,
    "empty body": empty_body,
    "garbage": garbage_body,
}
"""What may happen to a call between the scheduler and what Placement answers, by name."""


def _with_body(request: requests.PreparedRequest, response: requests.Response, body: bytes) -> requests.Response:
    headers = [(name, value) for name, value in response.headers.items() if name.lower() != "content-length"]
    return build_response(request, response.status_code, headers, body)


def _reset(request: requests.PreparedRequest) -> requests.ConnectionError:
    cause = ConnectionResetError(104, "Connection reset by peer")
    return requests.ConnectionError(ProtocolError("Connection aborted.", cause), request=request)


def _timeout(request: requests.PreparedRequest) -> requests.ReadTimeout:
    url = urlsplit(request.url or "")
    pool = HTTPSConnectionPool(url.hostname or "", url.port or 443)
    return requests.ReadTimeout(ReadTimeoutError(pool, url.path, "Read timed out."), request=request)
