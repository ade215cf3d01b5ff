"""Which curves there are, and how their points are measured: processor time, sizes in turn, medians."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import process_time
from uuid import UUID, uuid4

from benchmarks.growth import ours
from benchmarks.growth.results import Curve
from benchmarks.growth.whole import service
from scheduler.filters import AnyFilter
from scheduler.hosts import HostTable
from scheduler.model import RequestSpec
from scheduler.selection import Plugins

Work = Callable[[], object]
Tell = Callable[[str], None]
LEAST_S = 0.002


@dataclass(frozen=True, slots=True)
class Line:
    """One curve to measure: ``points`` are the sizes, and what costs so much at each, ``times`` over."""

    name: str
    against: str
    points: Mapping[int, Work]
    times: int = 1


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes that curves are measured at."""

    hosts: tuple[int, ...] = (100, 316, 1_000, 3_162, 10_000, 31_623, 100_000)
    batches: tuple[int, ...] = (1, 3, 10, 32, 100, 316, 1_000)
    fleets: tuple[int, ...] = (1_000, 10_000)
    filters: tuple[int, ...] = (1, 2, 4, 8, 12, 16, 22)


def measured(lines: Sequence[Line], samples: int, tell: Tell) -> list[Curve]:
    """Measure each point of every line in turn, this many times."""
    spent: dict[tuple[str, int], list[float]] = {}
    gc.collect()
    gc.freeze()  # fleets of all sizes are in memory; what one request makes is collected as it would be alone
    try:
        for number in range(samples):
            for line in lines:
                tell(f"{number + 1} of {samples}: {line.name}")
                for size, work in line.points.items():
                    spent.setdefault((line.name, size), []).append(seconds(work))
    finally:
        gc.unfreeze()
    return [_curve(line, spent) for line in lines]


def _curve(line: Line, spent: dict[tuple[str, int], list[float]]) -> Curve:
    costs = tuple(round(1000 * median(spent[line.name, size]) / line.times, 4) for size in line.points)
    return Curve(name=line.name, against=line.against, unit="ms", sizes=tuple(line.points), costs=costs)


def seconds(work: Work) -> float:
    """Return the processor time of one call; the mean of as many as fit into LEAST_S."""
    calls, started = 0, process_time()
    while process_time() - started < LEAST_S:
        work()
        calls += 1
    return (process_time() - started) / calls


def over_hosts(sizes: Sequence[int], stack: ExitStack) -> list[Line]:
    """Return the steps of a request for one instance, and the whole of it, over fleets of these sizes."""
    using, spec = ours.plugins(), ours.request()
    fleets = {size: ours.fleet_of(size) for size in sizes}
    services = {size: stack.enter_context(service(fleet)) for size, fleet in fleets.items()}
    return [
        _over(fleets, "take a snapshot of the facts", lambda one: ours.taken(one.snapshot)),
        _over(fleets, "decode the answer", lambda one: ours.decoded(one.body)),
        _over(fleets, "make the host table", lambda one: ours.joined(one.answer, one.snapshot)),
        _over(fleets, "put down what a replay needs", lambda one: ours.put_down(one.answer, one.hosts, spec)),
        _over(fleets, "rank the hosts for one instance", lambda one: ours.ranked(using, spec, ours.anew(one.hosts))),
        Line("a whole request", "hosts", {size: partial(one.place, spec) for size, one in services.items()}),
    ]


def _over(fleets: Mapping[int, ours.Fleet], name: str, step: Callable[[ours.Fleet], object]) -> Line:
    return Line(name, "hosts", {size: partial(step, fleet) for size, fleet in fleets.items()})


def over_batches(sizes: Sequence[int], fleets: Sequence[int], stack: ExitStack) -> Iterator[Line]:
    """Yield what a batch costs: its plan on small and large fleets, with groups, what is sent for it, all of it."""
    using, spec, known = ours.plugins(), ours.request(), {size: ours.fleet_of(size) for size in fleets}
    for size, fleet in known.items():
        yield _planning(f"plan a batch, {size:,} hosts", using, spec, fleet, sizes)
    small, large = known[min(fleets)], known[max(fleets)]
    for policy, fleet in (("soft-anti-affinity", small), ("anti-affinity", large)):
        name = f"plan a batch of a group, {policy}, {len(fleet.hosts):,} hosts"
        yield _planning(name, using, ours.request(policy), fleet, sizes)
    plans = {size: ours.planned(using, spec, large.hosts, _instances(size)).placings for size in sizes}
    yield Line("what is sent for a batch", "instances", {n: partial(ours.bodies, plan) for n, plan in plans.items()})
    one_host = {size: partial(ours.bodies, ours.stacked(plan)) for size, plan in plans.items()}
    yield Line("what is sent for a batch, all on one host", "instances", one_host)
    running = stack.enter_context(service(small))
    whole = {size: partial(running.place, spec, size) for size in sizes}
    yield Line(f"a whole request, {len(small.hosts):,} hosts", "instances", whole)


def _planning(name: str, using: Plugins, spec: RequestSpec, fleet: ours.Fleet, sizes: Sequence[int]) -> Line:
    def plan(size: int) -> object:
        return ours.planned(using, spec, ours.anew(fleet.hosts), _instances(size))

    return Line(name, "instances", {size: partial(plan, size) for size in sizes})


def _instances(count: int) -> list[UUID]:
    return [uuid4() for _ in range(count)]


def over_filters(numbers: Sequence[int], fleets: Sequence[int]) -> Iterator[Line]:
    """Yield what so many filters cost: the mean over all ways to take that many in turn from the registry."""
    every = ours.all_filters()
    for size in fleets:
        hosts = ours.fleet_of(size).hosts
        points = {number: partial(_filtering, every, number, hosts) for number in numbers}
        yield Line(f"filter the hosts for one instance, {size:,} hosts", "filters", points, times=len(every))


def _filtering(every: Sequence[AnyFilter], number: int, hosts: HostTable) -> None:
    spec = ours.demanding()
    for first in range(len(every)):
        ours.filtered([*every[first:], *every[:first]][:number], spec, ours.anew(hosts))
