"""Real servers that a test session starts at most once, and only when a test asks."""

from collections.abc import Iterator

import pytest

from placement_client.testing import PlacementServer, PostgresServer


@pytest.fixture(scope="session")
def placement_server() -> Iterator[PlacementServer]:
    """Yield the real Placement on SQLite over TLS; shared, so tests use providers and consumers of their own."""
    with PlacementServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Yield an empty PostgreSQL; tests create databases of their own."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def placement_cluster(postgres_server: PostgresServer) -> Iterator[PlacementServer]:
    """Yield the real Placement with default settings, four workers and two threads each, on PostgreSQL."""
    url = postgres_server.create_database("placement", driver="psycopg2")
    with PlacementServer(url, workers=4, threads=2) as server:
        yield server
