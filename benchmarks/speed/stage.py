"""A real Placement on PostgreSQL behind TLS with the fleet on it, and how what is claimed there is given back."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar
from uuid import UUID

from sqlalchemy import create_engine, text

from benchmarks.speed import fleet
from placement_client.client import PlacementClient
from placement_client.models import ConsumerWrite, Inventory
from placement_client.testing import PlacementServer, PostgresServer

WORKERS = 2
PATIENCE_S = 600
PATIENCE = {"read_timeout": PATIENCE_S, "timeout": PATIENCE_S}
"""Nobody gives up because the machine is busy."""
AT_ONCE = 100
"""How many consumers are given back by one call."""

Server = TypeVar("Server", bound=PlacementServer)


@contextmanager
def placement(hosts: int) -> Iterator[PlacementServer]:
    """Yield a server with so many hosts."""
    with PostgresServer() as postgres, served(postgres, hosts, PlacementServer) as server:
        yield server


@contextmanager
def served(postgres: PostgresServer, hosts: int, kind: type[Server]) -> Iterator[Server]:
    """Yield a server of this kind on a database of its own with so many hosts."""
    url = postgres.create_database(kind.__name__.lower(), "psycopg2")
    with kind(url, workers=WORKERS) as server:
        client = server.client(**PATIENCE)
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda host: create(client, host), fleet.hosts(hosts)))
        _settle(url)
        yield server


def _settle(url: str) -> None:
    """Let the database count its rows, as one that has been in use has done; until then it plans queries badly."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def create(client: PlacementClient, host: fleet.Fields) -> None:
    """Create a host with its room."""
    created = client.create_resource_provider(host["name"], UUID(host["uuid"]))
    room = {name: Inventory(total=total, max_unit=total) for name, (total, _) in host["room"].items()}
    client.set_inventories(created.uuid, created.generation or 0, room)


class Consumers:
    """Names consumers that never were before, and gives back what they hold."""

    def __init__(self, client: PlacementClient) -> None:
        self._client = client
        self._named = 0
        self._open: list[UUID] = []

    def new(self, count: int) -> list[UUID]:
        """Return so many consumers, each of which will be written once."""
        made = [UUID(one) for one in fleet.instances(self._named, count)]
        self._named += count
        self._open += made
        return made

    def give_back(self) -> None:
        """Empty all of them. Raises ConsumerConflict where one was not written once."""
        nothing = ConsumerWrite({}, project_id="p", user_id="u", consumer_generation=1)
        for start in range(0, len(self._open), AT_ONCE):
            self._client.post_allocations(dict.fromkeys(self._open[start : start + AT_ONCE], nothing))
        self._open.clear()

    def forget(self, consumers: Sequence[UUID]) -> None:
        """Leave these out: somebody else has emptied them."""
        self._open = [one for one in self._open if one not in set(consumers)]
