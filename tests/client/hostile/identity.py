"""A Keystone that counts, and transports to it."""

import itertools
import threading
from collections.abc import Callable

from keystoneauth1.identity import v3

from placement_client.settings import PlacementSettings
from placement_client.transport import Endpoint, KeystoneTransport, Resolver, make_transport
from tests.client.scripted import Handler, reply


def token_body(url: str) -> dict:
    """Return a token whose catalog has Placement at this URL."""
    endpoint = {"interface": "internal", "region": "one", "region_id": "one", "url": url, "id": "e"}
    catalog = [{"type": "placement", "name": "placement", "id": "s", "endpoints": [endpoint]}]
    return {"token": {"expires_at": "2999-01-01T00:00:00.000000Z", "catalog": catalog, "methods": ["password"]}}


def keystone_of(url: str, pause: Callable[[], object] = bool) -> Handler:
    """Hand out token-1, token-2 and so on, each after a pause."""
    numbers = itertools.count(1)

    def handler(connection, seen) -> bool:
        number = next(numbers)
        pause()
        return reply(201, token_body(url), {"X-Subject-Token": f"token-{number}"})(connection, seen)

    return handler


def password(auth_url: str) -> v3.Password:
    return v3.Password(f"{auth_url}/v3", username="u", password="password-canary", user_domain_id="default")


def transport_of(
    auth_url: str, settings: PlacementSettings, endpoint: Endpoint | None = None, resolver: Resolver | None = None
) -> KeystoneTransport:
    return make_transport(password(auth_url), endpoint or Endpoint(), settings, None, resolver)


def in_threads(number: int, deed: Callable[[], object]) -> list:
    """Return what a deed returns, or the error it raises, in so many threads at once."""
    outcomes: list = []

    def run() -> None:
        try:
            outcomes.append(deed())
        except Exception as error:  # noqa: BLE001 - handed to the test, as every outcome
            outcomes.append(error)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
