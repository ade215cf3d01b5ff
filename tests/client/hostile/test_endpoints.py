"""Where a token may go: a catalog is data, and cannot send it anywhere the operator did not mean."""

import socket
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keystoneauth1.adapter import Adapter
from keystoneauth1.identity import generic
from keystoneauth1.session import Session

from placement_client.clock import Deadline
from placement_client.errors import InsecureEndpoint, NotSent, PlacementError
from placement_client.models import Request
from placement_client.settings import PlacementSettings
from placement_client.transport import Endpoint, Reach, Resolver, check_endpoint, make_transport
from placement_client.transport.endpoints import AllowedEndpoint
from placement_client.transport.lookup import Found
from tests.client.conftest import Serve
from tests.client.hostile.identity import keystone_of, password, token_body, transport_of
from tests.client.scripted import Authority, reply

PUT = Request("PUT", "/allocations/x", "/allocations/{consumer}", b"{}", microversion="1.39")
DONE = reply(204)
ANY = Reach()


def soon() -> Deadline:
    return Deadline.after(5.0)


def names(**known: str) -> Resolver:
    """Know these names below .test only, and localhost."""

    def getaddrinfo(host: str, port: int, **kwargs: object) -> list[Found]:
        address = {f"{name}.test": value for name, value in known.items()} | {"localhost": "127.0.0.1"}
        family = socket.AF_INET6 if ":" in address[host] else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address[host], port))]

    return Resolver(getaddrinfo)


def refused(url: str, reach: Reach = ANY) -> bool:
    try:
        reach.check_url(url)
    except InsecureEndpoint:
        return True
    return False


def refused_address(address: str, host: str = "placement.test", named: Iterable[str] = ()) -> bool:
    try:
        Reach.of((), named).check_address(host, address)
    except InsecureEndpoint:
        return True
    return False


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        ("https://p.test", "https://p.test/allocations/x", "https://q.test/allocations/x"),
        ("https://p.test", "https://p.test:443", "https://p.test:8778"),
        ("https://p.test", "HTTPS://P.Test./x", "https://p.test.evil.test/x"),
        ("https://p.test", "https://p.test/x?a=b", "https://evil.test/?https://p.test"),
        ("https://p.test:8778", "https://p.test:8778/x", "https://p.test/x"),
        ("https://p.test/placement", "https://p.test/placement", "https://p.test/placementx"),
        ("https://p.test/placement/", "https://p.test/placement/x", "https://p.test/"),
        ("https://p.test/placement", "https://p.test/placement/a/b", "https://p.test/placement/../other"),
        ("https://p.test/placement", "https://p.test/placement/a", "https://p.test/placement/%2e%2e/other"),
        ("https://p.test/placement", "https://p.test/placement/a", "https://p.test/placement/..\\other"),
        ("https://p.test", "https://p.test/x", "https://u@p.test/x"),
        ("https://p.test", "https://p.test/x", "https://p.test@evil.test/x"),
        ("https://p.test", "https://p.test/x", "https://evil.test#p.test"),
        ("https://.cloud.test", "https://a.b.cloud.test/x", "https://cloud.test/x"),
        ("https://.cloud.test", "https://a.cloud.test/x", "https://evilcloud.test/x"),
        ("https://.cloud.test:8778/p", "https://a.cloud.test:8778/p/x", "https://a.cloud.test/p/x"),
        ("https://10.0.0.1", "https://10.0.0.1/x", "https://10.0.0.10/x"),
        ("https://[2001:db8::1]", "https://[2001:DB8:0::1]/x", "https://[2001:db8::2]/x"),
    ],
)
def test_an_entry_covers_its_host_port_and_path_and_nothing_else(entry: str, inside: str, outside: str) -> None:
    reach = Reach.of([entry], [])
    assert (refused(inside, reach), refused(outside, reach)) == (False, True)


@pytest.mark.parametrize("entry", ["", "p.test", "http://p.test", "https://", "https://*", "https://*.p.test",
                                   "https://..p.test", "https://.", "https://p.test?x", "https://p.test/../x",
                                   "https://u:p@p.test", "https://p.test:0", "https://p.test:99999"])  # fmt: skip
def test_an_entry_of_another_form_is_an_error(entry: str) -> None:
    with pytest.raises(InsecureEndpoint):
        Reach.of([entry], [])


