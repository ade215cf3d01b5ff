"""A real Keystone and a real Placement that trusts its tokens, both over TLS, started once for this directory."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from placement_client.client import PlacementClient
from placement_client.config import client_from
from placement_client.settings import PlacementSettings
from placement_client.testing import FaultAdapter, KeystoneServer, PlacementServer
from placement_client.testing.connect import read_ini
from placement_client.testing.keystone import User
from placement_client.transport import make_http_session
from scheduler import FilterScheduler, build, load_config
from tests.flow.fleet import FAST_CLAIMS, add_hosts

TENANT_PROJECT = "tenants"


@pytest.fixture(scope="session")
def keystone() -> Iterator[KeystoneServer]:
    with KeystoneServer() as server:
        server.accept_certificates()
        yield server


@pytest.fixture(scope="session")
def placement(keystone: KeystoneServer) -> Iterator[PlacementServer]:
    with PlacementServer(keystone=keystone) as server:
        yield server


@pytest.fixture(scope="session")
def mutual(keystone: KeystoneServer, placement: PlacementServer) -> Iterator[PlacementServer]:
    """Another Placement, outside of the catalog, that talks only to clients with a certificate."""
    with PlacementServer(keystone=keystone, client_certificates=ssl.CERT_REQUIRED) as server:
        yield server


@pytest.fixture(scope="session")
def operator(keystone: KeystoneServer, placement: PlacementServer) -> PlacementClient:
    """The client by which a test looks at Placement; its user stays as it is."""
    user = keystone.add_user("operator", "admin")
    return client_from(read_ini(keystone.password_section(user)))


@pytest.fixture(scope="session")
def hosts(operator: PlacementClient) -> list[UUID]:
    return add_hosts(operator, 3, vcpus=1000, memory_mb=1 << 20)


@pytest.fixture(scope="session")
def tenant(keystone: KeystoneServer) -> User:
    return keystone.add_user("tenant", "member", "reader", project=TENANT_PROJECT)


@pytest.fixture
def service_user(keystone: KeystoneServer, hosts: list[UUID], request: pytest.FixtureRequest) -> User:
    """A user of this test alone, with the role service and no other."""
    return keystone.add_user(f"scheduler-{abs(hash(request.node.nodeid))}", "service")


Build = Callable[..., FilterScheduler]


@pytest.fixture
def network(keystone: KeystoneServer) -> FaultAdapter:
    """Our own adapter behind a script: what passes it goes over real TLS, to Keystone and to Placement."""
    session = make_http_session(PlacementSettings(cafile=str(keystone.cafile)))
    return FaultAdapter(session.get_adapter("https://"))


@pytest.fixture
def ini(tmp_path: Path) -> Callable[[str], Path]:
    """Write the configuration of a scheduler with this ``[placement]`` section."""

    def write(section: str, more: str = "") -> Path:
        file = tmp_path / "scheduler.ini"
        file.write_text(f"{section}retry_base = 0.001\nretry_cap = 0.01\n{FAST_CLAIMS}{more}")
        return file

    return write


@pytest.fixture
def built(ini: Callable[..., Path]) -> Build:
    """Build a scheduler with this ``[placement]`` section, as a service would."""

    def make(section: str, more: str = "", **arguments: object) -> FilterScheduler:
        return build(load_config(str(ini(section, more))), **arguments)

    return make
