"""What one call sends and how its answer is read, where requests and keystoneauth are passed by."""

import itertools
import ssl
import time
from uuid import UUID

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from keystoneauth1.session import DEFAULT_USER_AGENT
from keystoneauth1.token_endpoint import Token

from placement_client.clock import Deadline
from placement_client.errors import BadAnswer, InsecureEndpoint, InvalidQuery, NotSent, OutcomeUnknown
from placement_client.models import Request
from placement_client.query import ProviderFilter, provider_query_string, usages_query_string
from placement_client.settings import PlacementSettings
from placement_client.transport import Endpoint, KeystoneTransport, Reach, make_http_session, make_transport
from placement_client.transport.connection import ANSWERED
from placement_client.transport.exchange import Exchange, exchanging
from placement_client.transport.http import PinnedAdapter
from placement_client.transport.keystone import TARGET
from placement_client.transport.login import base_of
from placement_client.transport.tls import DeadlineSocket, make_context
from tests.client.conftest import TOKEN, Connect, Serve
from tests.client.hostile.identity import keystone_of, token_body, transport_of
from tests.client.scripted import Handler, Seen, hang_up, http, in_turn, reply, reset

GET = Request("GET", "/allocations/x", "/allocations/{consumer}", microversion="1.39", max_bytes=1 << 18)
PUT = Request("PUT", "/allocations/x", "/allocations/{consumer}", b"{}", microversion="1.39")
OK = reply(200, {})
DONE = reply(204)
REFUSED = reply(401, {})


def soon() -> Deadline:
    return Deadline.after(5.0)


def sends(stream: bytes) -> Handler:
    return lambda connection, seen: connection.sendall(stream) or True


def answer_of(*lines: str, body: bytes = b"") -> Handler:
    head = "".join(f"{line}\r\n" for line in ("HTTP/1.1 200 OK", *lines))
    return sends(f"{head}\r\n".encode("latin-1") + body)


@pytest.mark.parametrize(
    ("request_", "more"),
    [
        (GET, {}),
        (PUT, {"content-type": "application/json", "content-length": "2"}),
        (Request("PUT", "/traits/A", "/traits/{name}", microversion="1.39"), {"content-length": "0"}),
    ],
    ids=["read", "write", "write without a body"],
)
def test_these_headers_are_sent_and_no_others(
    server: Serve, connect: Connect, request_: Request, more: dict[str, str]
) -> None:
    there = server(OK)
    connect(there.url).send(request_, soon())
    assert there.seen[0].headers == more | {
        "host": f"localhost:{there.port}",
        "user-agent": f"placement-scheduler {DEFAULT_USER_AGENT}",
        "accept-encoding": "identity",
        "accept": "application/json",
        "connection": "keep-alive",
        "openstack-api-version": "placement 1.39",
        "x-auth-token": TOKEN,
    }


BODY = bytes(itertools.islice(itertools.cycle(b"0123456789"), 200_000))


def chunks(body: bytes, size: int) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x;name=value\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nX-Trailer: 1\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 65_536, 65_537, 200_000])
@pytest.mark.parametrize("length", [0, 1, 100, 65_536, 200_000])
def test_chunks_are_joined_and_the_connection_is_kept(server: Serve, connect: Connect, size: int, length: int) -> None:
    body = BODY[: length if size > 7 else min(length, 10_000)]
    there = server(answer_of("Transfer-Encoding: Chunked", body=chunks(body, size)))
    transport = connect(there.url)
    assert [transport.send(GET, soon()).body for _ in range(2)] == [body, body]
    assert there.connections == 1


