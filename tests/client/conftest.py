"""Fixtures of the client's own tests: an authority, scripted TLS servers, and transports to them."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest
from keystoneauth1.token_endpoint import Token
from msgspec import structs

from placement_client.settings import PlacementSettings, RetrySettings
from placement_client.transport import Endpoint, KeystoneTransport, make_transport
from tests.client.scripted import Authority, Handler, ScriptedServer, serve

TOKEN = "CANARY-TOKEN-4f1c"

Serve = Callable[..., ScriptedServer]
Connect = Callable[..., KeystoneTransport]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that the client is not told to trust."""
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    """Set at the end of the test, for handlers that wait."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def server(authority: Authority) -> Iterator[Serve]:
    """Start scripted servers; ``context`` replaces the certificate that the client trusts."""
    with contextlib.ExitStack() as stack:

        def start(handler: Handler, context: object = authority) -> ScriptedServer:
            chosen = authority.context() if context is authority else context
            return stack.enter_context(serve(chosen, handler))

        yield start


@pytest.fixture
def settings(authority: Authority) -> PlacementSettings:
    return PlacementSettings(cafile=authority.cafile, retry=RetrySettings(attempts=1), max_answer_bytes=1 << 16)


@pytest.fixture
def connect(settings: PlacementSettings) -> Connect:
    """Make a transport to a URL with a fixed token; further arguments replace settings."""

    def make(url: str, **changes: object) -> KeystoneTransport:
        return make_transport(Token(url, TOKEN), Endpoint(), structs.replace(settings, **changes))

    return make
