"""What may be concluded from a failure: nothing was sent, or nobody knows; and no wait outlives its deadline."""

import contextlib
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable

import pytest
import requests
import urllib3
from keystoneauth1.token_endpoint import Token
from msgspec import structs
from requests.adapters import BaseAdapter

from placement_client.clock import Deadline, SystemClock
from placement_client.errors import (
    AnswerTooSlow,
    BadAnswer,
    DeadlineExceeded,
    InvalidQuery,
    NotSent,
    OutcomeUnknown,
    PlacementError,
)
from placement_client.models import Request
from placement_client.settings import PlacementSettings
from placement_client.transport import Endpoint, KeystoneTransport, make_transport
from placement_client.transport.exchange import Exchange, exchanging
from placement_client.transport.tls import make_context
from tests.client.conftest import Connect, Serve
from tests.client.scripted import Authority, Handler, Seen, drip, hang_up, in_turn, reply, reset, silent

GET = Request("GET", "/allocations/x", "/allocations/{consumer}", microversion="1.39")
PUT = Request("PUT", "/allocations/x", "/allocations/{consumer}", b"{}", microversion="1.39")
OK = reply(200, {})
SHORT = 0.4
SLACK = 0.3


def soon() -> Deadline:
    return Deadline.after(5.0)


@pytest.mark.parametrize("request_", [GET, PUT], ids=["read", "write"])
def test_a_refused_connection_means_nothing_was_sent(server: Serve, connect: Connect, request_: Request) -> None:
    port = server(OK).port
    with pytest.raises(NotSent):
        connect(f"https://localhost:{1 if port != 1 else 2}").send(request_, soon())


def test_an_unknown_host_means_nothing_was_sent(connect: Connect) -> None:
    with pytest.raises(NotSent):
        connect("https://no-such-host.invalid").send(PUT, soon())


@pytest.mark.parametrize(
    "handler",
    [
        reset,
        hang_up,
        reply(200, b"{}", {"Content-Length": "3000"}),
        reply(200, b"zz\r\nbroken", {"Transfer-Encoding": "chunked"}),
        lambda connection, seen: connection.sendall(b"no http at all\r\n\r\n") or False,
    ],
    ids=["reset", "hang up", "body cut", "chunks broken", "not http"],
)
@pytest.mark.parametrize("request_", [GET, PUT], ids=["read", "write"])
def test_a_lost_answer_is_an_unknown_outcome(
    server: Serve, connect: Connect, handler: Handler, request_: Request
) -> None:
    there = server(lambda connection, seen: handler(connection, seen) and False)
    with pytest.raises(OutcomeUnknown) as caught:
        connect(there.url).send(request_, soon())
    assert caught.value.__context__ is None
    assert len(there.seen) == 1


def test_a_write_on_a_connection_that_died_is_not_sent_again(server: Serve, connect: Connect) -> None:
    """The second request was read by the server before it reset: sending it again would be sending it twice."""
    there = server(in_turn(OK, reset))
    transport = connect(there.url)
    transport.send(GET, soon())
    with pytest.raises(OutcomeUnknown):
        transport.send(PUT, soon())
    assert len(there.seen) == 2


STUCK: dict[str, Callable[[threading.Event], Handler]] = {
    "silent": silent,
    "header drip": lambda stop: drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a", stop),
    "body drip": lambda stop: drip(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"a", stop),
    "chunk drip": lambda stop: drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n", stop),
}


@pytest.mark.parametrize("stuck", STUCK)
@pytest.mark.parametrize(("request_", "kind"), [(GET, DeadlineExceeded), (PUT, OutcomeUnknown)], ids=["read", "write"])
def test_no_server_can_hold_a_call_beyond_its_deadline(
    server: Serve, connect: Connect, stop: threading.Event, stuck: str, request_: Request, kind: type[PlacementError]
) -> None:
    there = server(STUCK[stuck](stop))
    started = time.monotonic()
    with pytest.raises(kind):
        connect(there.url).send(request_, Deadline.after(SHORT))
    assert SHORT - 0.05 < time.monotonic() - started < SHORT + SLACK


def test_a_handshake_that_never_comes_ends_at_the_deadline(server: Serve, connect: Connect) -> None:
    there = server(OK, None)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        connect(there.url).send(PUT, Deadline.after(SHORT))
    assert time.monotonic() - started < SHORT + SLACK


