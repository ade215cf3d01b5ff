"""How busy the processors are while several threads send requests, and with whose work."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import msgspec

from benchmarks.speed.clock import Step

PROC = Path("/proc")
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


class Busy(msgspec.Struct, frozen=True, kw_only=True):
    """What requests of one side cost: milliseconds each, by the wall, and of processor time by process."""

    name: str
    wall: float
    processor: Mapping[str, float]

    @property
    def needed(self) -> float:
        """Return the milliseconds of processor time that a request needs."""
        return sum(self.processor.values())


def busy(name: str, step: Step, pids: Mapping[str, int], requests: int) -> Busy:
    """Take a step of so many requests; ``pids`` are the processes that count, with those that come from them."""
    before = {what: _processor_ms(pid) for what, pid in pids.items()}
    spent = step()
    processor = {what: (_processor_ms(pid) - before[what]) / requests for what, pid in pids.items()}
    return Busy(name=name, wall=spent.wall_ms / requests, processor={"client": spent.cpu_ms / requests, **processor})


def mean(rounds: Sequence[Busy]) -> Busy:
    """Return the mean of rounds of one side."""
    first = rounds[0]
    processor = {what: fmean(one.processor[what] for one in rounds) for what in first.processor}
    return Busy(name=first.name, wall=fmean(one.wall for one in rounds), processor=processor)


def _processor_ms(pid: int) -> float:
    """Return the processor time of a process and of all that come from it and live."""
    known = {int(folder.name): found for folder in PROC.glob("[0-9]*") if (found := _stat(folder))}
    family = {pid}
    while more := {child for child, (parent, _) in known.items() if parent in family} - family:
        family |= more
    return sum(ms for one, (_, ms) in known.items() if one in family)


def _stat(folder: Path) -> tuple[int, float] | None:
    """Return the parent of a process and its milliseconds, None where it is gone."""
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), TICK_MS * (int(fields[11]) + int(fields[12]))
