"""What is sent a second time: nothing elsewhere, nothing because a server says so, no write that may have arrived."""

import contextlib
import time

import pytest
import requests
from keystoneauth1 import exceptions
from keystoneauth1.adapter import Adapter
from keystoneauth1.session import Session
from keystoneauth1.token_endpoint import Token

from placement_client.client import PlacementClient
from placement_client.errors import OutcomeUnknown, PlacementError
from placement_client.settings import PlacementSettings, RetrySettings
from tests.client.conftest import TOKEN, Serve
from tests.client.hostile.calls import CONSUMER, WRITE, client_of
from tests.client.hostile.corpus import BODY
from tests.client.scripted import VERSION, Authority, Handler, http, in_turn, reply, reset

RETRY_AFTER = ["-5", "999999999", "1e9", "NaN", "Fri, 31 Dec 9999 23:59:59 GMT", "CANARY", "", "5; 6", "0x10"]


def patient(url: str, settings: PlacementSettings) -> PlacementClient:
    """Return a client that repeats what may be repeated, twice and soon."""
    often = PlacementSettings(cafile=settings.cafile, retry=RetrySettings(attempts=3, base_s=0.01, cap_s=0.02))
    return client_of(url, often, 5.0)


def session_of(url: str, authority: Authority, **options: object) -> Adapter:
    return Adapter(Session(auth=Token(url, TOKEN), verify=authority.cafile), service_type="placement", **options)


@pytest.mark.parametrize("value", RETRY_AFTER)
@pytest.mark.parametrize("status", [503, 429, 409])
def test_no_server_decides_how_long_the_client_waits(
    server: Serve, settings: PlacementSettings, status: int, value: str
) -> None:
    there = server(reply(status, {}, VERSION | {"Retry-After": value}))
    started = time.monotonic()
    with pytest.raises(PlacementError):
        patient(there.url, settings).get_allocations(CONSUMER)
    assert time.monotonic() - started < 1.0
    assert len(there.seen) == (3 if status == 503 else 1)


def test_control_keystoneauth_believes_a_retry_after(server: Serve, authority: Authority) -> None:
    """A negative pause is the one that does not keep the test waiting."""
    there = server(reply(503, {}, {"Retry-After": "-5"}))
    with pytest.raises(ValueError, match="non-negative"):
        session_of(there.url, authority, status_code_retries=1).get("/x")


def test_a_write_is_sent_once_whatever_happens_to_it(server: Serve, settings: PlacementSettings) -> None:
    there = server(reset)
    with pytest.raises(OutcomeUnknown):
        patient(there.url, settings).put_allocations(CONSUMER, WRITE)
    assert len(there.seen) == 1


def test_a_write_that_a_gateway_lost_is_not_repeated(server: Serve, settings: PlacementSettings) -> None:
    there = server(in_turn(reply(502), reply(204, None, VERSION)))
    with pytest.raises(OutcomeUnknown):
        patient(there.url, settings).put_allocations(CONSUMER, WRITE)
    assert len(there.seen) == 1


def test_control_keystoneauth_repeats_a_write_that_may_have_arrived(server: Serve, authority: Authority) -> None:
    there = server(reset)
    with pytest.raises(exceptions.ConnectFailure):
        session_of(there.url, authority, connect_retries=1, connect_retry_delay=0.01).put("/x")
    assert len(there.seen) == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_control_keystoneauth_carries_its_token_to_wherever_it_is_sent(
    server: Serve, authority: Authority, status: int
) -> None:
    thief = server(reply(200, {}))
    there = server(reply(status, b"", {"Location": f"{thief.url.replace('localhost', '127.0.0.1')}/x"}))
    session_of(there.url, authority).get("/x")
    assert thief.seen[0].headers["x-auth-token"] == TOKEN


def test_control_requests_returns_a_cookie(server: Serve, authority: Authority) -> None:
    there, session = server(reply(200, {}, {"Set-Cookie": "canary=1; Path=/"})), requests.Session()
    for _ in range(2):
        session.get(there.url, verify=authority.cafile)
    assert there.seen[1].headers["cookie"] == "canary=1"


def test_control_requests_follows_dots_out_of_a_path(server: Serve, authority: Authority) -> None:
    there = server(reply(200, {}))
    requests.delete(f"{there.url}/allocations/../resource_providers/x", verify=authority.cafile)
    assert there.seen[0].path == "/resource_providers/x"


def test_control_keystoneauth_takes_an_answer_of_another_microversion(server: Serve, authority: Authority) -> None:
    there = server(reply(200, BODY, {"OpenStack-API-Version": "placement 1.0"}))
    answer = session_of(there.url, authority, default_microversion="1.39").get("/x")
    assert there.seen[0].headers["openstack-api-version"] == "placement 1.39"
    assert (answer.status_code, answer.headers["openstack-api-version"]) == (200, "placement 1.0")


def test_control_an_error_of_keystoneauth_holds_the_token_and_the_answer(server: Serve, authority: Authority) -> None:
    there = server(reply(400, {"error": {"message": "CANARY-TEXT"}}))
    with pytest.raises(exceptions.BadRequest) as caught:
        session_of(there.url, authority).get("/x")
    assert caught.value.response.request.headers["X-Auth-Token"] == TOKEN
    assert "CANARY-TEXT" in str(caught.value)


def whole(body: bytes) -> bytes:
    """Return a complete answer of the right microversion."""
    return http(200, body, VERSION)


def says_more_than_it_was_asked(body: bytes) -> Handler:
    """Answer, and go on: in one TLS record of 16 KiB at most, of which the buffer of http.client takes 8."""
    return lambda connection, seen: connection.sendall((whole(body) + 99 * whole(BODY))[:15_000]) or True


def test_a_second_answer_is_not_taken_for_that_of_the_next_request(server: Serve, settings: PlacementSettings) -> None:
    """What a server or a proxy said too much waits inside of the TLS layer, where no look at the socket finds it."""
    there = server(in_turn(says_more_than_it_was_asked(BODY), reply(200, BODY, VERSION)))
    client = client_of(there.url, settings, 5.0)
    assert [client.get_allocations(CONSUMER).consumer_generation for _ in range(2)] == [1, 1]
    assert there.connections == 2


def test_control_requests_goes_on_reading_on_that_connection(server: Serve, authority: Authority) -> None:
    there, session = server(in_turn(says_more_than_it_was_asked(b"1"), reply(200, b"2"))), requests.Session()
    assert session.get(there.url, verify=authority.cafile).text == "1"
    with contextlib.suppress(requests.ConnectionError):
        assert session.get(there.url, verify=authority.cafile).text != "2"
    assert there.connections == 1
