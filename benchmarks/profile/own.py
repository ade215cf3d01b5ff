"""Where our own time goes, by room: that of a request for one instance, and that of a rank of a hundred hosts."""

import cProfile
import gc
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from statistics import median

import msgspec
import numpy as np

from benchmarks.profile.rooms import Threads, added_up, by_room, calls
from benchmarks.speed.clock import timed
from benchmarks.speed.ours import Ours, rank
from benchmarks.speed.service import service
from benchmarks.speed.stage import Consumers
from placement_client.testing import PlacementServer
from scheduler.hosts import HostTable

HOSTS = 100
RANKS = 300
TIMES = 51
PASSED_OVER = 64 << 20
"""Bytes that are read and written; more than the caches of a processor hold."""

Rooms = Mapping[str, float]
"""Milliseconds by room, the most first."""


class Rank(msgspec.Struct, frozen=True, kw_only=True):
    """A rank: milliseconds by room, functions it calls in Python and in C, and milliseconds by what came before."""

    rooms: Rooms
    python_calls: float
    c_calls: float
    after: Mapping[str, float]


def of_request(server: PlacementServer, consumers: Consumers, rounds: int) -> Rooms:
    """Profile requests for one instance, in the thread that sends them and in that of the journal."""
    profile = Threads()
    with profile.of_new_threads(), service(server) as ours:
        ours.select(consumers.new(1))  # the first finds out what the next ones know
        before = profile.seconds(depth=2)
        for _ in range(rounds):
            instances = consumers.new(1)
            gc.collect()
            with profile:
                ours._select(instances)
            consumers.give_back()
        after = profile.seconds(depth=2)
    return _each({room: spent - before.get(room, 0.0) for room, spent in after.items()}, rounds)


def of_rank() -> Rank:
    """Profile ranks of new host tables, and time ranks after other things were done."""
    ours, profile = Ours(HOSTS), cProfile.Profile()
    tables = [ours.table() for _ in range(RANKS)]
    for hosts in tables:
        with profile:
            rank(hosts)
    python, c = calls(profile)
    return Rank(
        rooms=_each(by_room(profile, depth=3), RANKS),
        python_calls=python / RANKS,
        c_calls=c / RANKS,
        after=_after(ours),
    )


def _after(ours: Ours) -> Mapping[str, float]:
    """Return what a rank takes, in milliseconds, by what was done before it."""
    return {
        what: median(timed(partial(rank, before())).wall_ms for _ in range(TIMES)) for what, before in _states(ours)
    }


def _states(ours: Ours) -> Iterator[tuple[str, Callable[[], HostTable]]]:
    """Yield what may come before a rank: what it is called, and what does it and returns the table to rank."""
    old, memory = ours.table(), np.zeros(PASSED_OVER, dtype=np.uint8)

    def ranked(hosts: HostTable, other: HostTable) -> HostTable:
        rank(other)
        return hosts

    def collected() -> HostTable:
        gc.collect()
        return ours.table()

    def passed_over() -> HostTable:
        hosts = ours.table()
        np.add(memory, 1, out=memory)
        return hosts

    yield "the same table was ranked", lambda: ranked(old, old)
    yield "another table was ranked", lambda: ranked(ours.table(), ours.table())
    yield "the answer was decoded", ours.table
    yield "garbage was collected, then the answer decoded", collected
    yield f"{PASSED_OVER >> 20} MiB of memory were passed over", passed_over


def _each(seconds: Mapping[str, float], count: int) -> Rooms:
    return added_up((room, 1000 * spent / count) for room, spent in seconds.items())
