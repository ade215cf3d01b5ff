"""Whom the client talks to: only the configured authority, only https, nothing from the environment, no redirects."""

import base64
import ssl

import pytest
import requests

from placement_client.clock import Deadline
from placement_client.errors import InsecureEndpoint, NotSent, OutcomeUnknown, PlacementError
from placement_client.models import Request
from placement_client.settings import PlacementSettings
from placement_client.transport import Reach, check_endpoint, make_http_session
from placement_client.transport.exchange import Exchange, exchanging
from placement_client.transport.tls import make_context
from tests.client.conftest import TOKEN, Connect, Serve
from tests.client.scripted import Authority, http, in_turn, reply

GET = Request("GET", "/allocations/x", "/allocations/{consumer}", microversion="1.39")
PUT = Request("PUT", "/allocations/x", "/allocations/{consumer}", b"{}", microversion="1.39")
OK = reply(200, {"allocations": {}})


def soon() -> Deadline:
    return Deadline.after(5.0)


def test_a_server_of_the_configured_authority_gets_the_token_and_the_version(server: Serve, connect: Connect) -> None:
    there = server(OK)
    answer = connect(there.url).send(GET, soon())
    assert (answer.status, answer.body) == (200, b'{"allocations": {}}')
    assert there.seen[0].headers["x-auth-token"] == TOKEN
    assert there.seen[0].headers["openstack-api-version"] == "placement 1.39"
    assert there.seen[0].headers["accept-encoding"] == "identity"
    assert "x-placement-call" not in there.seen[0].headers


def test_an_unknown_authority_is_not_sent_anything(server: Serve, connect: Connect, stranger: Authority) -> None:
    there = server(OK, stranger.context())
    with pytest.raises(NotSent, match="certificate was not accepted"):
        connect(there.url).send(PUT, soon())
    assert there.seen == []


def test_a_certificate_for_another_name_is_refused(server: Serve, connect: Connect, authority: Authority) -> None:
    there = server(OK, authority.context("elsewhere.test"))
    with pytest.raises(NotSent, match="certificate was not accepted"):
        connect(there.url).send(PUT, soon())
    assert there.seen == []


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_authorities_named_by_the_environment_are_not_trusted(
    server: Serve, connect: Connect, stranger: Authority, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, stranger.cafile)
    there = server(OK, stranger.context())
    with pytest.raises(NotSent):
        connect(there.url).send(PUT, soon())
    assert there.seen == []


def test_verification_cannot_be_switched_off(server: Serve, stranger: Authority, settings: PlacementSettings) -> None:
    """A keystoneauth plugin may ask for it through its connection parameters."""
    there = server(OK, stranger.context())
    session = make_http_session(settings)
    session.verify = False
    reach = Reach(named=frozenset({"localhost"}))
    with exchanging(Exchange(soon(), settings, 1 << 20, reach)), pytest.raises(requests.exceptions.SSLError):
        session.get(there.url)
    assert there.seen == []


def test_tls_1_1_is_refused(server: Serve, connect: Connect, authority: Authority) -> None:
    old = authority.context()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    there = server(OK, old)
    with pytest.raises(NotSent):
        connect(there.url).send(PUT, soon())
    assert there.seen == []


def test_the_context_itself_starts_at_tls_1_2(settings: PlacementSettings) -> None:
    """Whatever OpenSSL's own policy on the machine is."""
    context = make_context(settings)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert len(context.get_ca_certs()) == 1


def test_without_a_cafile_the_authorities_of_the_system_are_trusted() -> None:
    assert len(make_context(PlacementSettings()).get_ca_certs()) != 1


def test_a_client_certificate_is_shown(
    server: Serve, connect: Connect, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    context = authority.context()
    context.verify_mode = ssl.CERT_REQUIRED
    authority.ca.configure_trust(context)
    there = server(OK, context)
    pem = tmp_path_factory.mktemp("client") / "client.pem"
    authority.ca.issue_cert("client.test").private_key_and_cert_chain_pem.write_to_path(pem)
    pem.chmod(0o600)
    assert connect(there.url, certfile=str(pem)).send(GET, soon()).status == 200
    with pytest.raises(PlacementError):
        connect(there.url).send(GET, soon())


def test_http_is_refused_before_a_socket_opens(server: Serve, connect: Connect) -> None:
    there = server(OK, None)
    with pytest.raises(InsecureEndpoint):
        connect(f"http://localhost:{there.port}").send(GET, soon())
    assert there.connections == 0


def test_the_http_session_itself_refuses_http(server: Serve, settings: PlacementSettings) -> None:
    """Identity plugins choose their own URLs, so the session is the last guard."""
    there = server(OK, None)
    with exchanging(Exchange(soon(), settings, 1 << 20)), pytest.raises(InsecureEndpoint):
        make_http_session(settings).get(f"http://localhost:{there.port}/v3")
    assert there.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://placement.test",
        "HTTP://placement.test",
        "ftp://placement.test",
        "placement.test",
        "https://",
        "https://[::1",
        "https://placement.test:port",
        "https://user:secret@placement.test",
        "https://placement.test/?a=b",
        "https://placement.test/#a",
        "",
    ],
)
def test_an_endpoint_is_plain_https(url: str) -> None:
    with pytest.raises(InsecureEndpoint):
        check_endpoint(url)