@given(st.text(max_size=40))
def test_nothing_that_is_written_behind_a_host_leads_elsewhere(text: str) -> None:
    """Whatever passes has exactly the host that was allowed."""
    entry = AllowedEndpoint.parse("https://p.test")
    for url in (f"https://p.test{text}", f"https://{text}p.test/", f"https://{text}"):
        if not refused(url, Reach((entry,))):
            assert url.lower().removeprefix("https://").partition("?")[0].partition("/")[0].rstrip(".") in (
                "p.test",
                "p.test:443",
                "p.test.:443",
            )


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "169.254.0.1", "224.0.0.1", "239.255.255.255", "0.0.0.0", "fe80::1", "fe80::1%eth0", "ff02::1",
     "::", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1"],
)  # fmt: skip
def test_addresses_that_no_placement_has_are_refused_whatever_the_operator_wrote(address: str) -> None:
    assert refused_address(address)
    assert refused_address(address, "p.test", ["https://p.test"])
    assert refused_address(address, "p.test", ["https://localhost"])


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.0.1", "8.8.8.8", "2001:db8::1", "fd00::1"])
def test_any_other_address_will_do(address: str) -> None:
    assert not refused_address(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_for_those_whom_the_operator_named(address: str) -> None:
    assert refused_address(address)
    assert refused_address(address, "p.test", ["https://k.test"])
    for named in ("https://p.test", "https://localhost:5000/v3", "https://127.0.0.1", "https://[::1]"):
        assert not refused_address(address, "P.Test.", [named])


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/placement",
        "https://[fe80::1]/placement",
        "https://[::ffff:169.254.169.254]/placement",
        "https://0.0.0.0/placement",
        "https://2852039166/placement",
        "https://metadata.test/placement",
    ],
)
def test_a_catalog_cannot_send_a_token_to_the_metadata_service(
    server: Serve, settings: PlacementSettings, url: str
) -> None:
    keystone = server(keystone_of(url))
    known = Resolver(lambda host, port, **kwargs: socket.getaddrinfo("169.254.169.254", port, type=1))
    by_name = known if "metadata" in url else Resolver()
    auth_url = keystone.url.replace("localhost", "127.0.0.1")
    with pytest.raises(InsecureEndpoint, match="link-local, multicast or unspecified") as caught:
        transport_of(auth_url, settings, resolver=by_name).send(PUT, soon())
    assert caught.value.__context__ is None


def test_a_catalog_cannot_send_a_token_to_a_service_of_this_host(
    server: Serve, settings: PlacementSettings, authority: Authority
) -> None:
    thief = server(DONE)
    keystone = server(keystone_of(thief.url), authority.context("keystone.test"))
    where = f"https://keystone.test:{keystone.port}"
    with pytest.raises(InsecureEndpoint, match="on loopback"):
        transport_of(where, settings, resolver=names(keystone="127.0.0.1")).send(PUT, soon())
    assert (thief.connections, len(keystone.seen)) == (0, 1)


def test_a_host_that_is_listed_may_be_this_host(
    server: Serve, settings: PlacementSettings, authority: Authority
) -> None:
    placement = server(DONE)
    keystone = server(keystone_of(placement.url), authority.context("keystone.test"))
    where = f"https://keystone.test:{keystone.port}"
    listed = PlacementSettings(cafile=settings.cafile, allowed_endpoints=(where, placement.url))
    assert transport_of(where, listed, resolver=names(keystone="127.0.0.1")).send(PUT, soon()).status == 204


def test_a_catalog_cannot_leave_the_allowed_endpoints(server: Serve, settings: PlacementSettings) -> None:
    thief = server(DONE)
    keystone = server(keystone_of(thief.url))
    listed = PlacementSettings(cafile=settings.cafile, allowed_endpoints=(keystone.url, "https://placement.test"))
    with pytest.raises(InsecureEndpoint, match="not in allowed_endpoints"):
        transport_of(keystone.url, listed).send(PUT, soon())
    assert thief.connections == 0


def test_control_keystoneauth_sends_the_token_wherever_a_catalog_says(server: Serve, authority: Authority) -> None:
    thief = server(DONE)
    keystone = server(keystone_of(thief.url.replace("localhost", "127.0.0.1")))
    session = Session(auth=password(keystone.url), verify=authority.cafile)
    Adapter(session, service_type="placement", interface="internal").put("/allocations/x")
    assert "token-1" in [seen.headers["x-auth-token"] for seen in thief.seen]