@pytest.mark.parametrize("length", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_a_body_of_a_known_length_is_whole_and_the_connection_is_kept(
    server: Serve, connect: Connect, length: int
) -> None:
    there = server(reply(200, BODY[:length]))
    transport = connect(there.url)
    assert [transport.send(GET, soon()).body for _ in range(2)] == [BODY[:length]] * 2
    assert there.connections == 1


@pytest.mark.parametrize("framing", ["Content-Length", "Transfer-Encoding"])
@pytest.mark.parametrize(("excess", "connections"), [(0, 1), (1, 2)])
def test_a_body_may_have_as_many_bytes_as_the_bound_and_no_more(
    server: Serve, connect: Connect, framing: str, excess: int, connections: int
) -> None:
    body = b" " * (1000 + excess)
    long = {
        "Content-Length": answer_of(f"Content-Length: {len(body)}", body=body),
        "Transfer-Encoding": answer_of("Transfer-Encoding: chunked", body=chunks(body, 7)),
    }
    there = server(in_turn(long[framing], OK))
    transport = connect(there.url)
    bounded = Request("GET", "/x", "/x", max_bytes=1000)
    if excess:
        with pytest.raises(BadAnswer, match="longer than"):
            transport.send(bounded, soon())
    else:
        assert transport.send(bounded, soon()).body == body
    transport.send(bounded, soon())
    assert there.connections == connections


def test_an_answer_that_ends_with_its_connection_is_whole(server: Serve, connect: Connect) -> None:
    there = server(lambda connection, seen: answer_of(body=BODY)(connection, seen) and False)
    assert connect(there.url).send(GET, soon()).body == BODY


def test_a_server_that_says_it_will_close_is_asked_over_another_connection(server: Serve, connect: Connect) -> None:
    there = server(reply(200, {}, {"Connection": "close"}))
    transport = connect(there.url)
    assert [transport.send(GET, soon()).status for _ in range(3)] == [200] * 3
    assert there.connections == 3


@pytest.mark.parametrize("coding", ["gzip", "gzip, chunked", "chunked, chunked", "chunked ", "xchunked"])
def test_another_transfer_coding_is_refused_unread(server: Serve, connect: Connect, coding: str) -> None:
    there = server(answer_of(f"Transfer-Encoding: {coding}", body=chunks(b"{}", 2)))
    with pytest.raises(BadAnswer, match="encoded or framed in two ways"):
        connect(there.url).send(GET, soon())


@pytest.mark.parametrize("second", ["3", "2, 3", "two", "-2"])
def test_two_lengths_are_a_lost_answer(server: Serve, connect: Connect, second: str) -> None:
    there = server(answer_of("Content-Length: 2", f"Content-Length: {second}", body=b"{}x"))
    with pytest.raises(OutcomeUnknown):
        connect(there.url).send(GET, soon())


def test_headers_of_one_name_are_joined_and_folded_ones_made_one_line(server: Serve, connect: Connect) -> None:
    there = server(answer_of("X-A: 1", "x-a: 2", "X-Fold: a\r\n \t b", "Content-Length: 0"))
    headers = connect(there.url).send(GET, soon()).headers
    assert headers == {"x-a": "1, 2", "x-fold": "a b", "content-length": "0"}


@pytest.mark.parametrize("number", sorted(ANSWERED))
def test_an_answer_that_came_before_all_was_sent_is_read(
    server: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A server may refuse a body by its head and close; then the rest cannot be written."""
    send = DeadlineSocket.send

    def breaks_after_the_head(self: DeadlineSocket, data: memoryview, flags: int = 0) -> int:
        if bytes(data) != b"{}":
            return send(self, data, flags)
        raise OSError(number, "broken")

    there = server(lambda connection, seen: connection.sendall(http(413, b"{}")) or False)
    monkeypatch.setattr("tests.client.scripted._receive", read_head)
    monkeypatch.setattr(DeadlineSocket, "send", breaks_after_the_head)
    assert connect(there.url).send(PUT, soon()).status == 413


def read_head(connection: ssl.SSLSocket) -> Seen | None:
    return Seen("PUT", "", {}, b"") if connection.recv(65536) else None


def test_a_connection_that_is_given_back_twice_is_kept_once(server: Serve, settings: PlacementSettings) -> None:
    """Otherwise two requests at once would share it, and take each other's answers."""
    there = server(OK)
    adapter = PinnedAdapter(make_context(settings), 4)
    request = requests.Request("GET", there.url).prepare()
    with exchanging(Exchange(soon(), settings, 1 << 16, Reach(named=frozenset({"localhost"})))) as exchange:
        exchange.begin(at_placement=True)
        first = adapter.send(request)
        assert first.content == b"{}"
        for _ in range(3):
            first.raw.release_conn()
            first.close()
        at_once = [adapter.send(request) for _ in range(2)]
        assert [response.content for response in at_once] == [b"{}"] * 2
    assert there.connections == 2


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (reset, requests.ConnectionError),
        (hang_up, requests.ConnectionError),
        (reply(200, b"{}", {"Content-Length": "3000"}), requests.ConnectionError),
        (lambda connection, seen: connection.sendall(b"no http\r\n\r\n"), requests.ConnectionError),
        (lambda connection, seen: time.sleep(0.5), requests.Timeout),
    ],
    ids=["reset", "hang up", "body cut", "not http", "silent"],
)
def test_plugins_see_failures_under_the_names_that_requests_gives_them(
    server: Serve, settings: PlacementSettings, handler: Handler, kind: type[Exception]
) -> None:
    there = server(lambda connection, seen: handler(connection, seen) and False)
    exchange = Exchange(Deadline.after(0.3), settings, 1 << 16, Reach(named=frozenset({"localhost"})))
    with exchanging(exchange), pytest.raises(kind):
        make_http_session(settings).get(there.url)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(TEXT, TEXT, st.uuids())
