"""One request while it is being served, the only thing that changes on the way, and its record once it has ended."""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct, field, structs

from placement_client.client import PlacementClient
from placement_client.clock import Clock, Deadline
from scheduler.claims import RequestFacts
from scheduler.events import EventLog
from scheduler.events.table import RECORD_NOT_DELIVERED
from scheduler.explain.observers import Observer
from scheduler.explain.trail import Trail
from scheduler.hosts import HostSource
from scheduler.model import DecisionRecord, Inputs, Operation, Outcome, RequestSpec, Rules, ServerGroup
from scheduler.moves import Source, find_source, request_from
from scheduler.randomness import RandomStream
from scheduler.selection import Plugins


class Work(Struct, eq=False, weakref=True):
    """One request while it is being served. Whatever claims it began are released when it goes away unconfirmed.

    ``stale`` says that its plan stands on the answer to the question of another request.
    """

    spec: RequestSpec
    request_id: str
    instances: tuple[UUID, ...]
    deadline: Deadline
    placement: PlacementClient
    stream: RandomStream
    trail: Trail
    alternates: int
    started: float
    facts: RequestFacts
    operation: Operation
    plugins: Plugins
    source: Source | None = None
    claim_ids: list[UUID] = field(default_factory=list)
    group: ServerGroup | None = None
    settled: ServerGroup | None = None
    stale: bool = False

    @property
    def asked(self) -> RequestSpec:
        """Return the request as the next round reads it: with the server group as the last round found it."""
        return self.spec.with_group(self.group)

    def put_down_inputs(self, rules: Rules, best_hosts: int) -> None:
        """Put down what the request is decided from, whatever round it is."""
        self.trail.inputs = Inputs(
            request=self.spec,
            rules=rules,
            operation=self.operation,
            alternates=self.alternates,
            best_hosts=best_hosts,
        )

    def find_source(self, hosts: HostSource) -> None:
        """Read where the instance is, and go on with what the operation makes of the request there.

        Raises InvalidRequest and InstanceConflict.
        """
        source = find_source(self.placement, hosts, self.spec, self.instances[0], self.deadline, self.request_id)
        self.spec = request_from(source, self.operation, self.spec)
        self.source, self.facts = source, structs.replace(self.facts, held=source.held)
        self.trail.inputs = self.trail.inputs and structs.replace(self.trail.inputs, request=self.spec)

    def record(self, outcome: Outcome, reason: str, clock: Clock) -> DecisionRecord:
        """Return the record of the request, which ends now."""
        total_ms = 1000 * (clock.monotonic() - self.started)
        calls, now = self.placement.calls, clock.wall()
        return self.trail.record(outcome, reason, answered_at=now, total_ms=total_ms, calls=calls)


def deliver(record: DecisionRecord, observers: Iterable[Observer], log: EventLog) -> None:
    """Hand a record to observers; one that fails does not change how a request ended, which is long decided."""
    for observe in observers:
        try:
            observe(record)
            continue
        except Exception as error:  # noqa: BLE001 - an observer may raise anything
            kind = type(error)
        log(RECORD_NOT_DELIVERED, observer=type(observe), error=kind)
