"""Tokens: renewed once for all threads, not at every 401, within each deadline, and never passed on malformed."""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import requests
from keystoneauth1.session import Session
from keystoneauth1.token_endpoint import Token
from requests.adapters import BaseAdapter

from placement_client.clock import Deadline
from placement_client.errors import DeadlineExceeded, NotAuthorized
from placement_client.models import Request
from placement_client.settings import PlacementSettings
from placement_client.transport import Endpoint, make_transport
from placement_client.transport.exchange import Exchange, exchanging
from tests.client.conftest import Serve
from tests.client.hostile.calls import SECONDS, ends_in
from tests.client.hostile.identity import in_threads, keystone_of, password, token_body, transport_of
from tests.client.scripted import Authority, Handler, in_turn, reply, silent

PUT = Request("PUT", "/allocations/x", "/allocations/{consumer}", b"{}", microversion="1.39")
REFUSED = reply(401, {"error": {"message": "CANARY"}})
DONE = reply(204)
THREADS = 16


def soon() -> Deadline:
    return Deadline.after(10.0)


def refuses_the_first_token() -> Handler:
    """Answer 401 to the first token: to half of the threads at once, to the rest when a renewal is long done."""
    every, numbers = threading.Barrier(THREADS, timeout=10), itertools.count()

    def handler(connection, seen) -> bool:
        if seen.headers["x-auth-token"] != "token-1":
            return DONE(connection, seen)
        late = next(numbers) % 2
        every.wait()
        time.sleep(0.4 * late)
        return REFUSED(connection, seen)

    return handler


def test_one_renewal_serves_all_threads(server: Serve, settings: PlacementSettings) -> None:
    placement = server(refuses_the_first_token())
    keystone = server(keystone_of(placement.url, lambda: time.sleep(0.05)))
    transport = transport_of(keystone.url, settings)
    answers = in_threads(THREADS, lambda: transport.send(PUT, soon()))
    assert [answer.status for answer in answers] == [204] * THREADS
    assert len(keystone.seen) == 2  # the first token of all, and its renewal


def test_control_keystoneauth_renews_more_often_or_gives_the_401_up(server: Serve, authority: Authority) -> None:
    """A thread that finds the token dropped by another gives up; one that comes late drops the new token."""
    placement = server(refuses_the_first_token())
    keystone = server(keystone_of(placement.url, lambda: time.sleep(0.05)))
    session = Session(auth=password(keystone.url), verify=authority.cafile)
    answers = in_threads(THREADS, lambda: session.put(f"{placement.url}/x", raise_exc=False))
    assert len(keystone.seen) > 2 or 401 in {answer.status_code for answer in answers}


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_storm_of_401_does_not_become_one_of_logins(server: Serve, settings: PlacementSettings) -> None:
    """The pauses between renewals double up to a minute; in between, the 401 stands."""
    placement, clock = server(REFUSED), Clock()
    keystone = server(keystone_of(placement.url))
    transport, logins = transport_of(keystone.url, settings), []
    for _ in range(200):
        assert transport.send(PUT, Deadline.after(10.0, clock)).status == 401
        logins.append(len(keystone.seen))
        clock.now += 1.0
    assert logins[:9] == [2, 3, 3, 4, 4, 4, 4, 5, 5]  # at 0, 1, 3 and 7 seconds
    assert len(keystone.seen) == 10  # then at 15, 31, 63, 123 and 183: the longest pause is a minute


def test_an_answer_other_than_401_ends_the_pause(server: Serve, settings: PlacementSettings) -> None:
    placement = server(in_turn(*5 * [REFUSED, DONE]))
    keystone = server(keystone_of(placement.url))
    transport = transport_of(keystone.url, settings)
    assert [transport.send(PUT, soon()).status for _ in range(5)] == [204] * 5
    assert len(keystone.seen) == 6


def test_a_storm_in_many_threads_needs_at_most_two_logins_a_call(server: Serve, settings: PlacementSettings) -> None:
    placement = server(REFUSED)
    keystone = server(keystone_of(placement.url))
    transport = transport_of(keystone.url, settings)
    answers = in_threads(THREADS, lambda: transport.send(PUT, soon()))
    assert [answer.status for answer in answers] == [401] * THREADS
    assert len(keystone.seen) <= 2 * THREADS
    assert len(keystone.seen) == 2  # all of it takes less than the first pause


