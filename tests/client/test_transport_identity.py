"""Tokens and catalogs: what the identity service does wrong never looks like an answer of Placement."""

import pytest
from keystoneauth1.identity import v3
from keystoneauth1.loading import get_plugin_loader
from keystoneauth1.plugin import BaseAuthPlugin
from msgspec import structs

from placement_client.clock import Deadline
from placement_client.errors import (
    DeadlineExceeded,
    InsecureEndpoint,
    NotAuthorized,
    NotSent,
    OutcomeUnknown,
    PlacementError,
)
from placement_client.models import Request
from placement_client.settings import PlacementSettings
from placement_client.transport import Endpoint, KeystoneTransport, make_transport
from tests.client.conftest import Serve
from tests.client.scripted import Handler, drip, in_turn, reply, reset

PUT = Request("PUT", "/allocations/x", "/allocations/{consumer}", b"{}", microversion="1.39")
DONE = reply(204)
REFUSED = reply(401, {"error": {"message": "CANARY"}})
SECRETS = ("CANARY", "password-canary", "localhost")


def soon() -> Deadline:
    return Deadline.after(5.0)


def token(number: int, url: str, interface: str = "internal", region: str = "one") -> Handler:
    """Answer as Keystone does: a token, and a catalog in which Placement is at ``url``."""
    endpoint = {"interface": interface, "region": region, "region_id": region, "url": url, "id": "e"}
    catalog = [{"type": "placement", "name": "placement", "id": "s", "endpoints": [endpoint]}]
    body = {"token": {"expires_at": "2999-01-01T00:00:00.000000Z", "catalog": catalog, "methods": ["password"]}}
    return reply(201, body, {"X-Subject-Token": f"token-{number}"})


def transport(auth_url: str, settings: PlacementSettings, endpoint: Endpoint = Endpoint()) -> KeystoneTransport:  # noqa: B008 - a frozen value
    auth = v3.Password(f"{auth_url}/v3", username="u", password="password-canary", user_domain_id="default")
    return make_transport(auth, endpoint, settings)


def assert_is(error: PlacementError, kind: type[PlacementError]) -> None:
    assert type(error) is kind
    assert (error.__context__, error.__cause__) == (None, None)
    assert not [secret for secret in SECRETS if secret in f"{error} {vars(error)}"]


def test_the_token_and_the_endpoint_come_from_keystone(server: Serve, settings: PlacementSettings) -> None:
    placement = server(DONE)
    keystone = server(token(1, placement.url))
    there = transport(keystone.url, settings)
    assert [there.send(PUT, soon()).status for _ in range(2)] == [204, 204]
    assert [seen.path for seen in keystone.seen] == ["/v3/auth/tokens"]
    assert [seen.headers["x-auth-token"] for seen in placement.seen] == ["token-1", "token-1"]


def test_an_expired_token_is_renewed_once(server: Serve, settings: PlacementSettings) -> None:
    placement = server(in_turn(REFUSED, DONE))
    keystone = server(in_turn(token(1, placement.url), token(2, placement.url)))
    assert transport(keystone.url, settings).send(PUT, soon()).status == 204
    assert [seen.headers["x-auth-token"] for seen in placement.seen] == ["token-1", "token-2"]


def test_a_token_that_is_never_accepted_is_renewed_only_once(server: Serve, settings: PlacementSettings) -> None:
    placement = server(REFUSED)
    keystone = server(token(1, placement.url))
    assert transport(keystone.url, settings).send(PUT, soon()).status == 401
    assert (len(keystone.seen), len(placement.seen)) == (2, 2)


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (REFUSED, NotAuthorized),
        (reply(403, {}), NotAuthorized),
        (reset, NotSent),
        (reply(500, {}), NotSent),
        (reply(503, b"<html>CANARY</html>", {"Content-Type": "text/html"}), NotSent),
        (reply(201, b"CANARY"), NotSent),
        (reply(201, {}), NotSent),
        (reply(302, b"", {"Location": "https://localhost/CANARY"}), NotSent),
        (reply(201, b" " * (1 << 17)), NotSent),
    ],
    ids=["401", "403", "reset", "500", "503", "not json", "no token", "redirect", "long"],
)
@pytest.mark.parametrize("first", [True, False], ids=["first token", "renewal"])
def test_without_a_token_nothing_is_sent(
    server: Serve, settings: PlacementSettings, handler: Handler, kind: type[PlacementError], first: bool
) -> None:
    """At a renewal too: the 401 before it says that Placement did nothing."""
    placement = server(REFUSED)
    keystone = server(handler if first else in_turn(token(1, placement.url), handler))
    there = transport(keystone.url, structs.replace(settings, max_answer_bytes=1 << 16))
    with pytest.raises(PlacementError) as caught:
        there.send(structs.replace(PUT, max_bytes=1 << 16), soon())
    assert_is(caught.value, kind)
    assert len(placement.seen) == (0 if first else 1)


