"""A real Placement in other processes, a fleet on it, a scheduler as a service builds it, and who gives back."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from benchmarks.soak.mock_server import MockServer
from benchmarks.soak.workload import TENANT, USER
from faults.fleet import Fleet, reservations, set_up, settings
from placement_client.client import PlacementClient
from placement_client.models import ConsumerWrite
from placement_client.testing import PlacementServer
from placement_client.testing.ini import ini_text, placement_section
from scheduler import FilterScheduler, build, load_config

HOSTS, VCPUS = 10, 256
AT_ONCE = 10
PATIENT = {"connect_timeout": 60.0, "read_timeout": 120.0, "timeout": 120.0}
"""On a busy machine an answer may take long, which is no fault."""

FIRST_GENERATION = 1  # what Placement gives a consumer with its first write


@dataclass
class GivenBack:
    """Empties instances that were placed, many in one call, so that room does not run out."""

    client: PlacementClient
    _waiting: list[UUID] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, instances: Sequence[UUID], at_once: int = AT_ONCE) -> None:
        """Note these instances, and empty those that wait once there are enough of them."""
        with self._lock:
            self._waiting += instances
            if len(self._waiting) < at_once:
                return
            doomed, self._waiting = self._waiting, []
        empty = ConsumerWrite({}, project_id=TENANT, user_id=USER, consumer_generation=FIRST_GENERATION)
        if doomed:
            self.client.post_allocations(dict.fromkeys(doomed, empty))

    def all(self) -> None:
        """Empty those that still wait."""
        self([], at_once=0)


@dataclass(frozen=True)
class Stage:
    """What a soak needs; ``journal`` is the file of the scheduler's journal."""

    scheduler: FilterScheduler
    fleet: Fleet
    give_back: GivenBack
    journal: Path

    def residue(self) -> list[str]:
        """Close the scheduler, give everything back, and return what is left of any request."""
        left = self.scheduler.close()
        self.give_back.all()
        held = sum(self.fleet.client.get_provider_usages(host).usages["VCPU"] for host in self.fleet.hosts)
        found = {
            f"unfinished claims: {left}": left.open or left.in_doubt or left.releasing,
            "reservations are left": reservations(self.fleet.client),
            "room is held that nobody asked for": held != len(self.fleet.hosts),  # each has one foreign VCPU
        }
        return [text for text, wrong in found.items() if wrong]


@contextmanager
def stage(server: PlacementServer | MockServer, keep: int) -> Iterator[Stage]:
    """Yield a fleet and a scheduler on this server, which keeps so many settled claims and decision records."""
    client = server.client(**PATIENT)
    with TemporaryDirectory() as directory:
        journal, ini = Path(directory) / "journal" / "claims.sqlite", Path(directory) / "scheduler.ini"
        bounded = {"connection": f"sqlite:///{journal}", "keep_claims": str(keep)}
        placement = placement_section(server.url, cafile=str(server.cafile), **PATIENT)
        more = ini_text({"explain": {"max_records": str(keep)}, "scheduler": {"request_timeout": "600"}})
        ini.write_text(settings(placement, bounded, "soak") + more, encoding="utf-8")
        with build(load_config(str(ini))) as scheduler:
            fleet = set_up(client, HOSTS, VCPUS, name="soak-")
            yield Stage(scheduler, fleet, GivenBack(client), journal)
