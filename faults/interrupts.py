"""Asynchronous exceptions at every bytecode boundary of reserve, confirm and release, then settling, then counting.

A signal handler, a debugger or a full memory can raise at any of them. The request runs against the mock Placement,
whose answers one suite proves to be those of the real one; nothing of the server is ever interrupted. Scopes: "calls"
are the moments at which CPython looks for signals, in the code of claims, flow and client; "bytecodes" is between any
two bytecodes of that code, also where CPython never looks; "libraries" is that and the libraries it calls.

With the journal in memory, where a run is short, every boundary is tried; with SQLite every call and a share of others.
"""

import gc
import signal
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from types import FrameType
from uuid import UUID, uuid4

from oslo_config import cfg

from faults.fleet import SPEC, context_of, dealt, set_up, settings, spread, wrongs
from faults.fuse import BytecodeFuse, InterruptFuse, everywhere, in_protocol
from faults.report import Failure, Options, Report, Row, again
from placement_client.clock import SYSTEM_CLOCK, Deadline
from placement_client.testing import MockPlacement
from scheduler import ClaimInDoubt, FilterScheduler, SchedulerError, build, load_config

ERRORS: dict[str, type[BaseException]] = {
    error.__name__: error for error in (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError)
}
JOURNALS = ("memory", "sqlite")
Fuse = InterruptFuse | BytecodeFuse
SCOPES: dict[str, Callable[[int, Callable[[], None]], Fuse]] = {
    "calls": lambda at, blow: InterruptFuse(at, blow, in_protocol),
    "bytecodes": lambda at, blow: BytecodeFuse(at, blow, in_protocol),
    "libraries": lambda at, blow: BytecodeFuse(at, blow, everywhere),
}
QUICK = {"calls": 160, "bytecodes": 160, "libraries": 40}
LIBRARIES = 1_500  # so many of their boundaries are tried in the long run, evenly spread
SQLITE_STRIDES = {"calls": 3, "bytecodes": 10}  # with SQLite one in so many is tried; the seed says which
BATCH = 2
BLOCK = 100  # runs on one mock
HANGS_S = 30.0
SETTLES_S = 10.0


@dataclass(frozen=True, slots=True)
class Point:
    """Where what is raised: before bytecode ``number`` of a scope; 0 is never, to count them."""

    journal: str
    act: str
    scope: str
    error: str
    number: int

    def __str__(self) -> str:
        return f"{self.journal}:{self.act}:{self.scope}:{self.error}:{self.number}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one run; ``count`` is how many boundaries were passed, ``line`` where it was raised."""

    point: Point
    count: int
    line: str
    ending: str
    outcome: str
    wrongs: tuple[str, ...]


class Hung(BaseException):
    """A run that does not end."""


def run(options: Options) -> Report:
    """Raise at every boundary (all of them in the long run, some in the quick one) and count what is left."""
    started = SYSTEM_CLOCK.monotonic()
    points = [_point(options.only)] if options.only else _points(options)
    results = [result for share in spread(_struck_all, dealt(points)) for result in share]
    reached = [result for result in results if result.line]
    failures = [_failure(result, options) for result in results if result.wrongs]
    return Report("interrupts", len(reached), failures, _rows(reached), SYSTEM_CLOCK.monotonic() - started)


def _point(address: str) -> Point:
    journal, act, scope, error, number = address.split(":")
    return Point(journal, act, scope, error, int(number))


def _points(options: Options) -> list[Point]:
    """Count the boundaries first, then choose among them."""
    silent = [Point(journal, act, scope, "none", 0) for journal, act, scope in product(JOURNALS, ACTS, SCOPES)]
    counted = [result for share in spread(_struck_all, dealt([*silent, *silent])) for result in share]
    counts = {result.point: result.count for result in counted}  # of the second time, when nothing is loaded any more
    return [point for one, count in counts.items() for point in _chosen(one, count, options)]


def _chosen(one: Point, count: int, options: Options) -> Iterator[Point]:
    """Yield the points of one kind: in the long run every call and every bytecode, each with one of the errors.

    With SQLite, and in shorter runs, evenly spread ones. The seed moves them, and which error meets which boundary.
    """
    names, stride = list(ERRORS), _stride(one, count, options)
    for index, at in enumerate(range(1 + options.seed % stride, count + 1, stride), start=options.seed):
        yield replace(one, error=names[index % len(names)], number=at)


