"""Nova, in a process of its own that answers lines of JSON."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faults.lines import Lines, lines
from parity.case import Answer, Case

ROOT = Path(__file__).resolve().parents[1]


class Nova:
    """Asks Nova's classes."""

    def __init__(self, process: Lines) -> None:
        self._process = process

    def send(self, cases: Sequence[Case]) -> None:
        """Put questions; ``receive`` gets the answers."""
        self._process.send({"cases": cases})

    def receive(self) -> list[Answer]:
        """Return the answers to what was sent, one a case. Raises RuntimeError when the process ended."""
        answers: list[Answer] = self._process.receive()["answers"]
        return answers

    def ask(self, case: Case) -> Answer:
        """Return the answer to one case."""
        self.send([case])
        return self.receive()[0]

    def names(self) -> dict[str, Any]:
        """Return what Nova calls its rules."""
        names: dict[str, Any] = self._process.ask({"names": True})["names"]
        return names


@contextmanager
def started(python: Path) -> Iterator[Nova]:
    """Yield Nova in the environment of this interpreter."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}  # sums over sets end alike
    with lines([str(python), "-m", "parity.theirs"], directory=ROOT, environment=environment) as process:
        yield Nova(process)