@pytest.mark.parametrize("url", ["https://placement.test", "https://placement.test:8778/placement/", "HTTPS://[::1]:1"])
def test_a_plain_https_endpoint_passes(url: str) -> None:
    check_endpoint(url)


REDIRECTS = [301, 302, 303, 305, 307, 308]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["same host", "other host"])
@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("status", REDIRECTS)
def test_redirects_are_never_followed(server: Serve, connect: Connect, status: int, scheme: str, host: str) -> None:
    """The other server sees no request and so no token; the redirect comes back as an answer like any other."""
    other = server(OK)
    there = server(reply(status, b"moved", {"Location": f"{scheme}://{host}:{other.port}/allocations/x"}))
    assert connect(there.url).send(PUT, soon()).status == status
    assert (len(there.seen), other.seen, other.connections) == (1, [], 0)


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_to_the_server_itself_is_not_followed_either(server: Serve, connect: Connect, status: int) -> None:
    there = server(reply(status, b"moved", {"Location": "/allocations/y"}))
    assert connect(there.url).send(PUT, soon()).status == status
    assert len(there.seen) == 1


def test_proxies_of_the_environment_see_nothing(
    server: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, there = server(OK, None), server(OK)
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
    assert connect(there.url).send(GET, soon()).status == 200
    assert proxy.connections == 0


def test_netrc_is_not_read(
    server: Serve, connect: Connect, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path_factory.mktemp("home") / ".netrc"
    netrc.write_text("machine localhost login CANARY password CANARY\n")
    monkeypatch.setenv("NETRC", str(netrc))
    there = server(OK)
    connect(there.url).send(GET, soon())
    assert "authorization" not in there.seen[0].headers


def test_cookies_are_not_returned(server: Serve, connect: Connect) -> None:
    there = server(reply(200, {}, {"Set-Cookie": "canary=1; Path=/"}))
    transport = connect(there.url)
    transport.send(GET, soon())
    transport.send(GET, soon())
    assert ["cookie" in seen.headers for seen in there.seen] == [False, False]


def test_connections_are_reused(server: Serve, connect: Connect) -> None:
    """An answer with a body, one without and a refusal all leave the connection usable."""
    there = server(in_turn(OK, reply(204), reply(409, {"errors": []}), OK))
    transport = connect(there.url)
    assert [transport.send(PUT, soon()).status for _ in range(4)] == [200, 204, 409, 200]
    assert there.connections == 1


def test_no_error_says_anything_of_the_server_or_the_token(server: Serve, connect: Connect) -> None:
    """Neither text, nor arguments, nor the chain of an error holds the token, the host or what the server wrote."""
    there = server(lambda connection, seen: connection.sendall(b"HTTP/1.1 CANARY-TEXT\r\n\r\n") or False)
    with pytest.raises(OutcomeUnknown) as caught:
        connect(there.url).send(PUT, soon())
    error = caught.value
    shown = f"{error} {error!r} {error.args} {vars(error)}"
    secrets = (TOKEN, base64.b64encode(TOKEN.encode()).decode(), "CANARY-TEXT", "localhost", str(there.port))
    assert not [secret for secret in secrets if secret in shown]
    assert (error.__context__, error.__cause__) == (None, None)


def test_a_complete_answer_is_what_the_server_sent(server: Serve, connect: Connect) -> None:
    """Header names are lower case, the path is kept as it is, a base path of the endpoint is kept."""
    there = server(
        lambda connection, seen: connection.sendall(http(404, b"{}", {"X-OpenStack-Request-ID": "r"})) or True
    )
    answer = connect(there.url + "/placement/").send(GET, soon())
    assert (answer.status, answer.headers["x-openstack-request-id"]) == (404, "r")
    assert there.seen[0].path == "/placement/allocations/x"
