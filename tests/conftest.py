"""Fixtures for every test: the mock, the real Placement in this process, and real servers."""

pytest_plugins = ["placement_client.testing.pytest_plugin", "tests.support.servers"]
