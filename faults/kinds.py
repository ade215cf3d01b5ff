"""The kinds of faults: each can be played at any call, and says by its name what happens to that call.

Most happen on the wire, in the proxy, and so to whatever scheduler is behind it. Some happen inside the process that
makes the call. Left out on purpose: an answer that is authentic in every part and false (a 204 for a change that was
not made), which nobody who believes the server can survive.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from faults.proxy import Cut, Exchange, Fault
from placement_client.clock import SYSTEM_CLOCK
from placement_client.testing import faults as calls

HTML = b"<html><body>Bad luck</body></html>"
CHANGED = "Inventory and/or allocations changed while attempting to allocate: "
NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault by name: on the wire or inside the process, and whether the caller has to wait for its read timeout."""

    name: str
    on_wire: Fault | None = None
    inside: calls.Fault | None = None
    slow: bool = False


def cut_request(size: int, how: Cut) -> Fault:
    """Return a fault that ends the connection after this many bytes of the request."""

    def fault(exchange: Exchange) -> None:
        exchange.receive_only(size)
        exchange.cut(how)

    return fault


def cut_answer(size: int, how: Cut) -> Fault:
    """Return a fault that ends the connection after this many bytes of the answer, or so many before its end."""

    def fault(exchange: Exchange) -> None:
        exchange.answer(exchange.deliver()[:size])
        exchange.cut(how)

    return fault


def lose_request(how: Cut) -> Fault:
    """Return a fault that takes the whole request, and ends the connection; the server never sees it."""

    def fault(exchange: Exchange) -> None:
        exchange.receive()
        exchange.cut(how)

    return fault


def late(after: int) -> Fault:
    """Return a fault that resets the connection and delivers the request when others have overtaken it."""

    def fault(exchange: Exchange) -> None:
        exchange.arrive_late(after)
        exchange.cut(Cut.RESET)

    return fault


def stall_before(exchange: Exchange) -> None:
    """Take the request and say nothing; the server never sees it."""
    exchange.receive()
    exchange.wait_for_hangup()


def stall_after(exchange: Exchange) -> None:
    """Let the server act and say nothing."""
    exchange.deliver()
    exchange.wait_for_hangup()


