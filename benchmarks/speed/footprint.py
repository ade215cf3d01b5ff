"""What the library costs before it does anything: time to import it, and memory; each in fresh processes.

These are of an environment as in production: what only developing takes is not there, and some of it would be imported.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.speed.plan import Plan
from benchmarks.speed.report import ROOT, Row
from placement_client.testing.ini import placement_section

TIME = """
import time
started = time.process_time()
import logging, sys
import scheduler
logging.disable(logging.WARNING)
running = scheduler.build(scheduler.load_config(sys.argv[1])) if len(sys.argv) > 1 else None
print(1000 * (time.process_time() - started))
"""
RESIDENT = """
import gc, logging, sys
import scheduler
logging.disable(logging.WARNING)
running = scheduler.build(scheduler.load_config(sys.argv[1])) if len(sys.argv) > 1 else None
gc.collect()
with open("/proc/self/status") as status:
    print(*(int(line.split()[1]) / 1000 for line in status if line.startswith("VmRSS")))
"""
TABLE = """
import sys
from benchmarks.speed.ours import held_by_table
print(held_by_table(int(sys.argv[1])))
"""
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
NOWHERE = "https://127.0.0.1:1"


class Footprint:
    """Measures, and keeps the rows and every measurement."""

    def __init__(self, python: Path, plan: Plan) -> None:
        self._python = python
        self._rounds = plan.rounds
        self._sizes = plan.ours_only
        self.rows: list[Row] = []
        self.samples: dict[str, tuple[float, ...]] = {}

    def run(self) -> None:
        """Measure everything."""
        tables = [self._table(size) for size in self._sizes]
        with TemporaryDirectory() as directory:
            ini = _ini(Path(directory))
            warm, cold, built = self._times(Path(directory), ini)
            imported, idle = self._memory(Path(directory), ini)
        self.rows = [
            *tables,
            self._row("import of the library", "ms", 400, None, warm, "With bytecode there."),
            self._row("import of the library, nothing compiled", "ms", 400, None, cold, "Once after an upgrade."),
            self._row("import and build", "ms", None, None, built, "With a journal in SQLite."),
            self._row("memory of a process that imported it", "MB", 90, None, imported),
            self._row("memory of a scheduler that waits", "MB", 90, None, idle),
        ]

    def _times(self, directory: Path, ini: str) -> tuple[list[float], ...]:
        """Return milliseconds of an import with bytecode, of one without, and of one with bytecode and a build.

        Bytecode and journal are made first, the former outside of the tree.
        """
        kept, never = (
            {"PYTHONPYCACHEPREFIX": str(directory / "kept")},
            {"PYTHONPYCACHEPREFIX": str(directory / "never")},
        )
        never[NO_BYTECODE] = "1"
        self._figure(TIME, kept, ini)
        rounds = [self._each_time(kept, never, ini) for _ in range(self._rounds)]
        return tuple(map(list, zip(*rounds, strict=True)))

    def _each_time(self, kept: Mapping[str, str], never: Mapping[str, str], ini: str) -> tuple[float, float, float]:
        return self._figure(TIME, kept), self._figure(TIME, never), self._figure(TIME, kept, ini)

    def _memory(self, directory: Path, ini: str) -> tuple[list[float], list[float]]:
        """Return megabytes of processes that imported the library, and of those with a scheduler besides."""
        kept = {"PYTHONPYCACHEPREFIX": str(directory / "kept")}
        pairs = [(self._figure(RESIDENT, kept), self._figure(RESIDENT, kept, ini)) for _ in range(self._rounds)]
        return [imported for imported, _ in pairs], [idle for _, idle in pairs]

    def _table(self, size: int) -> Row:
        held = self._figure(TABLE, {}, str(size))
        return self._row(f"memory of the table, {size:,} hosts", "MB", 150, 80, [held])

    def _row(
        self, what: str, unit: str, bar: float | None, aim: float | None, found: list[float], note: str = ""
    ) -> Row:
        self.samples[what] = tuple(round(one, 3) for one in found)
        print(what, round(median(found), 1), unit, flush=True)
        return Row(what=what, unit=unit, ours=median(found), kind="at most", bar=bar, aim=aim, note=note)

    def _figure(self, program: str, environment: Mapping[str, str], *arguments: str) -> float:
        """Return the number that a program prints, run in a process of its own."""
        usual = {name: value for name, value in os.environ.items() if name != NO_BYTECODE}
        everything = {**usual, "PYTHONPATH": str(ROOT), **environment}
        command = [str(self._python), "-c", program, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=everything, stdout=subprocess.PIPE, text=True, check=True)
        return float(done.stdout)


def _ini(directory: Path) -> str:
    """Write the file of a scheduler with a journal on disk, and return its path."""
    file = directory / "scheduler.ini"
    journal = f"[journal]\nconnection = sqlite:///{directory}/journal/claims.sqlite\n"
    file.write_text(placement_section(NOWHERE) + journal, encoding="utf-8")
    return str(file)
