"""Fixtures for every test: the mock, the real Placement in this process, and real servers."""

import logging
from collections.abc import Iterator

import pytest

pytest_plugins = ["placement_client.testing.pytest_plugin", "tests.support.servers"]


@pytest.fixture(autouse=True)
def _logging_stays_on() -> Iterator[None]:
    """Fail the test that switches logging off for the process, not the ones that come after it."""
    yield
    switched_off, logging.root.manager.disable = logging.root.manager.disable, logging.NOTSET
    assert switched_off == logging.NOTSET, "logging.disable() was called and not taken back"
