"""What the suites of the claim protocol stand on."""

from uuid import UUID

import pytest

from placement_client.models import Inventory
from placement_client.testing import MockPlacement


@pytest.fixture
def mock() -> MockPlacement:
    """Return a mock with one host, "h1", that has 10 VCPUs."""
    server = MockPlacement()
    client = server.client()
    client.create_resource_provider("h1", UUID(int=1))
    client.set_inventories(UUID(int=1), 0, {"VCPU": Inventory(total=10)})
    return server
