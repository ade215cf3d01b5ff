"""Nova's side of the comparison of rules: a process in Nova's own environment that answers by lines of JSON."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.lines import Lines, lines

DRIVER = Path(__file__).with_name("nova_driver.py")
PATIENCE_S = 5.0
"""A rule that takes longer is not asked again."""


class Peer:
    """Nova's rules, timed on request."""

    def __init__(self, process: Lines) -> None:
        self._process = process
        self._given_up: set[str] = set()

    def load(self, size: int) -> None:
        """Make a fleet of this size."""
        self._process.ask({"size": size})

    def seconds(self, rule: str) -> float | None:
        """Return what one answer of a rule costs, None where Nova has no such rule, or it took too long before."""
        spent: float | None = None if rule in self._given_up else self._process.ask({"rule": rule}).get("seconds")
        if spent is not None and spent > PATIENCE_S:
            self._given_up.add(rule)
        return spent


@contextmanager
def peer(python: Path) -> Iterator[Peer | None]:
    """Start Nova's side; nothing where there is no such Python."""
    if not python.exists():
        yield None
        return
    with lines([str(python), "-P", "-W", "ignore", str(DRIVER), str(DRIVER.parents[1])]) as process:
        yield Peer(process)
