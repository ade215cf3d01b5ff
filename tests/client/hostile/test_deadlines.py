"""No wait outlives the deadline of a call: not for names, connections, logins or dead peers."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from placement_client.clock import Deadline
from placement_client.errors import DeadlineExceeded, NotSent, OutcomeUnknown, PlacementError
from placement_client.models import Request
from placement_client.settings import PlacementSettings
from placement_client.transport import Resolver
from placement_client.transport.lookup import MOST_LOOKUPS, Found
from tests.client.conftest import Serve
from tests.client.hostile.calls import SECONDS, ends_in
from tests.client.hostile.corpus import CORPUS, Stage, on_stage
from tests.client.hostile.identity import in_threads, keystone_of, transport_of
from tests.client.scripted import Authority, drip, in_turn, reply, silent

GET = Request("GET", "/allocations/x", "/allocations/{consumer}", microversion="1.39")
PUT = Request("PUT", "/allocations/x", "/allocations/{consumer}", b"{}", microversion="1.39")
DONE = reply(204)
LOOPBACK: Found = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))


def slow(seconds: float, counted: list[object]) -> Callable[..., list[Found]]:
    """Look names up as slowly as this."""

    def getaddrinfo(host: str, port: int, *hints: object, **more: object) -> list[Found]:
        counted.append(host)
        time.sleep(seconds)
        return [(*LOOPBACK[:4], ("127.0.0.1", port))]

    return getaddrinfo


def test_a_slow_lookup_ends_at_the_deadline(server: Serve, settings: PlacementSettings) -> None:
    keystone = server(DONE)
    transport = transport_of(keystone.url, settings, resolver=Resolver(slow(2.0, [])))
    with ends_in(DeadlineExceeded):
        transport.send(PUT, Deadline.after(SECONDS))
    assert keystone.connections == 0


def test_a_slow_lookup_of_placement_after_a_login_ends_at_the_deadline(
    server: Serve, settings: PlacementSettings
) -> None:
    def getaddrinfo(host: str, port: int, **kwargs: object) -> list[Found]:
        return slow(2.0 if host == "placement.test" else 0.0, [])(host, port)

    keystone = server(keystone_of("https://placement.test"))
    with ends_in(DeadlineExceeded):
        transport_of(keystone.url, settings, resolver=Resolver(getaddrinfo)).send(PUT, Deadline.after(SECONDS))
    assert len(keystone.seen) == 1


def test_a_lookup_has_no_more_than_the_time_to_connect(server: Serve, settings: PlacementSettings) -> None:
    transport = transport_of(server(DONE).url, settings, resolver=Resolver(slow(2.0, [])))
    with ends_in(NotSent, 0.2):
        transport._settings = PlacementSettings(cafile=settings.cafile, connect_timeout_s=0.2)
        transport.send(PUT, Deadline.after(5.0))


def test_control_requests_waits_for_a_lookup_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", slow(0.8, []))
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        requests.get("https://placement.test:1", timeout=0.1)
    assert time.monotonic() - started > 0.7


def test_those_who_ask_for_the_same_name_share_a_lookup() -> None:
    asked: list[object] = []
    resolver = Resolver(slow(0.3, asked))
    found = in_threads(16, lambda: resolver.addresses("placement.test", 1, 5.0))
    assert [addresses[0][4] for addresses in found] == [("127.0.0.1", 1)] * 16
    assert asked == ["placement.test"]


def test_lookups_that_hang_do_not_pile_up() -> None:
    asked: list[object] = []
    resolver, before = Resolver(slow(2.0, asked)), threading.active_count()
    for number in range(3 * MOST_LOOKUPS):
        with pytest.raises(TimeoutError if number < MOST_LOOKUPS else OSError, match=r"^$|too many lookups"):
            resolver.addresses(f"{number}.test", 1, 0.001)
    assert len(asked) == MOST_LOOKUPS
    assert threading.active_count() - before <= MOST_LOOKUPS


def test_a_lookup_is_done_anew_when_the_last_one_is_over() -> None:
    asked: list[object] = []
    resolver = Resolver(slow(0.0, asked))
    for _ in range(2 * MOST_LOOKUPS):
        resolver.addresses("placement.test", 1, 5.0)
    assert len(asked) == 2 * MOST_LOOKUPS


def test_an_address_needs_no_thread() -> None:
    def getaddrinfo(*query: object, **kwargs: object) -> list[Found]:
        raise AssertionError

    resolver = Resolver(getaddrinfo)
    assert resolver.addresses("127.0.0.1", 1, 5.0)[0][4] == ("127.0.0.1", 1)
    assert resolver.addresses("::1", 1, 5.0)[0][4][:2] == ("::1", 1)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".test"], ids=["unknown", "label too long"])
def test_a_name_without_an_address_is_an_error_of_the_system(host: str) -> None:
    with pytest.raises(OSError, match="no address"):
        Resolver().addresses(host, 1, 5.0)


HANGING = """
import time
from placement_client.transport import Resolver
try:
    Resolver(lambda *query, **kwargs: time.sleep(60)).addresses("placement.test", 1, 0.05)
