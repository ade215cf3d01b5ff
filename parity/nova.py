"""Nova, in a process of its own that answers lines of JSON."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parity.case import Answer, Case

ROOT = Path(__file__).resolve().parents[1]


class Nova:
    """Asks Nova's classes."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def send(self, cases: Sequence[Case]) -> None:
        """Put questions; ``receive`` gets the answers."""
        self._write({"cases": cases})

    def receive(self) -> list[Answer]:
        """Return the answers to what was sent, one a case. Raises RuntimeError when the process ended."""
        answers: list[Answer] = self._read()["answers"]
        return answers

    def ask(self, case: Case) -> Answer:
        """Return the answer to one case."""
        self.send([case])
        return self.receive()[0]

    def names(self) -> dict[str, Any]:
        """Return what Nova calls its rules."""
        self._write({"names": True})
        names: dict[str, Any] = self._read()["names"]
        return names

    def _write(self, question: object) -> None:
        if self._process.stdin is None:
            raise RuntimeError("Nova has no standard input")
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        """Return the next answer, passing over what libraries print."""
        for line in self._process.stdout or ():
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise RuntimeError("Nova ended; what it said is above")


@contextmanager
def started(python: Path) -> Iterator[Nova]:
    """Yield Nova in the environment of this interpreter."""
    command = [str(python), "-m", "parity.theirs"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}  # sums over sets end alike
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        try:
            yield Nova(process)
        finally:
            process.kill()
