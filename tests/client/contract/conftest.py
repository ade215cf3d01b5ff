"""The two servers that every behaviour is proved on, and the clients of them."""

from collections.abc import Iterator

import pytest

from placement_client.client import PlacementClient
from placement_client.testing import MockPlacement, RealPlacement
from tests.client.contract.fleet import Fleet, Http


@pytest.fixture(params=["mock", "real"])
def placement(request: pytest.FixtureRequest) -> Iterator[MockPlacement | RealPlacement]:
    """Yield an empty server of either kind."""
    if request.param == "mock":
        yield MockPlacement()
    else:
        with RealPlacement() as real:
            yield real


@pytest.fixture
def client(placement: MockPlacement | RealPlacement) -> PlacementClient:
    """Return a client that speaks 1.39 and tries once."""
    return placement.client(retry_attempts=1)


@pytest.fixture
def fleet(client: PlacementClient) -> Fleet:
    """Return what puts providers into the server."""
    return Fleet(client)


@pytest.fixture
def http(placement: MockPlacement | RealPlacement) -> Http:
    """Return plain HTTP to the server, for what the client never sends."""
    return Http(placement.adapter)
