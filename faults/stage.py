"""A real Placement behind the fault proxy, a fleet on which others hold room, and the count of what is held."""

import contextlib
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID, uuid5

from faults.proxy import Exchange, FaultProxy
from placement_client.models import ConsumerWrite, Inventory, Resources
from placement_client.settings import PlacementSettings
from placement_client.testing import PlacementServer
from placement_client.testing.faults import FaultAdapter
from placement_client.testing.ini import placement_section
from placement_client.transport.http import PinnedAdapter
from placement_client.transport.tls import make_context
from scheduler import FilterScheduler, Flavor, RequestSpec, SeededRandomSource, build, load_config

RESERVATIONS = "reservations-of-the-scheduler"
NAMES = UUID("f0000000-0000-4000-8000-000000000000")
SPEC = RequestSpec(flavor=Flavor(vcpus=2, memory_mb=512), project_id="tenant", user_id="somebody")
VCPUS, MEMORY_MB = 64, 32768
SETTLE_S = 20.0
JOURNAL_RUNS = 50  # runs that share a journal: each start reads all of it

Amounts = Mapping[tuple[str, str], int]  # (provider, resource class): amount


@dataclass(frozen=True, slots=True)
class Count:
    """What Placement's own tables say: who holds what, project and generation of consumers, providers overfull."""

    held: Mapping[str, Amounts]
    consumers: Mapping[str, tuple[str, int]]
    over_capacity: Sequence[str]

    @property
    def reservations(self) -> list[str]:
        """Return the consumers that hold room for the scheduler itself."""
        return [one for one in self.held if one in self.consumers and self.consumers[one][0] == RESERVATIONS]


@dataclass(frozen=True, slots=True)
class Move:
    """What an instance holds before it is moved, and the consumer that shall hold that afterwards."""

    source: Amounts
    migration: UUID


class Stage:
    """Server, proxy and fleet; a context manager. One host more than a batch needs, so that a claim can be moved."""

    def __init__(self, hosts: int = 3) -> None:
        self.hosts = [uuid5(NAMES, f"host {number}") for number in range(hosts)]
        self.foreign = [uuid5(NAMES, f"foreign {number}") for number in range(hosts)]
        self._stack = contextlib.ExitStack()
        self._instances = 0
        self._runs = 0
        self.server: PlacementServer
        self.proxy: FaultProxy
        self.before: Count

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self.server = stack.enter_context(PlacementServer())
            self.proxy = stack.enter_context(FaultProxy(self.server.port, self.server.cafile))
            self._client = self.server.client()
            self._directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
            self._database = sqlite3.connect(f"file:{self.server.directory / 'placement.sqlite'}?mode=ro", uri=True)
            stack.callback(self._database.close)
            self._load()
            self.before = self.count()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def instances(self, batch: int) -> list[UUID]:
        """Return instances that never were before."""
        self._instances += batch
        return [uuid5(NAMES, f"instance {number}") for number in range(self._instances - batch, self._instances)]

    def moving(self, instance: UUID) -> Move:
        """Let an instance hold its flavor on the first host, and return what moving it shall come to."""
        amounts = {"VCPU": SPEC.flavor.vcpus, "MEMORY_MB": SPEC.flavor.memory_mb}
        body = {self.hosts[0]: Resources(dict(amounts))}
        write = ConsumerWrite(body, project_id=SPEC.project_id, user_id=SPEC.user_id)
        self._client.put_allocations(instance, write)
        source = {(str(self.hosts[0]), name): amount for name, amount in amounts.items()}
        return Move(source, uuid5(NAMES, f"migration of {instance}"))

    def scheduler(self, *, read_timeout_s: float) -> tuple[FilterScheduler, FaultAdapter]:
        """Return a scheduler that has just been started, its calls through the proxy, and where to interrupt them.

        The schedulers of a run, one at a time, have one journal.
        """
        settings = PlacementSettings(cafile=str(self.proxy.cafile))
        adapter = FaultAdapter(PinnedAdapter(make_context(settings), settings.pool_size))
        file = self._directory / "scheduler.ini"
        file.write_text(self._ini(read_timeout_s))
        return build(load_config(str(file)), http_adapter=adapter, random_source=SeededRandomSource(b"faults")), adapter

    @property
    def calls(self) -> Sequence[Exchange]:
        """Return the calls of the run that has just healed."""
        return self.proxy.healed

    def count(self) -> Count:
        """Read Placement's tables."""
        held: dict[str, dict[tuple[str, str], int]] = {}
        for consumer, provider, resource_class, used in self._database.execute(_HELD):
            held.setdefault(consumer, {})[provider, resource_class] = used
        consumers = {uuid: (project, generation) for uuid, project, generation in self._database.execute(_CONSUMERS)}
        return Count(held, consumers, [provider for (provider,) in self._database.execute(_OVER)])

    def clean(self) -> None:
        """Take away whatever a run left, so that the next one starts as the first did."""
        count = self.count()
        left = {UUID(one): _write({}, count.consumers[one][1]) for one in count.held.keys() - self.before.held.keys()}
        if left:
            self._client.post_allocations(left)
        self._runs += 1

    def _load(self) -> None:
        inventories = {"VCPU": Inventory(total=VCPUS), "MEMORY_MB": Inventory(total=MEMORY_MB)}
        for number, (host, consumer) in enumerate(zip(self.hosts, self.foreign, strict=True)):
            self._client.create_resource_provider(f"h{number}", host)
            self._client.set_inventories(host, 0, inventories)
            self._client.put_allocations(consumer, _write({host: Resources({"VCPU": 1})}))

    def _ini(self, read_timeout_s: float) -> str:
        options = {"retry_base": 0.001, "retry_cap": 0.01, "read_timeout": read_timeout_s}
        journal = self._directory / f"journal{self._runs // JOURNAL_RUNS}" / "claims.sqlite"
        return placement_section(self.proxy.url, cafile=str(self.proxy.cafile), **options) + _SCHEDULER_INI.format(
            reservations=RESERVATIONS, settle_s=SETTLE_S, journal=journal
        )


def _write(allocations: dict[UUID, Resources], generation: int | None = None) -> ConsumerWrite:
    return ConsumerWrite(allocations, project_id="foreign", user_id="foreigner", consumer_generation=generation)


# The journal need not survive a power loss here; that it does is shown where power is lost.
_SCHEDULER_INI = """
[claims]
reservation_project_id = {reservations}
verify = always
backoff_base = 0.001
backoff_cap = 0.01
quarantine = 0.02
drain_timeout = {settle_s}

[journal]
connection = sqlite:///{journal}
durable = false
"""

_HELD = """
SELECT a.consumer_id, p.uuid, c.name, a.used FROM allocations a
JOIN resource_providers p ON p.id = a.resource_provider_id JOIN resource_classes c ON c.id = a.resource_class_id
"""
_CONSUMERS = "SELECT c.uuid, p.external_id, c.generation FROM consumers c JOIN projects p ON p.id = c.project_id"
_OVER = """
SELECT DISTINCT p.uuid FROM inventories i JOIN resource_providers p ON p.id = i.resource_provider_id
WHERE (i.total - i.reserved) * i.allocation_ratio < (
  SELECT COALESCE(SUM(a.used), 0) FROM allocations a
  WHERE a.resource_provider_id = i.resource_provider_id AND a.resource_class_id = i.resource_class_id)
"""
