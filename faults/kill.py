"""kill -9 of a real process at every write, send and receive, and at random bytecodes; then recovery.

Each process is forked from one that has loaded everything but opened nothing. It builds a scheduler as a service
would, serves one request through the public face against a real Placement over TLS, and kills itself at the chosen
boundary; the next process of the node recovers, and sometimes is killed at that as well. Then Placement is counted.
"""

import contextlib
import json
import os
import select
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import NoReturn
from uuid import UUID, uuid4

from faults.fleet import LANES, SPEC, Fleet, context_of, dealt, reservations, set_up, settings, spread, wrongs
from faults.fuse import FILE_CALLS, JOURNAL_CALLS, JOURNAL_METHODS, SOCKET_CALLS, BytecodeFuse, CallFuse, in_project
from faults.report import Failure, Options, Report, Row, again
from placement_client.clock import SYSTEM_CLOCK, Deadline
from placement_client.testing import PlacementServer, PostgresServer
from scheduler import FilterScheduler, build, load_config
from scheduler.randomness import RandomStream

JOURNALS = ("sqlite", "postgresql")
BATCH = 2
KILLS, QUICK_KILLS = 5_000, 40
RECOVERY_TOO = 4  # one in so many random kills is followed by one in the recovery
FRESH_JOURNAL = 16  # one in so many runs begins with no journal at all
HANGS_S = 60.0
SETTLES_S = 20.0
NOT_KILLED = 0

Fuse = BytecodeFuse | CallFuse


@dataclass(frozen=True, slots=True)
class Point:
    """Where a process is killed: at boundary ``number`` of a kind, and at which bytecode of recovery; 0 is never.

    ``fresh`` runs begin with no journal at all, where it is a file.
    """

    journal: str
    act: str
    at: str
    number: int
    recovery: int = 0
    fresh: bool = False

    def __str__(self) -> str:
        return f"{self.journal}:{self.act}:{self.at}:{self.number}:{self.recovery}:{'new' if self.fresh else 'used'}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one run: how many processes were killed, and the verdict; ``count`` is of boundaries passed."""

    point: Point
    killed: int
    outcome: str
    wrongs: tuple[str, ...]
    count: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """What one lane does. ``postgresql`` is the URL of its journal there."""

    name: str
    points: Sequence[Point]
    postgresql: str


def run(options: Options) -> Report:
    """Kill at every write, send and receive, and at as many random bytecodes as make up the wanted number."""
    started = SYSTEM_CLOCK.monotonic()
    with PostgresServer(durable=False) as postgres:
        points = [_point(options.only)] if options.only else _points(options, postgres)
        results = _lanes("lane", points, postgres)
    killed = [result for result in results if result.killed]
    failures = [_failure(result, options) for result in results if result.wrongs]
    notes = [f"{sum(result.killed for result in results)} processes were killed"]
    return Report("kill", len(killed), failures, _rows(killed), SYSTEM_CLOCK.monotonic() - started, notes)


def _lanes(name: str, points: Sequence[Point], postgres: PostgresServer) -> list[Result]:
    shares = [
        Share(f"{name}{hand}", hand_points, postgres.create_database(f"{name}{hand}"))
        for hand, hand_points in enumerate(dealt(points, min(LANES, len(points))))
    ]
    return [result for share in spread(_killed_all, shares) for result in share]


def _point(address: str) -> Point:
    journal, act, at, number, recovery, age = address.split(":")
    return Point(journal, act, at, int(number), int(recovery), age == "new")


