"""Where the time of a request goes, ours and Nova's: what Placement does for each call, and what is left."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import fmean

import msgspec

from benchmarks.profile.watched import Answered, WatchedServer
from benchmarks.speed.clock import Spent, in_turns
from benchmarks.speed.end_to_end import MARKS
from benchmarks.speed.nova import Nova
from benchmarks.speed.service import Service
from benchmarks.speed.stage import Consumers

WRITES = ("reserve", "confirm")
PARTS = ("whole", "database", "garbage")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of call in a request: how often it is sent, and what that takes in Placement, means over the rounds."""

    what: str
    times: float
    statements: float
    whole: float
    database: float
    garbage: float


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """A request of one side by the clock of the wall, mean over the rounds, and its calls."""

    name: str
    wall: float
    calls: tuple[Call, ...]

    @property
    def placement(self) -> float:
        """Return the milliseconds in Placement."""
        return sum(call.whole for call in self.calls)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Requests for so many instances, ours and Nova's; ``bar`` is how many times as fast ours has to be."""

    instances: int
    bar: float
    ours: Side
    nova: Side

    @property
    def allowed(self) -> float:
        """Return the milliseconds that a request may take to reach the bar."""
        return self.nova.wall / self.bar


def profiled(
    server: WatchedServer, ours: Service, nova: Nova, consumers: Consumers, instances: int, rounds: int
) -> Request:
    """Let both sides place as many instances in turns."""
    calls: dict[str, list[list[Answered]]] = {"ours": [], "Nova": []}

    def step(name: str, select: Callable[[], Spent]) -> Callable[[], Spent]:
        def stepped() -> Spent:
            server.calls()
            spent = select()
            calls[name].append(server.calls())
            return spent

        return stepped

    sides = {
        "ours": step("ours", lambda: ours.select(consumers.new(instances))),
        "Nova": step("Nova", lambda: nova.do("select", instances=list(map(str, consumers.new(instances))))),
    }
    kept = in_turns(sides, rounds, between=consumers.give_back)
    found = {name: _side(name, kept[name], calls[name][-rounds:]) for name in sides}
    return Request(instances=instances, bar=MARKS[instances][0], ours=found["ours"], nova=found["Nova"])


def _side(name: str, spent: Sequence[Spent], rounds: Sequence[Sequence[Answered]]) -> Side:
    named = [pair for calls in rounds for pair in named_calls(calls)]
    kinds = dict.fromkeys(what for what, _ in named)
    calls = [_call(what, [call for kind, call in named if kind == what], len(rounds)) for what in kinds]
    return Side(name=name, wall=fmean(one.wall_ms for one in spent), calls=tuple(calls))


def named_calls(calls: Iterable[Answered]) -> Iterator[tuple[str, Answered]]:
    """Yield the calls of a request with what they are for: the first ``POST`` reserves, the second confirms."""
    posts = iter(WRITES)
    for call in calls:
        what = f"{call.method} /{call.path.split('/')[1]}"
        yield (f"{what}, {next(posts)}" if call.method == "POST" else what), call


def _call(what: str, calls: Sequence[Answered], rounds: int) -> Call:
    ms = Counter[str]()
    for call in calls:
        ms.update(call.ms)
    statements = sum(sum(call.statements.values()) for call in calls)
    parts = {part: ms[part] / rounds for part in PARTS}
    return Call(what=what, times=len(calls) / rounds, statements=statements / rounds, **parts)
