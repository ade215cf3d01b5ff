"""Nova's side: a process in Nova's own environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.speed.clock import Spent
from faults.lines import Lines, lines

ROOT = Path(__file__).resolve().parents[2]


class Nova:
    """Asks what ``benchmarks.speed.theirs`` answers."""

    def __init__(self, process: Lines) -> None:
        self._process = process

    def do(self, what: str, **arguments: Any) -> Spent:
        """Let Nova do something, and return what it cost there."""
        return Spent(**self._process.ask({"do": what, **arguments}))

    def disconnect(self) -> None:
        """Let Nova close its connections; what it is asked next makes others."""
        self.do("disconnect")


@contextmanager
def started(python: Path, log: Path) -> Iterator[Nova]:
    """Yield Nova in the environment of this interpreter; its log goes to a file, and so do its errors."""
    environment, command = {**os.environ, "PYTHONPATH": str(ROOT)}, [str(python), "-m", "benchmarks.speed.theirs"]
    with (
        log.open("w", encoding="utf-8") as errors,
        lines(command, errors=errors, directory=ROOT, environment=environment) as process,
    ):
        yield Nova(process)
