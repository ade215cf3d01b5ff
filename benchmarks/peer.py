"""Nova's side of the comparison: a process in Nova's own environment that answers by lines of JSON."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DRIVER = Path(__file__).with_name("nova_driver.py")
PATIENCE_S = 5.0
"""A rule that takes longer is not asked again."""


class Peer:
    """Nova's rules, timed on request."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._given_up: set[str] = set()
        self._read()

    def load(self, size: int) -> None:
        """Make a fleet of this size."""
        self._ask({"size": size})

    def seconds(self, rule: str) -> float | None:
        """Return what one answer of a rule costs, None where Nova has no such rule, or it took too long before."""
        spent = None if rule in self._given_up else self._ask({"rule": rule}).get("seconds")
        if spent is not None and spent > PATIENCE_S:
            self._given_up.add(rule)
        return spent

    def _ask(self, question: dict[str, object]) -> dict[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer: dict[str, float] = json.loads(self._read())
        return answer

    def _read(self) -> str:
        """Return the next answer, passing over what libraries print."""
        for line in self._process.stdout or ():
            if line.startswith("{") or line == "ready\n":
                return line
        raise RuntimeError("Nova's side ended; its errors are above")


@contextmanager
def peer(python: Path) -> Iterator[Peer | None]:
    """Start Nova's side; nothing where there is no such Python."""
    if not python.exists():
        yield None
        return
    command = [str(python), "-P", "-W", "ignore", str(DRIVER), str(DRIVER.parents[1])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Peer(process)
        process.terminate()
