"""The real flow over a fleet in memory: Placement and the claims are played, so that a request takes a millisecond."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from placement_client.clock import SYSTEM_CLOCK, Deadline
from placement_client.models import (
    AllocationCandidates,
    ConsumerAllocations,
    HeldOnProvider,
    ProviderAllocation,
    ProviderAllocations,
)
from scheduler import (
    AggregateFact,
    DecisionRecord,
    FilterScheduler,
    HostSnapshot,
    RequestContext,
    RequestSpec,
    SchedulerError,
)
from scheduler.bootstrap import plugins_of
from scheduler.claims.bodies import RequestFacts, claim_of
from scheduler.claims.journal import Claim
from scheduler.hosts import snapshot_of
from scheduler.model import Rules
from scheduler.model.plan import Placing
from scheduler.selection import Plugins
from scheduler.settings import FilterSettings, OrderSettings, SchedulerSettings, WeigherSettings
from tests.hosts.fleets import Node, candidates, uid

CONTEXT = RequestContext(project_id="p", user_id="u", is_elevated=True)


class Seed:
    """Gives every request the same seed."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed

    def seed(self, request_id: str) -> bytes:
        return self._seed


class PlayedPlacement:
    """Answers each candidate query with the next of some answers, the last one again and again.

    ``held`` are the instances that hold something on each host, for whoever looks after a reservation.
    """

    microversion = "1.39"

    def __init__(
        self, answers: Sequence[AllocationCandidates], held: Mapping[str, Sequence[UUID]] = MappingProxyType({})
    ) -> None:
        self._answers = list(answers)
        self._held = {uid(name): instances for name, instances in held.items()}
        self.calls = 0

    def within(self, deadline: Deadline, request_id: str = "") -> "PlayedPlacement":
        return self

    def get_allocation_candidates(self, query: object) -> AllocationCandidates:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def get_provider_allocations(self, provider: UUID) -> ProviderAllocations:
        self.calls += 1
        return ProviderAllocations(1, {str(one): HeldOnProvider({"VCPU": 1}) for one in self._held.get(provider, ())})

    def get_allocations(self, consumer: UUID) -> ConsumerAllocations:
        self.calls += 1
        where = [provider for provider, instances in self._held.items() if consumer in instances]
        return ConsumerAllocations({provider: ProviderAllocation({"VCPU": 1}) for provider in where}, 1)


class PlayedClaimer:
    """Answers each reservation with the next of some answers, then grants all."""

    def __init__(self, answers: Sequence[str]) -> None:
        self._answers: Iterator[str] = iter(answers)

    def reserve(self, placement: object, claim: object) -> str:
        return next(self._answers, "reserved")

    def begin(self, claim_id: UUID, facts: RequestFacts, placings: Sequence[Placing]) -> Claim:
        return claim_of(claim_id, facts, placings, uuid4)

    def verify(self, placement: object, placings: Collection[object], stale: bool = False) -> tuple[int, bool]:
        return len(placings), True

    def confirm(self, placement: object, claim: object) -> str:
        return "confirmed"

    def new_id(self) -> UUID:
        return uid("claim")

    def nothing(self, *_: object) -> None:
        return None

    check_open = abandon = release = pause = nothing


class PlayedHosts:
    """Gives one snapshot."""

    def __init__(self, snapshot: HostSnapshot) -> None:
        self._snapshot = snapshot

    def snapshot(self, wanted: Collection[UUID] = (), deadline: Deadline | None = None) -> HostSnapshot:
        return self._snapshot


class Kept(list[DecisionRecord]):
    """Keeps every record as it was handed over, with its inputs."""

    def __call__(self, record: DecisionRecord) -> None:
        self.append(record)

    def get(self, request_id: str) -> None:
        return None

    last = put_down = get


def plugins(subset: int = 1, weighers: WeigherSettings = WeigherSettings(), *names: str) -> Plugins:  # noqa: B008 frozen
    """Return all filters (or those named) and weighers, and an order that draws among so many hosts."""
    filters = FilterSettings(enabled_filters=names) if names else FilterSettings()
    return plugins_of(Rules(filters=filters, weighers=weighers, order=OrderSettings(host_subset_size=subset)))


def snapshot(nodes: Sequence[Node], taken_at: float = 1000.0, aggregates: Sequence[AggregateFact] = ()) -> HostSnapshot:
    """Return what is known of the hosts."""
    facts = [node.fact() for node in nodes if node.is_root and node.known]
    names = {uid(node.name): node.name for node in nodes}
    return snapshot_of(facts, provider_names=names, taken_at=taken_at, aggregates=aggregates)


def decided(
    nodes: Sequence[Node],
    request: RequestSpec,
    using: Plugins,
    *,
    instances: int = 1,
    alternates: bool = False,
    seed: bytes = b"s" * 32,
    refusals: Sequence[str] = (),
    offers: Sequence[AllocationCandidates] | None = None,
    aggregates: Sequence[AggregateFact] = (),
    held: Mapping[str, Sequence[UUID]] = MappingProxyType({}),
) -> DecisionRecord:
    """Let the flow decide, and return the record; ``refusals`` are Placement's answers to the first reservations."""
    kept = Kept()
    played: Any = {
        "placement": PlayedPlacement(offers or [candidates(nodes)], held),
        "claimer": PlayedClaimer(refusals),
        "hosts": PlayedHosts(snapshot(nodes, aggregates=aggregates)),
        "random_source": Seed(seed),
    }
    scheduler = FilterScheduler(plugins=using, settings=SchedulerSettings(), clock=SYSTEM_CLOCK, records=kept, **played)
    wanted = [uid(f"new{number}") for number in range(instances)]
    with suppress(SchedulerError, KeyboardInterrupt):  # how it ended is in the record
        scheduler.select_destinations(CONTEXT, request, wanted, return_alternates=alternates)
    (record,) = kept
    return record
