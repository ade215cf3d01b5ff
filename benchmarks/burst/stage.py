"""The fleet of the burst: equal hosts on a real Placement over TLS, on PostgreSQL, and what is given back to it."""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from benchmarks.burst.burst import SPEC, Counting, Side
from placement_client.client import PlacementClient
from placement_client.models import ConsumerWrite, Inventory
from placement_client.settings import PlacementSettings
from placement_client.testing import PlacementServer, PostgresServer
from placement_client.testing.faults import FaultAdapter
from placement_client.testing.ini import ini_text, placement_section
from placement_client.transport.http import PinnedAdapter
from placement_client.transport.tls import make_context
from scheduler import build, load_config

ROOM = {
    "VCPU": Inventory(total=64),
    "MEMORY_MB": Inventory(total=262144),
    "DISK_GB": Inventory(total=4000),
}
WORKERS = 2
PATIENCE_S = 300  # so that a busy machine makes a burst slow, and not fail
LOADERS = 4
BATCH = 100  # consumers emptied in one call


@dataclass(frozen=True)
class Stage:
    """A Placement with hosts, and where journals go."""

    server: PlacementServer
    client: PlacementClient
    directory: Path

    def side(self, window_ms: int) -> Side:
        """Return a scheduler with this window, and what counts its calls and its decisions."""
        sections = {
            "scheduler": {"candidate_window_ms": str(window_ms), "request_timeout": str(PATIENCE_S)},
            "journal": {"connection": f"sqlite:///{self.directory}/journal-{window_ms}/claims.sqlite"},
        }
        file = self.directory / f"{window_ms}.ini"
        section = placement_section(self.server.url, cafile=str(self.server.cafile), read_timeout=PATIENCE_S)
        file.write_text(section + ini_text(sections), encoding="utf-8")
        settings = PlacementSettings(cafile=str(self.server.cafile))
        adapter = FaultAdapter(PinnedAdapter(make_context(settings), settings.pool_size))
        counting = Counting()
        scheduler = build(load_config(str(file)), http_adapter=adapter, observers=(counting,))
        return Side(window_ms, scheduler, adapter, counting)

    def give_back(self, instances: Sequence[UUID]) -> None:
        """Empty instances that were placed."""
        nothing = ConsumerWrite({}, project_id=SPEC.project_id, user_id=SPEC.user_id, consumer_generation=1)
        for first in range(0, len(instances), BATCH):
            self.client.post_allocations(dict.fromkeys(instances[first : first + BATCH], nothing))


@contextmanager
def staged(hosts: int) -> Iterator[Stage]:
    """Start PostgreSQL and Placement with two workers, and load this many hosts."""
    with PostgresServer(durable=True) as postgres, tempfile.TemporaryDirectory(prefix="burst-") as directory:
        url = postgres.create_database("placement", driver="psycopg2")
        with PlacementServer(url, workers=WORKERS) as server:
            client = server.client(read_timeout=PATIENCE_S, timeout=PATIENCE_S)
            stage = Stage(server, client, Path(directory))
            with ThreadPoolExecutor(LOADERS) as pool:
                list(pool.map(lambda number: add_host(stage.client, number), range(hosts)))
            yield stage


def add_host(client: PlacementClient, number: int) -> UUID:
    """Create a host with room for 32 instances of a burst."""
    host = uuid4()
    client.create_resource_provider(f"cmp-{number:05}", host)
    client.set_inventories(host, 0, ROOM)
    return host