def test_what_the_client_writes_requests_would_leave_as_it_is(one: str, other: str, uuid: UUID) -> None:
    providers = ProviderFilter(one, uuid, (frozenset({uuid}),), {"VCPU": 1}, required=(frozenset({"A", "B"}),))
    for target in (
        f"/usages?{usages_query_string(one, other, None)}",
        f"/resource_providers/{uuid}/usages?{provider_query_string(providers, '1.39')}",
    ):
        assert TARGET.fullmatch(target)
        assert requests.Request("GET", f"https://placement.test{target}").prepare().url.endswith(target)


@pytest.mark.parametrize(
    "path",
    [
        "x",
        "/a/../b",
        "/./a",
        "/a b",
        "/a#b",
        "/a\\b",
        "/%2e%2e/a",
        "/a\r\nX-Evil: 1",
        "/a?b=%zz",
        "/a?b=%2",
        "/a?b=\xe9",
    ],
)
def test_a_path_that_requests_would_write_in_another_way_is_refused(server: Serve, connect: Connect, path: str) -> None:
    there = server(OK)
    with pytest.raises(InvalidQuery):
        connect(there.url).send(Request("GET", path, "/x"), soon())
    assert there.connections == 0


@pytest.mark.parametrize("character", [b"=", b"%", b"a", b"/"])
def test_a_long_path_takes_no_time_to_be_looked_at(connect: Connect, character: bytes) -> None:
    path = "/a?" + 100_000 * character.decode() + " "
    with pytest.raises(InvalidQuery):
        connect("https://localhost:1").send(Request("GET", path, "/x"), Deadline.after(0.5))


@pytest.mark.parametrize(
    ("endpoint", "base"),
    [
        ("https://placement.test", "https://placement.test"),
        ("https://placement.test/", "https://placement.test"),
        ("HTTPS://Placement.Test:8778/placement//", "https://placement.test:8778/placement"),
        ("https://[::1]:1/a", "https://[::1]:1/a"),
    ],
)
def test_urls_of_placement_begin_as_requests_writes_them(endpoint: str, base: str) -> None:
    assert base_of(endpoint) == base


def lookups(transport: KeystoneTransport, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Note every search of the catalog."""
    found: list[object] = []
    search = transport._adapter.get_endpoint

    def noting(**kwargs: object) -> object:
        found.append(search(**kwargs))
        return found[-1]

    monkeypatch.setattr(transport._adapter, "get_endpoint", noting)
    return found


def test_a_catalog_is_searched_once_for_each_token(
    server: Serve, settings: PlacementSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    placement = server(in_turn(DONE, DONE, REFUSED, DONE))
    transport = transport_of(server(keystone_of(placement.url)).url, settings)
    found = lookups(transport, monkeypatch)
    assert [transport.send(PUT, soon()).status for _ in range(5)] == [204] * 5
    assert found == [placement.url] * 2
    assert [seen.headers["x-auth-token"] for seen in placement.seen] == 3 * ["token-1"] + 3 * ["token-2"]


def test_a_new_catalog_moves_the_next_call(server: Serve, settings: PlacementSettings) -> None:
    old, new = server(in_turn(DONE, REFUSED)), server(DONE)
    tokens = [
        reply(201, token_body(there.url), {"X-Subject-Token": f"token-{number}"})
        for number, there in enumerate((old, new))
    ]
    transport = transport_of(server(in_turn(*tokens)).url, settings)
    assert [transport.send(PUT, soon()).status for _ in range(3)] == [204, 401, 204]
    assert (len(old.seen), len(new.seen)) == (3, 1)


def test_an_endpoint_that_is_refused_is_not_remembered(
    server: Serve, settings: PlacementSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = make_transport(Token("https://placement.test/?a=b", TOKEN), Endpoint(), settings)
    found = lookups(transport, monkeypatch)
    for _ in range(2):
        with pytest.raises(InsecureEndpoint):
            transport.send(PUT, soon())
    assert len(found) == 2


def test_a_catalog_without_an_endpoint_is_asked_again(
    settings: PlacementSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = make_transport(Token("", TOKEN), Endpoint(), settings)
    found = lookups(transport, monkeypatch)
    for _ in range(2):
        with pytest.raises(NotSent, match="No endpoint of Placement was found"):
            transport.send(PUT, soon())
    assert len(found) == 2
