"""Fixtures for every test: the mock, the real Placement in this process, and real servers."""

import gc
import logging
from collections.abc import Iterator

import pytest

pytest_plugins = ["placement_client.testing.pytest_plugin", "tests.support.servers"]


def pytest_collection_finish() -> None:
    """Let the garbage collector leave alone what stays: thousands of tests are a million objects to look through."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _logging_stays_on() -> Iterator[None]:
    """Fail the test that switches logging off for the process, not the ones that come after it."""
    yield
    switched_off, logging.root.manager.disable = logging.root.manager.disable, logging.NOTSET
    assert switched_off == logging.NOTSET, "logging.disable() was called and not taken back"