def _stride(one: Point, count: int, options: Options) -> int:
    """Return how far apart the boundaries are that are tried."""
    kinds = len(JOURNALS) * len(ACTS)
    if options.count:
        return _every(count, options.count // (kinds * len(SCOPES)))
    if options.quick:
        return _every(count, QUICK[one.scope] // kinds)
    if one.scope == "libraries":
        return _every(count, LIBRARIES // kinds)
    return 1 if one.journal == "memory" else SQLITE_STRIDES[one.scope]


def _every(count: int, wanted: int) -> int:
    return max(1, count // max(1, wanted))


# One lane


def _struck_all(points: Sequence[Point]) -> list[Result]:
    """Try these points one after the other, on a mock that is replaced before it gets slow."""
    signal.signal(signal.SIGALRM, _raise_hung)
    results: list[Result] = []
    while len(results) < len(points):
        with tempfile.TemporaryDirectory() as directory:
            results += _struck_on(Ground(Path(directory)), points[len(results) : len(results) + BLOCK])
    return results


def _struck_on(ground: "Ground", points: Sequence[Point]) -> Iterator[Result]:
    """Yield results until one is wrong: what is left of it shall not count for others."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()  # what is there by now is never garbage: each run collects only its own
    for point in points:
        result = ground.strike(point)
        yield result
        if result.wrongs:
            return


class Ground:
    """A mock Placement, and schedulers on it, each built for one run."""

    def __init__(self, directory: Path) -> None:
        self._mock = MockPlacement()
        self._fleet = set_up(self._mock.client(), 2, vcpus=100_000)
        urls = {"memory": "memory://", "sqlite": f"sqlite:///{directory}/journal/journal.sqlite"}
        self._confs = {name: self._conf(directory / f"{name}.ini", url) for name, url in urls.items()}

    def strike(self, point: Point) -> Result:
        """Raise at one boundary of one request, settle what is left of it, and count."""
        request_id, instances = f"req-{uuid4()}", [uuid4() for _ in range(BATCH)]
        fuse = SCOPES[point.scope](point.number, partial(_blow, point.error))
        ending, outcome, found = "hung", "unknown", ["it hung"]
        try:
            with _alarm(), _collected() as swallowed, _watched() as died:
                scheduler = build(self._confs[point.journal], http_adapter=self._mock.faults)
                ending = _ended(fuse, lambda: ACTS[point.act](scheduler, request_id, instances))
                gc.collect()  # an exception and the frames it passed hold each other, and with them the request
                found = _never_given_up(scheduler)
                outcome = self._recovered(scheduler, point.journal, request_id)
            found += wrongs(self._fleet, instances, outcome) + _lies(ending, outcome, point.act) + died
            ending = "swallowed" if swallowed and not ending else ending
        except Hung:
            found = ["it hung"]
        except Exception as error:  # noqa: BLE001 - a recovery that raises is a finding, not the end of the proof
            found = [f"recovering raised {type(error).__name__}"]
        return Result(point, fuse.count, fuse.line, ending, outcome, tuple(found))

    def _recovered(self, scheduler: FilterScheduler, journal: str, request_id: str) -> str:
        """Close the scheduler, let a new one recover what is left, and return the verdict of the journal."""
        scheduler.close()
        if journal == "memory":
            return _settled(scheduler).outcome(request_id)
        with build(self._confs[journal], http_adapter=self._mock.faults) as survivor:
            return _settled(survivor).outcome(request_id)

    def _conf(self, file: Path, journal: str) -> cfg.ConfigOpts:
        file.write_text(
            settings(self._mock.ini(), {"connection": journal}, "node", quarantine="0.003", drain_timeout="0.5")
        )
        return load_config(str(file))


def confirm(scheduler: FilterScheduler, request_id: str, instances: list[UUID]) -> None:
    """Reserve and confirm."""
    scheduler.select_destinations(context_of(request_id), SPEC, instances)


def release(scheduler: FilterScheduler, request_id: str, instances: list[UUID]) -> None:
    """Reserve and give back."""
    with scheduler.reserve(context_of(request_id), SPEC, instances):
        pass


ACTS: dict[str, Callable[[FilterScheduler, str, list[UUID]], None]] = {"confirm": confirm, "release": release}


def _ended(fuse: Fuse, act: Callable[[], None]) -> str:
    """Return the name of what the act raised, "" when it returned."""
    try:
        with fuse:
            act()
    except Hung:
        raise
    except SchedulerError as error:
        return "in doubt" if isinstance(error, ClaimInDoubt) else "error of ours"
    except BaseException as error:  # noqa: BLE001 - it is what this run is about
        return type(error).__name__
    return ""


def _never_given_up(scheduler: FilterScheduler) -> list[str]:
    """Tell whether a claim stays open although its request is over, so that only the end of the process frees it."""
    return ["the claim stays open until the scheduler is closed"] if scheduler.figures().open else []


def _lies(ending: str, outcome: str, act: str) -> list[str]:
    """Compare what the caller was told with the verdict; an interrupt tells nothing."""
    if ending == "error of ours" and outcome == "committed":
        return ["the caller was told that it failed, but it is committed"]
    if not ending and act == "confirm" and outcome != "committed":
        return [f"the caller got selections, but it is {outcome}"]
    return []


def _settled(scheduler: FilterScheduler) -> FilterScheduler:
    """Settle until nothing is left or the time is up, in which case the count will tell."""
    deadline = Deadline.after(SETTLES_S)
    while any(_left(scheduler)) and not deadline.expired():
        pause = scheduler.settle()
        SYSTEM_CLOCK.sleep(min(0.01, pause or 0.001))
    return scheduler


def _left(scheduler: FilterScheduler) -> tuple[int, ...]:
    figures = scheduler.figures()
    return figures.open, figures.in_doubt, figures.releasing


def _blow(name: str) -> None:
    raise ERRORS[name]


@contextmanager
def _collected() -> Iterator[list[str]]:
    """Collect the names of exceptions that Python can only report, as those in finalizers."""
    swallowed: list[str] = []
    before = sys.unraisablehook
    sys.unraisablehook = lambda raised: swallowed.append(raised.exc_type.__name__)
    try:
        yield swallowed
    finally:
        sys.unraisablehook = before


@contextmanager
def _watched() -> Iterator[list[str]]:
    """Collect what threads end with that nobody joins, the one that settles in the background above all."""
    died: list[str] = []
    before = threading.excepthook
    threading.excepthook = lambda raised: died.append(f"a thread ended with {raised.exc_type.__name__}")
    try:
        yield died
    finally:
        threading.excepthook = before


@contextmanager
def _alarm() -> Iterator[None]:
    """Raise Hung in the main thread when the block takes too long."""
    signal.setitimer(signal.ITIMER_REAL, HANGS_S, 1.0)  # again, should it be swallowed
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def _raise_hung(number: int, frame: FrameType | None) -> None:
    raise Hung


# What is shown


def _failure(result: Result, options: Options) -> Failure:
    what = f"{result.point} in {result.line or 'no line'} ({result.ending or 'returned'}): {'; '.join(result.wrongs)}"
    return Failure(what, again("interrupts", options, str(result.point)))


def _rows(results: Sequence[Result]) -> list[Row]:
    groups: dict[tuple[str, str, str, str], list[Result]] = {}
    for result in results:
        point = result.point
        groups.setdefault((point.journal, point.act, point.scope, point.error), []).append(result)
    return [_row(group, found) for group, found in sorted(groups.items())]


def _row(group: tuple[str, str, str, str], found: Sequence[Result]) -> Row:
    journal, act, scope, error = group
    endings, outcomes = Counter(one.ending for one in found), Counter(one.outcome for one in found)
    return {
        "journal": journal,
        "act": act,
        "scope": scope,
        "raised": error,
        "boundaries": len(found),
        "passed on": endings[error],
        "in a finalizer": endings["swallowed"],
        "committed": outcomes["committed"],
        "aborted": outcomes["aborted"],
        "before the claim": outcomes["unknown"],
        "wrong": sum(bool(one.wrongs) for one in found),
    }
