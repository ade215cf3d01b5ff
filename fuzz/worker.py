"""One process, one target: judges inputs until there were enough, and writes what it found."""

import importlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from fuzz.dice import Dice
from fuzz.mutate import mutate
from fuzz.target import Finding, Target, judge
from fuzz.watch import Watch

REPORT = "report.json"
BLACK_BOX = "input"


class Job(msgspec.Struct, frozen=True):
    """So many inputs for one target from one engine: "plain", "guided" or "hypothesised"."""

    target: str
    engine: str
    inputs: int
    seed: int

    @property
    def name(self) -> str:
        """Return the name of the job's folder."""
        return f"{self.target}-{self.engine}"


class Done(msgspec.Struct, frozen=True):
    """What a job did: inputs judged, findings as (what, input), and the seconds it took."""

    job: Job
    inputs: int
    findings: list[tuple[str, bytes]]
    seconds: float
    edges: int = 0


@dataclass
class Tally:
    """Counts the inputs of a job and keeps one input for each kind of finding, the shortest."""

    job: Job
    target: Target
    watch: Watch
    folder: Path
    inputs: int = 0
    found: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    def judge(self, data: bytes) -> None:
        """Judge one more input."""
        self.inputs += 1
        what = judge(self.target, data, self.watch)
        if what:
            kind = what.partition(": ")[0]
            self.found[kind] = min(self.found.get(kind, (what, data)), (what, data), key=lambda one: len(one[1]))

    def is_done(self) -> bool:
        """Tell whether there were as many inputs as the job asks for."""
        return self.inputs >= self.job.inputs

    def write(self) -> None:
        """Write what was done into the job's folder."""
        done = Done(self.job, self.inputs, list(self.found.values()), time.perf_counter() - self.started)
        (self.folder / REPORT).write_bytes(msgspec.json.encode(done))


Engine = Callable[[Tally], None]


def work(job: Job, folder: Path, targets: Callable[[Path], dict[str, Target]]) -> None:
    """Do one job in this process; what it found is in ``folder`` afterwards. ``targets`` imports them."""
    files = folder / "files"
    files.mkdir(exist_ok=True)
    with suppress(FileNotFoundError):
        (folder / REPORT).unlink()
    engine: Engine = plain if job.engine == "plain" else importlib.import_module(f"fuzz.{job.engine}").engine
    target = targets(files)[job.target]
    with Watch(folder / BLACK_BOX) as watch:
        tally = Tally(job, target, watch, folder)
        engine(tally)
        tally.write()


def plain(tally: Tally) -> None:
    """Judge mutations of the seeds; without feedback, and therefore fast."""
    dice = Dice(f"{tally.job.target} {tally.job.seed}")
    target = tally.target
    for seed in target.seeds:
        tally.judge(seed)
    data = target.seeds[0]
    while not tally.is_done():
        # Now and then on from the last input, which leads further away from what is valid.
        data = mutate(target, data if dice.below(3) == 0 else dice.pick(target.seeds), dice)
        tally.judge(data)


def finding_of(target: str, found: tuple[str, bytes]) -> Finding:
    """Return one finding of a report."""
    return Finding(target, *found)
