"""One burst: requests of one shape from several threads, and what they cost."""

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter, process_time
from uuid import UUID, uuid4

import msgspec

from placement_client.testing.faults import FaultAdapter
from scheduler import (
    DecisionRecord,
    FilterScheduler,
    Flavor,
    NoValidHost,
    RequestContext,
    RequestSpec,
    SchedulingUnavailable,
)

SPEC = RequestSpec(flavor=Flavor(vcpus=2, memory_mb=4096, root_gb=20), project_id="tenant", user_id="somebody")
CONTEXT = RequestContext(project_id="tenant", user_id="somebody")


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """What one burst cost: ``window_ms`` 0 shares nothing; ``cpu_s`` is of the scheduler's process.

    ``refused`` counts rounds whose reservation was not granted, ``busiest`` the instances on the host with most.
    """

    window_ms: int
    requests: int
    threads: int
    wall_s: float
    cpu_s: float
    queries: int
    calls: int
    rounds: int
    refused: int
    placed: int
    busiest: int


class Counting:
    """Adds up what decision records say."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()
        self.hosts: Counter[str] = Counter()

    def __call__(self, record: DecisionRecord) -> None:
        """Count a record."""
        with self._lock:
            self.answers.update(one.answer for one in record.rounds)
            if record.outcome == "selected":
                self.hosts.update(str(one.selected) for one in record.rounds[-1].instances)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared: a scheduler with its window, and what counts its calls and its decisions."""

    window_ms: int
    scheduler: FilterScheduler
    adapter: FaultAdapter
    counting: Counting


def burst(side: Side, requests: int, threads: int) -> tuple[Figure, Sequence[UUID]]:
    """Make all requests, each for one instance; return what they cost and the instances that were placed."""
    counting = side.counting
    counting.answers.clear()
    counting.hosts.clear()
    side.adapter.play()
    instances = [uuid4() for _ in range(requests)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: threading.Event().wait(0.02), range(threads)))  # all threads are there
        began, cpu = perf_counter(), process_time()
        placed = list(pool.map(lambda one: _is_placed(side.scheduler, one), instances))
        wall, cpu = perf_counter() - began, process_time() - cpu
    calls = Counter(str(call) for call in side.adapter.calls)
    figure = Figure(
        window_ms=side.window_ms,
        requests=requests,
        threads=threads,
        wall_s=round(wall, 4),
        cpu_s=round(cpu, 4),
        queries=calls["GET /allocation_candidates"],
        calls=calls.total(),
        rounds=counting.answers.total(),
        refused=counting.answers.total() - counting.answers["reserved"],
        placed=sum(placed),
        busiest=max(counting.hosts.values(), default=0),
    )
    return figure, [one for one, there in zip(instances, placed, strict=True) if there]


def _is_placed(scheduler: FilterScheduler, instance: UUID) -> bool:
    try:
        scheduler.select_destinations(CONTEXT, SPEC, [instance])
    except (NoValidHost, SchedulingUnavailable):
        return False
    return True