def test_nobody_waits_for_the_login_of_another_beyond_the_own_deadline(
    server: Serve, settings: PlacementSettings, stop: threading.Event
) -> None:
    keystone = server(silent(stop))
    transport = transport_of(keystone.url, settings)
    first = threading.Thread(target=in_threads, args=(1, lambda: transport.send(PUT, Deadline.after(3.0))))
    first.start()
    while not keystone.seen:
        time.sleep(0.01)
    with ends_in(DeadlineExceeded):
        transport.send(PUT, Deadline.after(SECONDS))
    stop.set()
    first.join()


def test_waiting_after_a_401_for_the_login_of_another_means_that_nothing_was_done(
    server: Serve, settings: PlacementSettings, stop: threading.Event
) -> None:
    """The thread whose 401 comes later finds another one renewing, for longer than it may wait itself."""
    slow = Request("PUT", "/slow", "/allocations/{consumer}", b"{}", microversion="1.39")

    def refuses(connection, seen) -> bool:
        time.sleep(0.2 if seen.path == slow.path else 0.0)
        return REFUSED(connection, seen)

    placement = server(refuses)
    first = reply(201, token_body(placement.url), {"X-Subject-Token": "token-1"})
    keystone = server(in_turn(first, silent(stop)))
    transport = transport_of(keystone.url, settings)
    with exchanging(Exchange(soon(), settings, 1 << 16, transport._reach)) as exchange:
        transport._login.headers(exchange)
    with ends_in(DeadlineExceeded), renewing(lambda: transport.send(PUT, Deadline.after(3.0)), stop):
        transport.send(slow, Deadline.after(SECONDS))


@contextlib.contextmanager
def renewing(deed: Callable[[], object], stop: threading.Event) -> Iterator[None]:
    """Do this in another thread during the block."""
    other = threading.Thread(target=in_threads, args=(1, deed))
    other.start()
    try:
        yield
    finally:
        stop.set()
        other.join()


def test_waiting_for_a_login_after_a_401_means_that_nothing_was_done(
    server: Serve, settings: PlacementSettings, stop: threading.Event
) -> None:
    """The 401 was an answer of Placement to a write; it must not be taken for a write in doubt."""
    placement = server(REFUSED)
    first = reply(201, token_body(placement.url), {"X-Subject-Token": "token-1"})
    keystone = server(in_turn(first, silent(stop)))
    with ends_in(DeadlineExceeded):
        transport_of(keystone.url, settings).send(PUT, Deadline.after(SECONDS))
    assert (len(placement.seen), len(keystone.seen)) == (1, 2)


@pytest.mark.parametrize("strange", ["a\x0bb", "a\x00b", "t\xf6ken"], ids=["vertical tab", "nul", "latin-1"])
def test_a_token_that_is_not_printable_is_not_passed_on(
    server: Serve, settings: PlacementSettings, strange: str
) -> None:
    placement = server(DONE)
    transport = make_transport(Token(placement.url, strange), Endpoint(), settings)
    with pytest.raises(NotAuthorized) as caught:
        transport.send(PUT, soon())
    assert caught.value.__context__ is None
    assert placement.seen == []


@pytest.mark.parametrize("strange", ["a\x0bb", "a\x00b", "t\xf6ken"], ids=["vertical tab", "nul", "latin-1"])
def test_control_requests_passes_such_a_header_on(server: Serve, authority: Authority, strange: str) -> None:
    there = server(DONE)
    requests.put(there.url, headers={"X-Auth-Token": strange}, verify=authority.cafile)
    assert there.seen[0].headers["x-auth-token"] == strange


class Prompt(BaseAdapter):
    """Answers without a network."""

    def send(self, request: requests.PreparedRequest, **kwargs: object) -> requests.Response:
        response = requests.Response()
        response.status_code, response.request, response.url = 204, request, str(request.url)
        response.raw = type("Empty", (), {"read": lambda self, amount: b"", "close": lambda self: None})()
        return response

    def close(self) -> None:
        pass


def test_a_thousand_calls_leave_nothing_in_the_session(settings: PlacementSettings) -> None:
    transport = make_transport(Token("https://placement.test", "t"), Endpoint(), settings, Prompt())
    for _ in range(1000):
        transport.send(PUT, soon())
    assert transport._adapter.session.get_timings() == []


def test_control_a_session_that_takes_times_keeps_them_all() -> None:
    http = requests.Session()
    http.mount("https://", Prompt())
    session = Session(auth=Token("https://placement.test", "t"), session=http, collect_timing=True)
    for _ in range(10):
        session.get("https://placement.test/")
    assert len(session.get_timings()) == 10
