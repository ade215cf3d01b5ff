"""What whole requests cost on a real Placement: ours, Nova's, and our calls sent bare, in turns.

Figures are by the clock of the wall, as most of the time is the server's.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median

from benchmarks.speed.at_once import sides_at_once
from benchmarks.speed.bare import Bare, Call, sent
from benchmarks.speed.clock import Spent, Step, averaged, cpu, in_turns, wall
from benchmarks.speed.nova import Nova
from benchmarks.speed.plan import Plan
from benchmarks.speed.report import Row
from benchmarks.speed.service import Service, calls_of, service
from benchmarks.speed.stage import PATIENCE, Consumers, placement
from benchmarks.speed.wire import Wire
from placement_client.testing import PlacementServer
from scheduler.randomness import RandomStream

Kept = dict[str, list[Spent]]
WINDOW_MS = 1000
TIMES = {1: 5, 10: 3, 100: 1}
"""Requests of a round, by their size: the server collects its garbage in about half of the short ones."""
MARKS = {1: (1.8, 2.2), 10: (5, 6), 100: (7, 9)}
OWN = "What a request takes beside waiting for the server, less what the same calls sent bare in the same round do."
SHARED = f"With [scheduler] candidate_window_ms = {WINDOW_MS}: like requests share one answer, which is off by default."


class EndToEnd:
    """Measures, and keeps the rows and every measurement."""

    def __init__(self, nova: Nova, plan: Plan) -> None:
        self._nova = nova
        self._plan = plan
        self._chance = RandomStream(b"speed")
        self.rows: list[Row] = []
        self.samples: dict[str, tuple[float, ...]] = {}

    def run(self) -> None:
        """Start the server and measure everything on it."""
        with placement(self._plan.hosts) as server, service(server) as ours:
            self._nova.do("load", size=self._plan.hosts)
            self._nova.do("connect", url=server.url, cafile=str(server.cafile))
            consumers = Consumers(server.client(**PATIENCE))
            requests = {batch: self._request(server, ours, consumers, batch) for batch in self._plan.requests}
            self.rows = [_compared(batch, kept) for batch, kept in requests.items()]
            self.rows += _own(requests[1])
            self.rows += self._throughput(server, ours, consumers)

    def _request(self, server: PlacementServer, ours: Service, consumers: Consumers, batch: int) -> Kept:
        calls, wire = calls_of(server, consumers.new(1), consumers.new(batch)), Wire()
        consumers.give_back()
        with Bare(server, wire) as bare:
            sides: dict[str, Step] = {
                "ours": lambda: ours.select(consumers.new(batch)),
                "bare": partial(sent, [bare], calls, consumers, 1, wire),
                "Nova": lambda: self._nova.do("select", instances=list(map(str, consumers.new(batch)))),
            }
            rounds = self._plan.batch_rounds if batch >= 100 else self._plan.rounds
            several = {name: averaged(step, TIMES[batch]) for name, step in sides.items()}
            return self._measure(f"request for {batch}", several, rounds, partial(self._end, server, consumers, calls))

    def _throughput(self, server: PlacementServer, ours: Service, consumers: Consumers) -> list[Row]:
        count, threads = self._plan.at_once, self._plan.threads
        with service(server, window_ms=WINDOW_MS) as sharing:
            schedulers = {"ours": ours, "sharing": sharing}
            with sides_at_once(server, schedulers, self._nova, consumers, self._plan) as (sides, calls):
                between = partial(self._end, server, consumers, calls)
                kept = self._measure(f"{count} requests at once", sides, self._plan.batch_rounds, between)
        return _rates(kept, count, threads)

    def _end(self, server: PlacementServer, consumers: Consumers, calls: Sequence[Call]) -> None:
        """End a round: give back what was claimed, and ask some more, so that nobody keeps step with the server."""
        consumers.give_back()
        for _ in range(self._chance.below(3)):
            with Bare(server) as bare:
                bare.send(calls[:1])

    def _mixed(self, names: list[str]) -> list[str]:
        return [names[number] for number in self._chance.permutation(len(names))]

    def _measure(self, what: str, sides: Mapping[str, Step], rounds: int, between: Callable[[], None]) -> Kept:
        kept = in_turns(sides, rounds, order=self._mixed, between=between)
        self.samples |= {f"{what}, {side}": tuple(round(one.wall_ms, 3) for one in of) for side, of in kept.items()}
        print(what, {side: round(wall(of), 1) for side, of in kept.items()}, flush=True)
        return kept


def _rates(kept: Kept, count: int, threads: int) -> list[Row]:
    """Return how many requests a second that is, beside Nova's, and as a share of those sent bare."""
    rates = {name: 1000 * count / wall(found) for name, found in kept.items()}
    what, share = f"requests a second, {threads} threads", 100 * rates["ours"] / rates["bare"]
    return [
        Row(what=what, unit="/s", ours=rates["ours"], other=rates["Nova"], rate=True, bar=3),
        Row(what=f"{what}, of bare calls", unit="%", ours=share, kind="at least", bar=90, aim=95),
        Row(
            what=f"{what}, sharing answers",
            unit="/s",
            ours=rates["sharing"],
            other=rates["Nova"],
            rate=True,
            bar=None,
            note=SHARED,
        ),
    ]


def _compared(batch: int, kept: Kept) -> Row:
    bar, aim = MARKS[batch]
    what = f"request for {batch} on PostgreSQL"
    return Row(what=what, unit="ms", ours=wall(kept["ours"]), other=wall(kept["Nova"]), bar=bar, aim=aim)


def _own(kept: Kept) -> list[Row]:
    """Return our own time in a request for one instance: round by round, what the same calls alone do not take."""
    pairs = list(zip(kept["ours"], kept["bare"], strict=True))
    own = median(ours.own_ms - bare.own_ms for ours, bare in pairs)
    busy = median(ours.cpu_ms - bare.cpu_ms for ours, bare in pairs)
    longer = median(ours.wall_ms - bare.wall_ms for ours, bare in pairs)
    calls = wall(kept["bare"])
    note = (
        f"{OWN} By the clock of the wall, whatever the server did meanwhile, the calls take {calls:.0f} ms and the "
        f"request {longer:.1f} ms longer; {busy:.1f} ms of that is processor time, of which Nova's process spends "
        f"{cpu(kept['Nova']):.0f} ms."
    )
    what, share = "own time in a request for 1", 100 * own / (own + calls)
    return [
        Row(what=f"{what}, share", unit="%", ours=share, kind="at most", bar=10, aim=5, note=note),
        Row(what=what, unit="ms", ours=own, kind="at most", bar=8),
    ]
