"""What a request holds at its peak, and what is kept of requests that are over; tracemalloc, so not timed."""

import gc
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.growth import ours
from benchmarks.growth.results import Curve, Kept
from benchmarks.growth.whole import Service, service

MIB = 1 << 20
BOUND = 100


def peaks(sizes: Sequence[int]) -> Curve:
    """Return what a whole request for one instance holds at its peak besides what was there before."""
    costs = tuple(round(_peak(size) / MIB, 3) for size in sizes)
    return Curve(name="peak memory of a whole request", against="hosts", unit="MiB", sizes=tuple(sizes), costs=costs)


def _peak(size: int) -> int:
    with service(ours.fleet_of(size)) as running:
        _place(running, 2)  # what a first request finds out stays
        with _traced():
            before, _ = tracemalloc.get_traced_memory()
            _place(running, 1)
            _, peak = tracemalloc.get_traced_memory()
    return peak - before


def kept(requests: Sequence[int], hosts: int, bound: int = BOUND) -> Kept:
    """Return what a scheduler that keeps ``bound`` records and settled claims keeps after so many requests in all."""
    bounds = {"explain": {"max_records": str(bound)}, "journal": {"keep_claims": str(bound)}}
    with service(ours.fleet_of(hosts), **bounds) as running, _traced():
        return Kept(hosts=hosts, requests=tuple(requests), mib=tuple(_kept(running, requests)))


def _kept(running: Service, requests: Sequence[int]) -> Iterator[float]:
    for before, count in zip((0, *requests), requests, strict=False):
        _place(running, count - before)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        yield round(held / MIB, 2)


def _place(running: Service, requests: int) -> None:
    spec = ours.request()
    for _ in range(requests):
        running.place(spec)


@contextmanager
def _traced() -> Iterator[None]:
    gc.collect()
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()
