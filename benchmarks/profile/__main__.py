"""``python -m benchmarks.profile``: where the time goes that requests, ranks and imports take; ours beside Nova's.

Nova comes from PyPI into a virtual environment of its own.
"""

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.profile import imports, own, report, requests
from benchmarks.profile.at_once import Busy, busy, mean
from benchmarks.profile.watched import WatchedServer
from benchmarks.speed.bare import Bare, sent
from benchmarks.speed.clock import Spent, Step, anew
from benchmarks.speed.nova import Nova, started
from benchmarks.speed.plan import FULL
from benchmarks.speed.report import load, machine
from benchmarks.speed.service import Service, calls_of, service
from benchmarks.speed.stage import PATIENCE, Consumers, served
from faults.environments import DIRECTORY, LIBRARY, CannotInstall, installed, library_installed
from placement_client.testing import PostgresServer

ROUNDS = {1: 16, 10: 8, 100: 4}
"""How often requests for so many instances are measured; the server collects its garbage in about half of them."""
REQUESTS = 40
"""How many are profiled by room."""
QUICK = {1: 2, 10: 1}
AT_ONCE = 5
IMPORTS = 7


def profiled(nova: Nova, library: Path, rounds: Mapping[int, int]) -> report.Profile:
    """Measure everything."""
    before = load()
    with PostgresServer() as postgres, served(postgres, FULL.hosts, WatchedServer) as server, service(server) as ours:
        nova.do("load", size=FULL.hosts)
        nova.do("connect", url=server.url, cafile=str(server.cafile))
        consumers = Consumers(server.client(**PATIENCE))
        found = [requests.profiled(server, ours, nova, consumers, *of) for of in rounds.items()]
        at_once = _at_once(server, postgres, ours, nova, consumers)
        rooms = own.of_request(server, consumers, REQUESTS)
    return report.Profile(
        machine=machine(),
        load=(before, load()),
        processors=os.cpu_count() or 1,
        requests=tuple(found),
        at_once=tuple(at_once),
        own=rooms,
        rank=own.of_rank(),
        imports=imports.by_package(library, IMPORTS),
    )


def _at_once(
    server: WatchedServer, postgres: PostgresServer, ours: Service, nova: Nova, consumers: Consumers
) -> list[Busy]:
    """Return how busy everybody is while as many threads as in the comparison send requests for one instance."""
    count, threads = FULL.at_once, FULL.threads
    calls = calls_of(server, consumers.new(1), consumers.new(1))
    pids = {"Placement": server.pid, "database": postgres.pid}

    def theirs() -> Spent:
        return nova.do("select_each", instances=list(map(str, consumers.new(count))), threads=threads)

    with ExitStack() as stack:
        lanes = [stack.enter_context(Bare(server)) for _ in range(threads)]
        sides: Mapping[str, Step] = {
            "ours": anew([ours], lambda: ours.select_each(consumers.new(count), threads)),
            "bare": anew(lanes, lambda: sent(lanes, calls, consumers, count)),
            "Nova": anew([nova], theirs),
        }
        found: dict[str, list[Busy]] = {name: [] for name in sides}
        for _ in range(1 + AT_ONCE):
            for name, step in sides.items():
                found[name].append(busy(name, step, pids, count))
                consumers.give_back()
    return [mean(rounds[1:]) for rounds in found.values()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and keep the profile; 2 when there is no Nova to compare with."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="each request once or twice; nothing is written")
    quick = parser.parse_args(arguments).quick
    try:
        python, library = installed(DIRECTORY), library_installed(LIBRARY)
    except CannotInstall as error:
        print(f"Nova, or what the library requires, could not be installed: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(filename=FULL.logs / "ours.log", level=logging.WARNING)
    with started(python, FULL.logs / "nova.log") as nova:
        found = profiled(nova, library, QUICK if quick else ROUNDS)
    print(report.tables(found))
    if not quick:
        report.FILE.write_text(report.text_of(found), encoding="utf-8")
        report.PAGE.write_text(report.page(report.PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
