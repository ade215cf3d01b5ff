"""One scheduler process of a history: the production code, put together on simulated collaborators."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from msgspec import structs

from faults.model_broken import HastyClient, LazyJournal, UnfencedClient
from faults.model_client import SimulatedPlacement
from faults.model_journal import Disk, SimulatedJournal
from faults.model_server import RESOURCE_CLASS, SimulatedServer
from faults.model_world import Process, World
from placement_client.client import PlacementClient
from placement_client.models import AllocationCandidates, AllocationRequest, Resources
from scheduler.claims import Claimer
from scheduler.claims.sweeper import Sweeper
from scheduler.filter_scheduler import FilterScheduler
from scheduler.hosts import HostSource, HostTable, build_host_table, snapshot_of
from scheduler.model import DecisionRecord
from scheduler.model.plan import AmountOn, Placing
from scheduler.randomness import SeededRandomSource
from scheduler.selection import Plan, Plugins
from scheduler.settings import ClaimSettings, ExplainSettings, JournalSettings, OrderSettings, SchedulerSettings
from scheduler.shared_candidates import Visit
from scheduler.work import Work

RESERVATIONS = "reservations"
# Without a random part in the pauses, which would come from outside the history.
CLAIMS = ClaimSettings(
    node_id="node", reservation_project_id=RESERVATIONS, max_rounds=3, backoff_base_s=0.0, verify="always"
)
SETTINGS = SchedulerSettings(claims=CLAIMS, explain=ExplainSettings(best_hosts=0))
NO_HOSTS = cast("HostSource", None)
NO_TABLE = build_host_table(AllocationCandidates([], {}), snapshot_of(()))
NO_PLUGINS = Plugins((), (), OrderSettings())

PLACEMENTS: Mapping[str, type[SimulatedPlacement]] = {"fence": UnfencedClient, "maybe_sent": HastyClient}
JOURNALS: Mapping[str, type[SimulatedJournal]] = {"journal": LazyJournal}
BROKEN_SETTINGS: Mapping[str, Mapping[str, Any]] = {"quarantine": {"quarantine_s": 0.0}, "verify": {"verify": "never"}}


class NoRecords:
    """Keeps no records."""

    def __call__(self, record: DecisionRecord) -> None:
        """Forget a record."""

    def get(self, request_id: str) -> None:
        """Return nothing."""

    def last(self) -> None:
        """Return nothing."""

    def put_down(self, reader: object, request_id: str) -> None:
        """Do nothing."""


class SweeperByHand(Sweeper):
    """Starts no thread: the history calls ``settle`` itself."""

    def wake(self) -> None:
        """Do nothing."""

    def stop(self, timeout_s: float) -> None:
        """Do nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PlannedScheduler(FilterScheduler):
    """The production scheduler, which is told where there is room: hosts and filters have no part in what is shown."""

    server: SimulatedServer

    def _candidates(self, work: Work, visit: Visit) -> HostTable:
        return NO_TABLE

    def _plan(self, work: Work, hosts: HostTable) -> Plan:
        amount = work.spec.flavor.vcpus
        free = {one: capacity - self.server.used(one) for one, capacity in self.server.capacity.items()}
        placings = []
        for instance in work.instances:
            roomy = [one for one, left in free.items() if left >= amount]
            if not roomy:
                raise self._nothing_left(work, "no_candidates")
            host = roomy[instance.int % len(roomy)]
            placings.append(_placing(instance, host, self.server.capacity[host], free[host], amount))
            free[host] -= amount
        return Plan(tuple(placings), hosts, work.spec)


def _placing(instance: UUID, host: UUID, capacity: int, free: int, amount: int) -> Placing:
    return Placing(
        instance_uuid=instance,
        host=str(host),
        node=str(host),
        provider_uuid=host,
        allocation_request=AllocationRequest({host: Resources({RESOURCE_CLASS: amount})}),
        amounts=(AmountOn(host, RESOURCE_CLASS, capacity, capacity - free, amount),),
    )


class Node:
    """A process, and the scheduler in it. ``broken`` names the part of the protocol that a control switches off."""

    def __init__(self, world: World, disk: Disk, process: Process, mint: Callable[[], UUID], broken: str = "") -> None:
        self.process = process
        placement = cast("PlacementClient", PLACEMENTS.get(broken, SimulatedPlacement)(world, process))
        journal = JOURNALS.get(broken, SimulatedJournal)(world, disk, process)
        settings = structs.replace(SETTINGS, claims=structs.replace(CLAIMS, **BROKEN_SETTINGS.get(broken, {})))
        sweeper = SweeperByHand(lambda: None)
        self.scheduler = PlannedScheduler(
            placement=placement,
            hosts=NO_HOSTS,
            server=world.server,
            plugins=NO_PLUGINS,
            claimer=Claimer(placement, journal, settings.claims, world.clock, mint, JournalSettings(), sweeper),
            random_source=SeededRandomSource(b"model"),
            settings=settings,
            clock=world.clock,
            records=NoRecords(),
        )