except TimeoutError:
    print("in time")
"""


def test_a_lookup_that_hangs_does_not_hold_the_end_of_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "in time\n"


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """Yield a port on which connections are neither accepted nor refused: its queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_addresses_that_do_not_answer_share_the_deadline(settings: PlacementSettings) -> None:
    """A host may have many addresses; each has only the time that is left."""
    with black_hole() as port:
        many = Resolver(lambda host, port, **kwargs: 8 * [(*LOOPBACK[:4], ("127.0.0.1", port))])
        with ends_in(DeadlineExceeded):
            transport_of(f"https://localhost:{port}", settings, resolver=many).send(PUT, Deadline.after(SECONDS))


def test_the_next_address_is_tried_when_one_refuses(server: Serve, settings: PlacementSettings) -> None:
    placement = server(DONE)
    keystone = server(keystone_of(placement.url))
    both = Resolver(lambda host, port, **kwargs: [(*LOOPBACK[:4], (ip, port)) for ip in ("127.0.0.9", "127.0.0.1")])
    assert transport_of(keystone.url, settings, resolver=both).send(PUT, Deadline.after(5.0)).status == 204


@pytest.mark.parametrize("name", [name for name in CORPUS if "drip" in name or name in ("silent", "no handshake")])
def test_no_keystone_can_hold_a_call_beyond_its_deadline(
    authority: Authority, stranger: Authority, tmp_path, server: Serve, stop, settings: PlacementSettings, name: str
) -> None:
    with (
        on_stage(CORPUS[name], Stage(authority, stranger, tmp_path, server(DONE), stop)) as keystone,
        ends_in(DeadlineExceeded),
    ):
        transport_of(keystone.url, settings).send(PUT, Deadline.after(SECONDS))


@pytest.mark.parametrize(("request_", "kind"), [(GET, DeadlineExceeded), (PUT, OutcomeUnknown)], ids=["read", "write"])
def test_a_connection_whose_peer_is_gone_ends_at_the_deadline(
    server: Serve, settings: PlacementSettings, stop: threading.Event, request_: Request, kind: type[PlacementError]
) -> None:
    """Half open: it was used before and looks usable, but nobody answers any more."""
    placement = server(in_turn(DONE, silent(stop)))
    transport = transport_of(server(keystone_of(placement.url)).url, settings)
    transport.send(PUT, Deadline.after(5.0))
    with ends_in(kind):
        transport.send(request_, Deadline.after(SECONDS))
    assert placement.connections == 1


def test_control_a_timeout_of_requests_starts_anew_with_every_byte(
    server: Serve, authority: Authority, stop: threading.Event
) -> None:
    there = server(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n", b"a", stop))
    started = time.monotonic()
    assert requests.get(there.url, timeout=0.2, verify=authority.cafile).content == b"a" * 20
    assert time.monotonic() - started > 0.7


def test_control_requests_has_no_timeout_by_itself(server: Serve, authority: Authority, stop: threading.Event) -> None:
    there = server(silent(stop))
    call = threading.Thread(target=in_threads, args=(1, lambda: requests.get(there.url, verify=authority.cafile)))
    call.start()
    call.join(0.5)
    assert call.is_alive()
    stop.set()
    call.join()


def test_the_defaults_bound_every_wait() -> None:
    defaults = PlacementSettings()
    assert (defaults.connect_timeout_s, defaults.read_timeout_s, defaults.timeout_s) == (5.0, 10.0, 30.0)