def _points(options: Options, postgres: PostgresServer) -> list[Point]:
    """Count the boundaries first; then take every one of calls, and random ones of bytecodes.

    A quick run takes calls evenly spread; the seed moves them.
    """
    silent = [Point(*kind, number=0) for kind in product(JOURNALS, ACTS, FUSES) if kind[2] != "file"]
    silent.append(Point("sqlite", "confirm", "file", 0, fresh=True))
    counts = {result.point: result.count for result in _lanes("count", silent, postgres)}
    calls = [replace(one, number=number) for one in silent for number in _numbers(one, counts[one])]
    wanted = options.count or (QUICK_KILLS if options.quick else KILLS)
    if len(calls) > wanted // 2 and (options.quick or options.count):
        stride = -(-2 * len(calls) // wanted)
        calls = calls[options.seed % stride :: stride]
    stream = RandomStream(str(options.seed).encode().rjust(32, b"0"), "kill")
    bytecodes = [one for one in silent if one.at == "bytecode"]
    drawn = [_drawn(bytecodes[index % len(bytecodes)], counts, stream) for index in range(max(0, wanted - len(calls)))]
    return [replace(one, fresh=one.fresh or not index % FRESH_JOURNAL) for index, one in enumerate([*calls, *drawn])]


def _numbers(one: Point, count: int) -> range:
    return range(1, count + 1) if one.at != "bytecode" else range(0)


def _drawn(one: Point, counts: dict[Point, int], stream: RandomStream) -> Point:
    number = 1 + stream.below(counts[one])
    recovery = 1 + stream.below(counts[one]) if stream.below(RECOVERY_TOO) == 0 else 0
    return replace(one, number=number, recovery=recovery)


# One lane


def _killed_all(share: Share) -> list[Result]:
    """Kill at these points one after the other, with a Placement and journals of this lane alone."""
    with PlacementServer() as server, tempfile.TemporaryDirectory() as directory:
        lane = Lane(server, Path(directory), share)
        return [lane.kill(point) for point in share.points]


class Lane:
    """Forks processes that serve or recover, and counts afterwards. It never opens a journal or starts a thread."""

    def __init__(self, server: PlacementServer, directory: Path, share: Share) -> None:
        self._server = server
        self._directory = directory
        self._share = share
        self._fleet: Fleet = set_up(server.client(), 2, vcpus=100_000)
        self._journals = 0
        self._known = 0  # reservations left by runs that were found wrong, which shall not count for others
        _forked(partial(_recover, self._ini("sqlite", fresh=True), NOT_KILLED, ""))

    def kill(self, point: Point) -> Result:
        """Kill one process, recover in the next one (or the one after), count."""
        ini = self._ini(point.journal, fresh=point.fresh)
        request_id, instances = f"req-{uuid4()}", [uuid4() for _ in range(BATCH)]
        first = _forked(partial(_serve, ini, point, request_id, instances))
        second = _forked(partial(_recover, ini, point.recovery, request_id))
        last = _forked(partial(_recover, ini, NOT_KILLED, request_id)) if second.killed else second
        told, verdict = json.loads(first.said or "{}"), json.loads(last.said or "{}")
        outcome = verdict.get("outcome", "not recovered")
        found = [*first.problems, *last.problems, *_lies(told, outcome, point.act)]
        found += wrongs(self._fleet, instances, outcome, known=self._known)
        self._known = reservations(self._fleet.client) if found else self._known
        return Result(point, first.killed + second.killed, outcome, tuple(found), told.get("count", 0))

    def _ini(self, journal: str, *, fresh: bool) -> Path:
        if fresh:
            self._journals += 1
        sqlite = f"sqlite:///{self._directory}/journal{self._journals}/journal.sqlite"
        url = sqlite if journal == "sqlite" else self._share.postgresql
        ini = self._directory / "scheduler.ini"
        ini.write_text(settings(self._server.ini(), {"connection": url}, self._share.name, drain_timeout="5"))
        return ini


def _lies(told: dict[str, object], outcome: str, act: str) -> list[str]:
    """Compare what the killed process said at the end of its request, if it came so far, with the verdict."""
    if told.get("answered") and outcome != ("committed" if act == "confirm" else "aborted"):
        return [f"the request had ended well, but it is {outcome}"]
    return []


# One process


def _serve(ini: Path, point: Point, request_id: str, instances: list[UUID], said: int) -> None:
    """Build a scheduler, serve the request, say so, close."""
    fuse = FUSES[point.at](point.number)
    with fuse, build(load_config(str(ini))) as scheduler:
        ACTS[point.act](scheduler, request_id, instances)
        os.write(said, b'{"answered": true')
    os.write(said, f', "count": {fuse.count}}}'.encode())


def _recover(ini: Path, killed_at: int, request_id: str, said: int) -> None:
    """Build a scheduler, which recovers, wait until nothing is left, and say what became of the request."""
    with FUSES["bytecode"](killed_at) if killed_at else contextlib.nullcontext(), build(load_config(str(ini))) as one:
        deadline = Deadline.after(SETTLES_S)
        while _left(one) and not deadline.expired():
            SYSTEM_CLOCK.sleep(min(0.05, one.settle() or 0.001))
        os.write(said, json.dumps({"outcome": one.outcome(request_id)}).encode())


def _left(scheduler: FilterScheduler) -> int:
    figures = scheduler.figures()
    return figures.open + figures.in_doubt + figures.releasing


def confirm(scheduler: FilterScheduler, request_id: str, instances: list[UUID]) -> None:
    """Reserve and confirm."""
    scheduler.select_destinations(context_of(request_id), SPEC, instances)


def release(scheduler: FilterScheduler, request_id: str, instances: list[UUID]) -> None:
    """Reserve and give back."""
    with scheduler.reserve(context_of(request_id), SPEC, instances):
        pass


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


ACTS: dict[str, Callable[[FilterScheduler, str, list[UUID]], None]] = {"confirm": confirm, "release": release}
FUSES: dict[str, Callable[[int], Fuse]] = {
    "journal": lambda number: CallFuse(number, _die, JOURNAL_CALLS, JOURNAL_METHODS),
    "socket": lambda number: CallFuse(number, _die, SOCKET_CALLS),
    "file": lambda number: CallFuse(number, _die, FILE_CALLS),
    "bytecode": lambda number: BytecodeFuse(number, _die, in_project, all_threads=True),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a forked process ended, and what it said before."""

    killed: bool
    said: str
    problems: tuple[str, ...]


def _forked(work: Callable[[int], None]) -> Ended:
    """Do the work in a fork of this process, given the descriptor to speak to; kill it when it takes too long."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _work_and_exit(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said, hung = _everything(pipe.fileno(), child)
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL and not hung
    failed = not killed and not hung and status != 0
    problems = ["a process hung"] * hung + [f"a process failed: {said[-300:]}"] * failed
    closed = said if not killed or said.endswith("}") or not said else said + "}"
    return Ended(killed, "" if failed or hung else closed, tuple(problems))


def _work_and_exit(work: Callable[[int], None], said: int) -> NoReturn:
    """Never return into the code of the parent, whatever happens."""
    status = 1
    try:
        work(said)
        status = 0
    except BaseException as error:  # noqa: BLE001 - it goes to the parent, which counts it as a failure
        os.write(said, f"{type(error).__name__}: {error}".encode())
    finally:
        os._exit(status)


def _everything(pipe: int, child: int) -> tuple[str, bool]:
    """Read until the process ends; kill it when that takes too long. Whether it did comes second."""
    deadline, said = Deadline.after(HANGS_S), b""
    while select.select([pipe], [], [], deadline.remaining())[0]:
        chunk = os.read(pipe, 65536)
        if not chunk:
            return said.decode(), False
        said += chunk
    os.kill(child, signal.SIGKILL)
    return said.decode(), True


# What is shown


def _failure(result: Result, options: Options) -> Failure:
    return Failure(f"{result.point}: {'; '.join(result.wrongs)}", again("kill", options, str(result.point)))


def _rows(results: Sequence[Result]) -> list[Row]:
    return list(_each_row(results))


def _each_row(results: Sequence[Result]) -> Iterator[Row]:
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.point.journal, result.point.act, result.point.at), []).append(result)
    for (journal, act, at), found in sorted(groups.items()):
        outcomes = Counter(result.outcome for result in found)
        yield {
            "journal": journal,
            "act": act,
            "killed at": at,
            "boundaries": len({result.point.number for result in found}),
            "runs": len(found),
            "killed twice": sum(result.killed == 2 for result in found),
            "committed": outcomes["committed"],
            "aborted": outcomes["aborted"],
            "before the claim": outcomes["unknown"],
            "wrong": sum(bool(result.wrongs) for result in found),
        }