def test_each_handshake_has_only_the_time_that_is_left(server: Serve, settings: PlacementSettings) -> None:
    """A socket that was made with more time, or with none set, takes the deadline of the call it is used in."""
    there = server(OK, None)
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", there.port)) as plain:
        exchange = Exchange(Deadline.after(SHORT), settings, 1)
        with exchanging(exchange), pytest.raises(TimeoutError):
            make_context(settings).wrap_socket(plain, server_hostname="localhost")
    assert time.monotonic() - started < SHORT + SLACK


def test_a_server_that_reads_slowly_ends_at_the_deadline(
    connect: Connect, authority: Authority, stop: threading.Event
) -> None:
    """The body is larger than all buffers between, so sending it goes on as slowly as the server reads."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)

        def accept() -> None:
            with (
                contextlib.suppress(OSError),
                authority.context().wrap_socket(listener.accept()[0], server_side=True) as slow,
            ):
                while not stop.wait(0.01):
                    slow.recv(1 << 14)

        threading.Thread(target=accept, daemon=True).start()
        large = Request("PUT", "/allocations/x", "/allocations/{consumer}", b" " * (32 << 20), microversion="1.39")
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            connect(f"https://localhost:{listener.getsockname()[1]}").send(large, Deadline.after(SHORT))
        assert time.monotonic() - started < SHORT + SLACK


def test_an_idle_server_is_given_up_before_the_deadline(server: Serve, connect: Connect, stop: threading.Event) -> None:
    there = server(silent(stop))
    started = time.monotonic()
    with pytest.raises(AnswerTooSlow) as caught:
        connect(there.url, read_timeout_s=0.2).send(structs.replace(GET, when_slow="set this"), soon())
    assert time.monotonic() - started < 0.2 + SLACK
    assert caught.value.explanation == "Set this."
    with pytest.raises(OutcomeUnknown) as caught:
        connect(there.url, read_timeout_s=0.2).send(PUT, soon())
    assert type(caught.value) is OutcomeUnknown, "of a write nothing more is said"


@pytest.mark.parametrize("request_", [GET, PUT], ids=["read", "write"])
def test_a_passed_deadline_sends_nothing(server: Serve, connect: Connect, request_: Request) -> None:
    there = server(OK)
    with pytest.raises(DeadlineExceeded):
        connect(there.url).send(request_, Deadline.after(-1.0))
    assert there.connections == 0


@pytest.mark.parametrize(("request_", "kind"), [(GET, BadAnswer), (PUT, OutcomeUnknown)], ids=["read", "write"])
@pytest.mark.parametrize(
    "handler",
    [
        reply(200, gzip.compress(b"{}"), {"Content-Encoding": "gzip"}),
        reply(200, b" " * ((1 << 16) + 1)),
        reply(200, b"20000\r\n" + b" " * 0x20000 + b"\r\n0\r\n\r\n", {"Transfer-Encoding": "chunked"}),
    ],
    ids=["gzip", "long", "long chunk"],
)
def test_encoded_and_oversized_bodies_are_refused(
    server: Serve, connect: Connect, handler: Handler, request_: Request, kind: type[PlacementError]
) -> None:
    there = server(handler)
    bounded = Request(request_.method, request_.path, request_.template, request_.body, "1.39", max_bytes=1 << 16)
    with pytest.raises(kind):
        connect(there.url).send(bounded, soon())


def test_a_body_of_exactly_the_bound_is_read(server: Serve, connect: Connect) -> None:
    there = server(reply(200, b" " * (1 << 16)))
    bounded = Request("GET", "/", "/", max_bytes=1 << 16)
    assert len(connect(there.url).send(bounded, soon()).body) == 1 << 16


def test_the_body_of_a_redirect_is_bounded_too(server: Serve, connect: Connect) -> None:
    """requests reads it to the end, and an endless one to the deadline, unless it is told that there is no target."""

    def endless(connection: ssl.SSLSocket, seen: Seen) -> bool:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1000\r\n" + b" " * 0x1000 + b"\r\n")

    with pytest.raises(BadAnswer):
        connect(server(endless).url).send(Request("GET", "/", "/", max_bytes=1 << 16), Deadline.after(2.0))


def test_a_request_id_is_sent(server: Serve, connect: Connect) -> None:
    there = server(OK)
    request_id = "req-6a3f1a51-9c0f-4f5e-8a4a-2b7f3c0de111"
    connect(there.url).send(Request("GET", "/", "/", request_id=request_id), soon())
    assert there.seen[0].headers["x-openstack-request-id"] == request_id


@pytest.mark.parametrize("request_id", ["", "6a3f1a51-9c0f-4f5e-8a4a-2b7f3c0de111", "req-x", "req-\r\nX-Evil: 1"])
def test_a_request_id_of_another_form_is_refused(connect: Connect, request_id: str) -> None:
    with pytest.raises(InvalidQuery):
        connect("https://localhost:1").send(Request("GET", "/", "/", request_id=request_id), soon())


class Raising(BaseAdapter):
    """An adapter that is not ours, as a mock is: it tells no more than the exception does."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def send(self, *args: object, **kwargs: object) -> requests.Response:
        raise self.error

    def close(self) -> None:
        pass