def test_a_dripping_keystone_ends_at_the_deadline(server: Serve, settings: PlacementSettings, stop: object) -> None:
    keystone = server(drip(b"HTTP/1.1 201 OK\r\nContent-Length: 5000\r\n\r\n", b"a", stop))  # type: ignore[arg-type]
    with pytest.raises(DeadlineExceeded) as caught:
        transport(keystone.url, settings).send(PUT, Deadline.after(0.4))
    assert_is(caught.value, DeadlineExceeded)


@pytest.mark.parametrize(
    "endpoint",
    [Endpoint(region_name="two"), Endpoint(interfaces=("admin",)), Endpoint(service_type="compute")],
    ids=["region", "interface", "type"],
)
def test_a_catalog_without_placement_says_what_to_check(
    server: Serve, settings: PlacementSettings, endpoint: Endpoint
) -> None:
    keystone = server(token(1, "https://localhost:1"))
    with pytest.raises(NotSent, match=r"(?i)no endpoint of Placement was found, check service_type"):
        transport(keystone.url, settings, endpoint).send(PUT, soon())


def test_a_catalog_with_http_is_refused(server: Serve, settings: PlacementSettings) -> None:
    placement = server(DONE, None)
    keystone = server(token(1, f"http://localhost:{placement.port}"))
    with pytest.raises(InsecureEndpoint):
        transport(keystone.url, settings).send(PUT, soon())
    assert placement.connections == 0


def test_a_catalog_with_credentials_in_its_urls_is_refused(server: Serve, settings: PlacementSettings) -> None:
    placement = server(DONE)
    keystone = server(token(1, f"https://u:CANARY@localhost:{placement.port}"))
    with pytest.raises(InsecureEndpoint) as caught:
        transport(keystone.url, settings).send(PUT, soon())
    assert_is(caught.value, InsecureEndpoint)
    assert placement.seen == []


def test_an_override_beats_the_catalog(server: Serve, settings: PlacementSettings) -> None:
    placement = server(DONE)
    keystone = server(token(1, "https://localhost:1"))
    assert transport(keystone.url, settings, Endpoint(override=placement.url)).send(PUT, soon()).status == 204


def test_http_for_the_identity_service_is_refused(server: Serve, settings: PlacementSettings) -> None:
    keystone = server(DONE, None)
    with pytest.raises(InsecureEndpoint):
        transport(f"http://localhost:{keystone.port}", settings).send(PUT, soon())
    assert keystone.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 305, 307, 308])
def test_a_redirect_of_keystone_does_not_forward_the_password(
    server: Serve, settings: PlacementSettings, status: int
) -> None:
    other = server(DONE)
    keystone = server(reply(status, b"", {"Location": f"{other.url}/v3/auth/tokens"}))
    with pytest.raises(NotSent):
        transport(keystone.url, settings).send(PUT, soon())
    assert other.seen == []


def test_a_reset_of_placement_after_a_renewal_is_unknown(server: Serve, settings: PlacementSettings) -> None:
    placement = server(in_turn(REFUSED, reset))
    keystone = server(token(1, placement.url))
    with pytest.raises(OutcomeUnknown):
        transport(keystone.url, settings).send(PUT, soon())


class Broken(BaseAuthPlugin):
    """A plugin that fails in its own way."""

    def get_token(self, session: object) -> str:
        raise LookupError("CANARY")

    def get_endpoint(self, session: object, **kwargs: object) -> str:
        return "https://localhost:1"


def test_a_plugin_may_fail_as_it_likes(settings: PlacementSettings) -> None:
    with pytest.raises(PlacementError) as caught:
        make_transport(Broken(), Endpoint(), settings).send(PUT, soon())
    assert_is(caught.value, NotSent)


def test_the_plugin_without_authentication_works(server: Serve, settings: PlacementSettings) -> None:
    placement = server(DONE)
    auth = get_plugin_loader("none").load_from_options(endpoint=placement.url)
    assert make_transport(auth, Endpoint(), settings).send(PUT, soon()).status == 204
