"""One scheduler process of a history: the production code, put together on simulated collaborators."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from faults.model_broken import HastyClient, LazyJournal, UnfencedClient
from faults.model_client import SimulatedPlacement
from faults.model_journal import Disk, SimulatedJournal
from faults.model_world import Process, World
from placement_client.client import PlacementClient
from placement_client.clock import Deadline
from scheduler.claims import Claimer
from scheduler.claims.sweeper import Sweeper
from scheduler.filter_scheduler import FilterScheduler
from scheduler.hosts import HostSnapshot
from scheduler.model import DecisionRecord
from scheduler.randomness import SeededRandomSource
from scheduler.selection import Plugins
from scheduler.settings import ClaimSettings, ExplainSettings, JournalSettings, OrderSettings, SchedulerSettings

RESERVATIONS = "reservations"
# Without a random part in the pauses, which would come from outside the history.
CLAIMS = ClaimSettings(
    node_id="node", reservation_project_id=RESERVATIONS, max_rounds=3, backoff_base_s=0.0, verify="always"
)
SETTINGS = SchedulerSettings(claims=CLAIMS, explain=ExplainSettings(best_hosts=0))
NO_PLUGINS = Plugins((), (), OrderSettings())
NO_FACTS = HostSnapshot()

PLACEMENTS: Mapping[str, type[SimulatedPlacement]] = {"fence": UnfencedClient, "maybe_sent": HastyClient}
JOURNALS: Mapping[str, type[SimulatedJournal]] = {"journal": LazyJournal}
BROKEN_SETTINGS: Mapping[str, Mapping[str, Any]] = {"quarantine": {"quarantine_s": 0.0}, "verify": {"verify": "never"}}


class NoFacts:
    """A source that knows nothing of the hosts but what Placement answers."""

    def snapshot(self, wanted: Collection[UUID] = (), deadline: Deadline | None = None) -> HostSnapshot:
        """Return no facts."""
        return NO_FACTS


class NoRecords:
    """Keeps no records."""

    def __call__(self, record: DecisionRecord) -> None:
        """Forget a record."""

    def get(self, request_id: str) -> None:
        """Return nothing."""

    def last(self) -> None:
        """Return nothing."""


class SweeperByHand(Sweeper):
    """Starts no thread: the history calls ``settle`` itself."""

    def wake(self) -> None:
        """Do nothing."""

    def stop(self, timeout_s: float) -> None:
        """Do nothing."""


class Node:
    """A process, and the scheduler in it. ``broken`` names the part of the protocol that a control switches off."""

    def __init__(self, world: World, disk: Disk, process: Process, mint: Callable[[], UUID], broken: str = "") -> None:
        self.process = process
        placement = cast("PlacementClient", PLACEMENTS.get(broken, SimulatedPlacement)(world, process))
        journal = JOURNALS.get(broken, SimulatedJournal)(world, disk, process)
        settings = replace(SETTINGS, claims=replace(CLAIMS, **BROKEN_SETTINGS.get(broken, {})))
        sweeper = SweeperByHand(lambda: None)
        self.scheduler = FilterScheduler(
            placement=placement,
            hosts=NoFacts(),
            plugins=NO_PLUGINS,
            claimer=Claimer(placement, journal, settings.claims, world.clock, mint, JournalSettings(), sweeper),
            random_source=SeededRandomSource(b"model"),
            settings=settings,
            clock=world.clock,
            records=NoRecords(),
        )
