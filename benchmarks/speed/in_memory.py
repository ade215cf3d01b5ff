"""What deciding costs in memory: ranking, batches, and making hosts of an answer, ours and Nova's in turns.

Figures are of processor time, which other processes on the machine do not lengthen much.
"""

from collections.abc import Iterator, Sequence

from benchmarks.speed.clock import Spent, cpu, in_turns
from benchmarks.speed.nova import Nova
from benchmarks.speed.ours import Ours
from benchmarks.speed.plan import Plan
from benchmarks.speed.report import Point, Row

Kept = dict[str, list[Spent]]
RANK = {100: (20, 40), 1_000: (100, 300), 10_000: (200, 600)}
BATCH = {1_000: (300, 600), 10_000: (1_000, 3_000)}
ORDER = ("rank", "batch", "answer")
ONCE = "Nova's takes minutes, so that both were run once."


class InMemory:
    """Measures, and keeps the rows, the points of the plot, and every measurement."""

    def __init__(self, nova: Nova, plan: Plan) -> None:
        self._nova = nova
        self._plan = plan
        self.rows: list[Row] = []
        self.points: list[Point] = []
        self.samples: dict[str, tuple[float, ...]] = {}

    def run(self) -> None:
        """Measure everything, one number of hosts after the other."""
        found = [row for size in self._plan.ranks for row in self._at(size)]
        found += [row for size in self._plan.ours_only for row in self._alone(size)]
        self.rows = sorted(found, key=lambda row: ORDER.index(row.what.partition(" ")[0]))

    def _at(self, size: int) -> Iterator[Row]:
        ours = Ours(size)
        self._nova.do("load", size=size)
        yield self._rank(ours, size)
        if size in self._plan.batches:
            yield self._batch(ours, size, self._plan.batch_rounds)
        if size in self._plan.once:
            yield self._batch(ours, size, rounds=1, note=ONCE)
        if size == self._plan.hosts:
            yield self._answer(ours, size)

    def _rank(self, ours: Ours, size: int) -> Row:
        what, rounds = f"rank {size:,} hosts", self._plan.rounds
        kept = self._keep(what, in_turns({"ours": ours.rank, "Nova": lambda: self._nova.do("rank")}, rounds))
        self.points.append(Point(size, cpu(kept["ours"]), cpu(kept["Nova"])))
        return _compared(what, kept, RANK[size])

    def _batch(self, ours: Ours, size: int, rounds: int, note: str = "") -> Row:
        batch = self._plan.batch
        what = f"batch of {batch} in memory, {size:,} hosts"
        ours.schedule(batch)  # warm
        sides = {
            "ours": lambda: ours.schedule(batch),
            "Nova": lambda: self._nova.do("schedule", count=batch),
        }
        kept = self._keep(what, in_turns(sides, rounds, warm=0))
        return _compared(what, kept, BATCH[size], note)

    def _answer(self, ours: Ours, size: int) -> Row:
        what = f"answer of {size:,} candidates ({len(ours.body) // 1000} KB) to hosts"
        sides = {"ours": ours.tables, "Nova": lambda: self._nova.do("states")}
        kept = self._keep(what, in_turns(sides, self._plan.rounds))
        return _compared(what, kept, (5, 10), "Nova decodes JSON and makes its host states.")

    def _alone(self, size: int) -> Iterator[Row]:
        """Measure us where Nova is not asked."""
        ours, batch = Ours(size), self._plan.batch
        sides = {"rank": ours.rank, "batch": lambda: ours.schedule(batch)}
        kept = self._keep(f"{size:,} hosts", in_turns(sides, self._plan.batch_rounds))
        self.points.append(Point(size, cpu(kept["rank"])))
        yield Row(what=f"rank {size:,} hosts", unit="ms", ours=cpu(kept["rank"]), kind="at most", bar=60, aim=25)
        what = f"batch of {batch} in memory, {size:,} hosts"
        yield Row(what=what, unit="ms", ours=cpu(kept["batch"]), kind="at most", bar=1000, aim=300)

    def _keep(self, what: str, kept: Kept) -> Kept:
        self.samples |= {f"{what}, {side}": _cpu_ms(spent) for side, spent in kept.items()}
        print(what, {side: round(cpu(spent), 3) for side, spent in kept.items()}, flush=True)
        return kept


def _cpu_ms(kept: Sequence[Spent]) -> tuple[float, ...]:
    return tuple(round(one.cpu_ms, 3) for one in kept)


def _compared(what: str, kept: Kept, marks: tuple[float, float], note: str = "") -> Row:
    bar, aim = marks
    return Row(what=what, unit="ms", ours=cpu(kept["ours"]), other=cpu(kept["Nova"]), bar=bar, aim=aim, note=note)