@pytest.mark.parametrize("url", ["https://u:p@{}", "https://{}?x=y", "https://{}#x", "http://{}", "https://{}/../x"])
def test_a_catalog_with_a_strange_url_is_refused(server: Serve, settings: PlacementSettings, url: str) -> None:
    thief = server(DONE)
    keystone = server(keystone_of(url.format(f"localhost:{thief.port}")))
    with pytest.raises(InsecureEndpoint):
        transport_of(keystone.url, settings).send(PUT, soon())
    assert thief.connections == 0


def discovery(where: str) -> dict:
    """Return a version document of Keystone that names another server, or another path of its own."""
    links = [{"rel": "self", "href": f"{where}/v3/"}]
    return {"versions": {"values": [{"id": "v3.14", "status": "stable", "links": links}]}}


def generic_password(auth_url: str) -> generic.Password:
    return generic.Password(auth_url, username="u", password="password-canary", user_domain_id="default")


def test_a_version_document_of_keystone_cannot_move_a_login(server: Serve, settings: PlacementSettings) -> None:
    thief, placement = server(DONE), server(DONE)
    login = reply(201, token_body(placement.url), {"X-Subject-Token": "token-1"})
    keystone = server(
        lambda connection, seen: (login if seen.method == "POST" else reply(300, discovery(thief.url)))(
            connection, seen
        )
    )
    make_transport(generic_password(keystone.url), Endpoint(), settings).send(PUT, soon())
    assert [seen.path for seen in keystone.seen] == ["/", "/v3/auth/tokens"]
    assert (thief.connections, len(placement.seen)) == (0, 1)


def test_control_a_version_document_decides_the_path_of_a_login(server: Serve, authority: Authority) -> None:
    """What a document can still do: choose the path, at the server that gave it."""
    login = reply(201, token_body("https://x.test"), {"X-Subject-Token": "token-1"})
    document = discovery("/elsewhere")
    keystone = server(
        lambda connection, seen: (login if seen.method == "POST" else reply(300, document))(connection, seen)
    )
    Session(auth=generic_password(keystone.url), verify=authority.cafile).get_token()
    assert [seen.path for seen in keystone.seen] == ["/", "/elsewhere/v3/auth/tokens"]


def test_a_version_document_cannot_leave_the_path_that_is_allowed(server: Serve, settings: PlacementSettings) -> None:
    keystone = server(reply(300, discovery("/elsewhere")))
    listed = PlacementSettings(cafile=settings.cafile, allowed_endpoints=(f"{keystone.url}/identity",))
    with pytest.raises((InsecureEndpoint, NotSent)):
        make_transport(generic_password(f"{keystone.url}/identity"), Endpoint(), listed).send(PUT, soon())
    assert {seen.method for seen in keystone.seen} == {"GET"}


def test_placement_is_not_asked_for_its_versions_by_keystoneauth(server: Serve, settings: PlacementSettings) -> None:
    placement = server(DONE)
    keystone = server(keystone_of(f"{placement.url}/placement"))
    transport_of(keystone.url, settings).send(PUT, soon())
    assert [seen.path for seen in placement.seen] == ["/placement/allocations/x"]


def test_control_keystoneauth_asks_for_versions_when_one_is_named(server: Serve, authority: Authority) -> None:
    placement = server(reply(404, {}))
    keystone = server(keystone_of(f"{placement.url}/placement"))
    session = Session(auth=password(keystone.url), verify=authority.cafile)
    session.get_endpoint(service_type="placement", interface="internal", min_version="1")
    assert "/placement" in {seen.path.rstrip("/") for seen in placement.seen}


@pytest.mark.parametrize(
    "url", ["https://p.test/a b", "https://p.test/%2e%2e", "https://p.test\\@evil.test", "https://p.test/.git",
            "https://p.test\n", "https://p.tést", "https://p.test:0", "https://[::1%25eth0]", "https://p.test:٣"]
)  # fmt: skip
def test_a_url_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(InsecureEndpoint):
        check_endpoint(url)


def test_an_error_of_an_endpoint_names_no_endpoint(server: Serve, settings: PlacementSettings) -> None:
    keystone = server(keystone_of("https://169.254.169.254/CANARY"))
    with pytest.raises(PlacementError) as caught:
        transport_of(keystone.url, settings).send(PUT, soon())
    assert not [text for text in ("169.254", "CANARY") if text in f"{caught.value!r} {vars(caught.value)}"]
