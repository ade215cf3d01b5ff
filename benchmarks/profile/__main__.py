"""``python -m benchmarks.profile``: where the time goes that requests, ranks and imports take; ours beside Nova's.

Nova comes from PyPI into a virtual environment of its own.
"""

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.profile import imports, own, report, requests
from benchmarks.profile.at_once import Busy, busy, mean
from benchmarks.profile.requests import Asker, Freezing, Request
from benchmarks.profile.watched import FrozenServer, WatchedServer
from benchmarks.results import text_of
from benchmarks.speed.at_once import sides_at_once
from benchmarks.speed.end_to_end import MARKS
from benchmarks.speed.nova import Nova, started
from benchmarks.speed.plan import FULL
from benchmarks.speed.report import load, machine
from benchmarks.speed.service import Service, service
from benchmarks.speed.stage import PATIENCE, Consumers, served
from faults.environments import CannotInstall, library_installed, nova_installed
from placement_client.testing import PostgresServer

ROUNDS = {1: 16, 10: 8, 100: 4}
"""How often requests for so many instances are measured; the server collects its garbage in about half of them."""
REQUESTS = 40
"""How many are profiled by room."""
QUICK = {1: 2, 10: 1}
AT_ONCE = 5
IMPORTS = 7


@contextmanager
def staged(postgres: PostgresServer, kind: type[WatchedServer]) -> Iterator[tuple[Asker, Service]]:
    """Yield us on a server of this kind with the fleet."""
    with served(postgres, FULL.hosts, kind) as server, service(server) as ours:
        yield Asker(server, ours.select, Consumers(server.client(**PATIENCE))), ours


def profiled(nova: Nova, library: Path, rounds: Mapping[int, int]) -> report.Profile:
    """Measure everything."""
    before = load()
    with PostgresServer() as postgres, staged(postgres, WatchedServer) as (we, ours):
        nova.do("load", size=FULL.hosts)
        nova.do("connect", url=we.server.url, cafile=str(we.server.cafile))
        them = Asker(we.server, lambda wanted: nova.do("select", instances=list(map(str, wanted))), we.consumers)
        found = tuple(_compared(we, them, *of) for of in rounds.items())
        with staged(postgres, FrozenServer) as (frozen, _):
            freezing = tuple(_frozen(we, frozen, *of) for of in rounds.items())
        at_once = _at_once(we, ours, nova, postgres)
        rooms = own.of_request(we.server, we.consumers, REQUESTS)
    return report.Profile(
        machine=machine(),
        load=(before, load()),
        processors=os.cpu_count() or 1,
        requests=found,
        freezing=freezing,
        at_once=tuple(at_once),
        own=rooms,
        rank=own.of_rank(),
        imports=imports.by_package(library, IMPORTS),
    )


def _compared(we: Asker, them: Asker, instances: int, rounds: int) -> Request:
    sides = requests.profiled({"ours": we, "Nova": them}, instances, rounds)
    return Request(instances=instances, bar=MARKS[instances][0], ours=sides["ours"], nova=sides["Nova"])


def _frozen(we: Asker, frozen: Asker, instances: int, rounds: int) -> Freezing:
    sides = requests.profiled({"plain": we, "frozen": frozen}, instances, rounds)
    return Freezing(instances=instances, plain=sides["plain"], frozen=sides["frozen"])


def _at_once(we: Asker, ours: Service, nova: Nova, postgres: PostgresServer) -> list[Busy]:
    """Return how busy everybody is while as many threads as in the comparison send requests for one instance."""
    pids = {"Placement": we.server.pid, "database": postgres.pid}
    with sides_at_once(we.server, {"ours": ours}, nova, we.consumers, FULL) as (sides, _):
        found: dict[str, list[Busy]] = {name: [] for name in sides}
        for _ in range(1 + AT_ONCE):
            for name, step in sides.items():
                found[name].append(busy(name, step, pids, FULL.at_once))
                we.consumers.give_back()
    return [mean(rounds[1:]) for rounds in found.values()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and keep the profile; 2 when there is no Nova to compare with."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="each request once or twice; nothing is written")
    quick = parser.parse_args(arguments).quick
    try:
        python, library = nova_installed(), library_installed()
    except CannotInstall as error:
        print(f"Nova, or what the library requires, could not be installed: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(filename=FULL.logs / "ours.log", level=logging.WARNING)
    with started(python, FULL.logs / "nova.log") as nova:
        found = profiled(nova, library, QUICK if quick else ROUNDS)
    print(report.tables(found))
    if not quick:
        report.FILE.write_text(text_of(found), encoding="utf-8")
        report.PAGE.write_text(report.page(report.PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
