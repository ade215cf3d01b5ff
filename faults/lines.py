"""A program that works in a process of its own and is asked by lines of JSON: one for a question, one for its answer.

The program prints ``ready`` once it can be asked; what libraries print beside that is passed over.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

READY = "ready\n"


class Lines:
    """Questions to a program and its answers, in order."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._next(READY)

    def ask(self, question: Mapping[str, Any]) -> Any:
        """Return the answer to a question. Raises RuntimeError when the program ended."""
        self.send(question)
        return self.receive()

    def send(self, question: Mapping[str, Any]) -> None:
        """Put a question; ``receive`` gets the answer, so that we can work meanwhile."""
        if self._process.stdin is None:
            raise RuntimeError("the program has no standard input")
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()

    def receive(self) -> Any:
        """Return the next answer, a JSON object."""
        return json.loads(self._next("{"))

    def _next(self, start: str) -> str:
        for line in self._process.stdout or ():
            if line.startswith(start):
                return line
        raise RuntimeError("the program ended before it answered; its standard error says why")


@contextmanager
def lines(
    command: Sequence[str],
    *,
    errors: IO[str] | None = None,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Lines]:
    """Start a program, wait until it is ready, and end it with the block; ``errors`` takes its standard error."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        cwd=directory,
        env=environment,
    ) as process:
        try:
            yield Lines(process)
        finally:
            process.kill()