def stall_within(exchange: Exchange) -> None:
    """Let the server act, send half of its answer and nothing more."""
    answer = exchange.deliver()
    exchange.answer(answer[: len(answer) // 2])
    exchange.wait_for_hangup()


def delay(exchange: Exchange) -> None:
    """Be slow on the way there and on the way back."""
    exchange.receive()
    SYSTEM_CLOCK.sleep(0.02)
    answer = exchange.deliver()
    SYSTEM_CLOCK.sleep(0.02)
    exchange.answer(answer)


def drip(exchange: Exchange) -> None:
    """Send the answer byte by byte."""
    answer = exchange.deliver()
    for number in range(len(answer)):
        exchange.answer(answer[number : number + 1])


def twice_first_answer(exchange: Exchange) -> None:
    """Deliver the request twice, as a balancer that repeats it; the first answer counts."""
    answer = exchange.deliver()
    exchange.deliver()
    exchange.answer(answer)


def twice_second_answer(exchange: Exchange) -> None:
    """Deliver the request twice; the second answer counts."""
    exchange.deliver()
    exchange.answer(exchange.deliver())


def twice_no_answer(exchange: Exchange) -> None:
    """Deliver the request twice and lose both answers."""
    exchange.deliver()
    exchange.deliver()
    exchange.cut(Cut.RESET)


def answered_twice(exchange: Exchange) -> None:
    """Send the answer, and once more behind it."""
    exchange.answer(exchange.deliver() * 2)


def continued(exchange: Exchange) -> None:
    """Send an interim answer before the real one."""
    exchange.answer(b"HTTP/1.1 100 Continue\r\n\r\n" + exchange.deliver())


def instead(answer: bytes) -> Fault:
    """Return a fault that answers this; the server never sees the request."""

    def fault(exchange: Exchange) -> None:
        exchange.receive()
        exchange.answer(answer)
        exchange.cut(Cut.GOODBYE)

    return fault


def changed(change: Callable[[bytes], bytes]) -> Fault:
    """Return a fault that lets the server act, and changes its answer."""

    def fault(exchange: Exchange) -> None:
        exchange.answer(change(exchange.deliver()))
        exchange.cut(Cut.GOODBYE)

    return fault


def replaced(answer: bytes) -> Fault:
    """Return a fault that lets the server act, and answers this."""
    return changed(lambda _: answer)


def reply(status: int, body: bytes = b"", *headers: str, kind: str = "text/html") -> bytes:
    """Return an HTTP answer with these headers besides its type and length."""
    lines = [f"HTTP/1.1 {status} Nothing", f"content-type: {kind}", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def refused(status: int, detail: str, code: str = "placement.undefined_code") -> Fault:
    """Return a fault that answers as Placement words a refusal, in the microversion asked for."""

    def fault(exchange: Exchange) -> None:
        version = _version_asked(exchange.receive())
        body = calls.error_body(status, "Refused", detail, code)
        exchange.answer(reply(status, body, f"openstack-api-version: {version}", kind="application/json"))

    return fault


def _version_asked(request: bytes) -> str:
    lines = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
    versions = (line.partition(b":")[2] for line in lines if line.lower().startswith(b"openstack-api-version"))
    return next(versions, b"placement 1.0").strip().decode("latin-1")


def _with_header(name: bytes, line: bytes) -> Callable[[bytes], bytes]:
    """Return a change that replaces every header of this name by one line; an empty line takes it away."""

    def change(answer: bytes) -> bytes:
        head, blank, body = answer.partition(b"\r\n\r\n")
        first, *fields = head.split(b"\r\n")
        kept = [field for field in fields if not field.lower().startswith(name + b":")]
        return b"\r\n".join([first, *([line] if line else []), *kept]) + blank + body

    return change


def _with_body(content: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Return a change of the body that keeps the length right."""

    def change(answer: bytes) -> bytes:
        new = content(answer.partition(b"\r\n\r\n")[2])
        head = _with_header(b"content-length", b"content-length: %d" % len(new))(answer).partition(b"\r\n\r\n")[0]
        return head + b"\r\n\r\n" + new

    return change


def _statuses() -> Iterator[Kind]:
    """Yield answers of proxies and balancers, once instead of the server's, once after it acted."""
    for status in (301, 307, 404, 408, 409, 429, 500, 502, 503, 504):
        headers = ("location: https://127.0.0.1:1/",) if status < 400 else ()
        answer = reply(status, HTML, *headers)
        yield Kind(f"{status} html, not applied", instead(answer))
        yield Kind(f"{status} html, applied", replaced(answer))


def _cuts() -> Iterator[Kind]:
    for how in Cut:
        yield Kind(f"{how} before the request", cut_request(0, how))
        yield Kind(f"{how} within the request", cut_request(100, how))
        yield Kind(f"{how} after the request, not applied", lose_request(how))
        yield Kind(f"{how} after the request, applied", cut_answer(0, how))
        yield Kind(f"{how} within the answer", cut_answer(60, how))
        yield Kind(f"{how} one byte before the end of the answer", cut_answer(-1, how))


def _refusals() -> Iterator[Kind]:
    """Yield refusals worded as Placement's, that it never made."""
    conflict = "placement.concurrent_update"
    unable = f"Unable to allocate inventory: Unable to create allocation for 'VCPU' on resource provider '{NOBODY}'. "
    provider = CHANGED + "Another thread concurrently updated the resource provider data. Please retry your update"
    consumer = CHANGED + "Another thread concurrently updated the data. Please retry your update"
    yield Kind("409 capacity", refused(409, unable + "The requested amount would exceed the capacity."))
    yield Kind("409 units", refused(409, unable + "The requested amount would violate inventory constraints."))
    yield Kind("409 provider race", refused(409, provider, conflict))
    yield Kind("409 consumer race", refused(409, consumer, conflict))
    yield Kind("409 consumer", refused(409, "consumer generation conflict - expected 1 but got None", conflict))
    yield Kind("400 provider", refused(400, f"Allocation for resource provider '{NOBODY}' that does not exist."))
    yield Kind("401", refused(401, "Unauthorized"))
    yield Kind("403", refused(403, "Policy does not allow this request to be performed."))
    yield Kind("406", refused(406, "Unacceptable version header"))
    yield Kind("500", refused(500, "The server has either erred or is incapable of performing the request."))
    yield Kind("503", refused(503, "The service is unavailable."))


def _wrong_answers() -> Iterator[Kind]:
    """Yield answers that are wrong in one part; the server acted."""
    version = b"openstack-api-version"
    yield Kind("another microversion", changed(_with_header(version, version + b": placement 1.0")))
    yield Kind("no microversion", changed(_with_header(version, b"")))
    yield Kind("no length", changed(_with_header(b"content-length", b"")))
    yield Kind("length too long", changed(_with_header(b"content-length", b"content-length: 99999")))
    yield Kind("length not a number", changed(_with_header(b"content-length", b"content-length: -1x")))
    yield Kind("says gzip", changed(_with_header(b"content-encoding", b"content-encoding: gzip")))
    yield Kind("header without end", changed(_with_header(b"x-long", b"x-long: " + b"x" * 70_000)))
    yield Kind("body empty", changed(_with_body(lambda _: b"")))
    yield Kind("body not JSON", changed(_with_body(lambda _: b'{"allocations": \xff\x00')))
    yield Kind("body of another kind", changed(_with_body(lambda _: b'{"errors": []}')))
    yield Kind("body half", changed(_with_body(lambda body: body[: len(body) // 2])))
    yield Kind("body too large", changed(_with_body(lambda body: body + b" " * (33 << 20))))
    yield Kind("status line broken", changed(lambda answer: b"HTTP/9 what\r\n" + answer))
    yield Kind("not HTTP", replaced(bytes(range(256))))
    yield Kind("success forged by a proxy", instead(reply(200, b"{}", kind="application/json")))
    yield Kind("nothing forged by a proxy", instead(b"HTTP/1.1 204 No Content\r\n\r\n"))


def _order() -> Iterator[Kind]:
    yield Kind("delayed", delay)
    yield Kind("byte by byte", drip)
    yield Kind("delivered twice, first answer", twice_first_answer)
    yield Kind("delivered twice, second answer", twice_second_answer)
    yield Kind("delivered twice, no answer", twice_no_answer)
    yield Kind("answered twice", answered_twice)
    yield Kind("interim answer first", continued)
    for after in (1, 2, 4):
        yield Kind(f"late, {after} overtaken", late(after))
    yield Kind("stalled, not applied", stall_before, slow=True)
    yield Kind("stalled, applied", stall_after, slow=True)
    yield Kind("stalled within the answer", stall_within, slow=True)


def _inside() -> Iterator[Kind]:
    yield Kind("no connection", inside=calls.not_sent)
    for error in (KeyboardInterrupt(), SystemExit(), GeneratorExit(), MemoryError()):
        name = type(error).__name__
        yield Kind(f"{name} before the call", inside=calls.raises(error))
        yield Kind(f"{name} after the call", inside=calls.raises(error, after_apply=True))


KINDS = {
    kind.name: kind for group in (_cuts, _order, _statuses, _refusals, _wrong_answers, _inside) for kind in group()
}
