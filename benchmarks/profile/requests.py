"""Where the time of a request goes, ours and Nova's: what Placement does for each call, and what is left."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from uuid import UUID

import msgspec

from benchmarks.profile.watched import Answered, WatchedServer
from benchmarks.speed.clock import Spent, in_turns
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


class Freezing(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of ours on a Placement as it comes, and on one that never looks for garbage among what it loaded."""

    instances: int
    plain: Side
    frozen: Side


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody who places instances, by a Placement with a stop watch in it."""

    server: WatchedServer
    select: Callable[[Sequence[UUID]], Spent]
    consumers: Consumers

    def place(self, instances: int, answered: list[list[Answered]]) -> Spent:
        """Place so many instances, and put down the calls that were answered for it."""
        wanted = self.consumers.new(instances)
        self.server.calls()
        spent = self.select(wanted)
        answered.append(self.server.calls())
        return spent


def profiled(askers: Mapping[str, Asker], instances: int, rounds: int) -> dict[str, Side]:
    """Let everybody place as many instances in turns."""
    answered: dict[str, list[list[Answered]]] = {name: [] for name in askers}
    steps = {name: partial(one.place, instances, answered[name]) for name, one in askers.items()}

    def give_back() -> None:
        for one in askers.values():
            one.consumers.give_back()

    kept = in_turns(steps, rounds, between=give_back)
    return {name: _side(name, kept[name], answered[name][-rounds:]) for name in askers}


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
