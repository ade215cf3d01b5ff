"""The server, the settings and the scheduler of one run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from demo.fleet import Host, Rack, fleet
from demo.load import load
from demo.screen import shown
from placement_client.client import PlacementClient
from placement_client.config import client_from
from placement_client.testing.server import PlacementServer
from scheduler import build, load_config
from scheduler.filter_scheduler import FilterScheduler
from scheduler.hosts.file import HostsFile
from scheduler.model import AggregateFact, HostFact

RESERVATION_PROJECT = "placement-scheduler"

_SETTINGS = """\
{placement}
[scheduler]
request_timeout = 60

[claims]
reservation_project_id = {project}

[journal]
connection = sqlite:///{journal}

[explain]
probes = 6
max_records = 10000
record_dir = {records}

[hosts]
source = file
hosts_file = {hosts_file}

[randomness]
source = seeded
allow_seeded = true
seed = demo {seed}
"""


@dataclass(frozen=True, slots=True)
class Session:
    """A running Placement that holds the fleet, and a scheduler for it."""

    server: PlacementServer
    hosts: tuple[Host, ...]
    client: PlacementClient
    scheduler: FilterScheduler
    ini: Path


@contextmanager
def session(seed: int, directory: Path | None = None) -> Iterator[Session]:
    """Start a Placement, load the fleet and build the scheduler; all ends with the block.

    ``directory`` gets the server's files and ``scheduler.ini``; None is a temporary one.
    """
    hosts = fleet()
    with PlacementServer(directory=directory) as server:
        ini = write_settings(server, hosts, seed)
        conf = load_config(str(ini))
        client = client_from(conf)
        print(f"Placement     {server.url}, microversion {client.negotiate()}, SQLite, one worker, TLS", flush=True)
        for _ in shown("hosts", load(client, hosts), len(hosts)):
            pass
        with build(conf) as scheduler:
            yield Session(server, hosts, client, scheduler, ini)


def write_settings(server: PlacementServer, hosts: Sequence[Host], seed: int) -> Path:
    """Write the ini of a scheduler for this server beside the server's files, and return its path."""
    hosts_file = server.directory / "hosts.json"
    hosts_file.write_bytes(msgspec.json.encode(facts(hosts)))
    text = _SETTINGS.format(
        placement=server.ini(),
        project=RESERVATION_PROJECT,
        journal=server.directory / "journal" / "claims.sqlite",
        records=server.directory / "records",
        hosts_file=hosts_file,
        seed=seed,
    )
    ini = server.directory / "scheduler.ini"
    ini.write_text(text, encoding="utf-8")
    return ini


def facts(hosts: Sequence[Host]) -> HostsFile:
    """Return what an operator knows besides Placement: which hosts are in service, and the names of the racks."""
    racks = {host.rack for host in hosts}
    return HostsFile(
        hosts=tuple(HostFact(name=host.name, provider_uuid=host.uuid) for host in hosts),
        aggregates=tuple(AggregateFact(uuid=rack.uuid, name=rack.name) for rack in sorted(racks, key=_rack_name)),
    )


def _rack_name(rack: Rack) -> str:
    return rack.name