POOL = urllib3.HTTPSConnectionPool("placement.test")
NEW = urllib3.exceptions.NewConnectionError(POOL, "refused")  # type: ignore[arg-type]


def through(error: BaseException, settings: PlacementSettings) -> KeystoneTransport:
    return make_transport(Token("https://placement.test", "t"), Endpoint(), settings, Raising(error))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (requests.ConnectTimeout(), NotSent),
        (requests.ConnectionError(urllib3.exceptions.MaxRetryError(POOL, "/", NEW)), NotSent),
        (NEW, NotSent),
        (requests.ReadTimeout(), OutcomeUnknown),
        (requests.Timeout(), OutcomeUnknown),
        (requests.ConnectionError(urllib3.exceptions.ProtocolError("x", ConnectionResetError())), OutcomeUnknown),
        (requests.exceptions.SSLError("record mac"), OutcomeUnknown),
        (requests.exceptions.ChunkedEncodingError(), OutcomeUnknown),
        (requests.exceptions.InvalidURL(), OutcomeUnknown),
        (ConnectionResetError(), OutcomeUnknown),
        (TimeoutError(), OutcomeUnknown),
        (ValueError("CANARY"), OutcomeUnknown),
        (MemoryError(), OutcomeUnknown),
        (RecursionError(), OutcomeUnknown),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value.__name__,
)
def test_behind_a_foreign_adapter_the_exception_tells(
    settings: PlacementSettings, error: BaseException, kind: type[PlacementError]
) -> None:
    with pytest.raises(PlacementError) as caught:
        through(error, settings).send(PUT, soon())
    assert type(caught.value) is kind
    assert caught.value.__context__ is None


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()], ids=lambda e: type(e).__name__)
def test_interrupts_pass_untouched(settings: PlacementSettings, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        through(error, settings).send(PUT, soon())
    assert caught.value is error


def subclasses(base: type[BaseException]) -> set[type[BaseException]]:
    return {base}.union(*(subclasses(each) for each in base.__subclasses__()))


BELOW = {"builtins", "socket", "ssl", "urllib3", "requests"}
ROOTS = (OSError, urllib3.exceptions.HTTPError, requests.RequestException)
FOREIGN = sorted(
    {kind for root in ROOTS for kind in subclasses(root) if kind.__module__.partition(".")[0] in BELOW},
    key=lambda kind: (kind.__module__, kind.__qualname__),
)


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
def test_no_foreign_exception_escapes(settings: PlacementSettings, kind: type[BaseException]) -> None:
    error = kind.__new__(kind)
    with pytest.raises((NotSent, OutcomeUnknown)):
        through(error, settings).send(PUT, soon())


def test_threads_keep_their_own_deadlines(server: Serve, connect: Connect, stop: threading.Event) -> None:
    there = server(silent(stop))
    transport, ended = connect(there.url), {}

    def run(seconds: float) -> None:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            transport.send(GET, Deadline.after(seconds))
        ended[seconds] = time.monotonic() - started

    threads = [threading.Thread(target=run, args=(seconds,)) for seconds in (0.2, 0.6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.15 < ended[0.2] < 0.5 < ended[0.6] < 0.9


def test_a_request_that_could_not_start_is_not_the_one_before(settings: PlacementSettings) -> None:
    """A 401 used up the time: the renewal and the repetition were not sent, and the 401 itself did nothing."""

    class Clock(SystemClock):
        now = 0.0

        def monotonic(self) -> float:
            return self.now

    clock = Clock()
    exchange = Exchange(Deadline.after(1.0, clock), settings, 1)
    assert exchange.begin(at_placement=True) == (1.0, 1.0)
    exchange.observed = exchange.written = True
    clock.now = 2.0
    with pytest.raises(TimeoutError):
        exchange.begin(at_placement=True)
    assert (exchange.at_placement, exchange.observed, exchange.written) == (False, False, False)
