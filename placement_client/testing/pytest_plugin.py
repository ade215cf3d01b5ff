"""Fixtures for tests of controllers: ``pytest_plugins = ["placement_client.testing.pytest_plugin"]``."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from placement_client import testing

if TYPE_CHECKING:
    from placement_client.testing import MockPlacement, RealPlacement


@pytest.fixture
def mock_placement() -> "MockPlacement":
    """Return an empty mock."""
    return testing.MockPlacement()


@pytest.fixture
def real_placement() -> Iterator["RealPlacement"]:
    """Yield the real Placement in this process, empty."""
    with testing.RealPlacement() as placement:
        yield placement
