"""What is on the wire: one X-Auth-Token a request, the service's own; a tenant's token never leaves the process."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from oslo_context import context as oslo_context

from faults.proxy import Exchange, FaultProxy
from placement_client.testing import KeystoneServer, PlacementServer
from placement_client.testing.keystone import User
from scheduler import RequestContext
from tests.flow.fleet import CONTEXT, SPEC
from tests.identity.conftest import Build

OF_A_TENANT = ("OS_TOKEN", "OS_AUTH_TOKEN", "SERVICE_TOKEN", "OS_SERVICE_TOKEN")


@pytest.fixture
def proxies(keystone: KeystoneServer, placement: PlacementServer) -> Iterator[tuple[FaultProxy, FaultProxy]]:
    """One before Keystone, one before Placement."""
    with FaultProxy(keystone.port, keystone.cafile) as first, FaultProxy(placement.port, placement.cafile) as second:
        yield first, second


@pytest.fixture
def tenants_token(keystone: KeystoneServer, tenant: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real token of the tenant, wherever a careless library would look for one."""
    token = keystone.token_of(tenant)
    for variable in OF_A_TENANT:
        monkeypatch.setenv(variable, token)
    oslo_context.RequestContext(auth_token=token, project_id="tenant", user_id="somebody", overwrite=True)
    yield token
    oslo_context._request_store.context = None


def tokens(exchange: Exchange) -> list[bytes]:
    head = exchange.request.partition(b"\r\n\r\n")[0]
    return [line.split(b": ", 1)[1] for line in head.split(b"\r\n") if line.lower().startswith(b"x-auth-token:")]


def issued(exchange: Exchange) -> list[bytes]:
    head = exchange.reply.partition(b"\r\n\r\n")[0]
    return [line.split(b": ", 1)[1] for line in head.split(b"\r\n") if line.lower().startswith(b"x-subject-token:")]


def test_every_request_carries_the_services_token_once_and_the_tenants_never(
    keystone: KeystoneServer,
    service_user: User,
    tenants_token: str,
    hosts: object,
    proxies: tuple[FaultProxy, FaultProxy],
    built: Build,
    tmp_path: Path,
) -> None:
    to_keystone, to_placement = proxies
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(b"".join(one.cafile.read_bytes() for one in (keystone, *proxies)))
    section = keystone.password_section(service_user).replace(str(keystone.cafile), str(bundle))
    section = section.replace(keystone.url, to_keystone.url) + f"endpoint_override = {to_placement.url}\n"
    with built(section) as scheduler:
        scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
        with scheduler.reserve(CONTEXT, SPEC, [uuid4()]):
            pass
    ((service,),) = [found for exchange in to_keystone.exchanges if (found := issued(exchange))]
    assert len(to_placement.exchanges) >= 7
    assert [tokens(exchange) for exchange in to_placement.exchanges] == [[service]] * len(to_placement.exchanges)
    sent = b"".join(exchange.request for exchange in (*to_keystone.exchanges, *to_placement.exchanges))
    assert service in sent  # the search does find a token that was sent
    assert tenants_token.encode() not in sent


def test_a_context_has_no_place_for_a_token() -> None:
    """What filters, plugins and records are given cannot hold one."""
    with pytest.raises(TypeError, match="auth_token"):
        RequestContext(project_id="tenant", user_id="somebody", auth_token="canary")  # type: ignore[call-arg]
