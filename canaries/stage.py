"""The stage: a marked world on a Placement, sinks around it, and the count of what was told in which path."""

import contextlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self
from uuid import UUID

from requests.adapters import BaseAdapter

from canaries.errors import Telling
from canaries.markers import Marker, Mint
from canaries.search import Search
from canaries.sinks import Leak, Sinks
from canaries.world import World, marked_environment
from placement_client.clock import SYSTEM_CLOCK
from scheduler import FilterScheduler

Act = Callable[[], object]


class Stage:
    """One world and its sinks; a context manager. ``forget`` takes away what requests left in Placement.

    ``role`` is what a token has to begin with.
    """

    def __init__(self, seed: str, placement: BaseAdapter, forget: Act, *, role: str = "") -> None:
        self.mint = Mint(seed)
        self.found: list[tuple[str, Leak]] = []
        self.runs: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self.forget = forget
        self._placement = placement
        self._role = role
        self._stack = contextlib.ExitStack()
        self.world: World
        self.sinks: Sinks

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="marked-")))
            self.world = World(self.mint, self._placement, directory, role=self._role)
            stack.enter_context(marked_environment(self.mint))
            self.markers = self.mint.fresh()
            self.sinks = stack.enter_context(Sinks(Search(self.markers)))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *given: object) -> None:
        self._stack.close()

    def play(self, path: str, act: Act, scheduler: FilterScheduler | None = None, request_id: str = "") -> object:
        """Do something, look at what it raises, and at everything told meanwhile; return its result or its error."""
        answer: object
        try:
            answer = act()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and not error.args:
                raise  # somebody pressed Ctrl-C; those of the paths have an argument
            self.sinks.look_at(error)
            answer = error
            self.told[type(error).__name__] += 1
        if scheduler:
            self._look_at_figures(scheduler)
        self._end(path, [*self.mint.fresh(), *_reservations(scheduler, request_id)])
        return answer

    def read_files(self, *files: Path) -> None:
        """Search what the program wrote to disk, for secrets only."""
        for file in files:
            text = file.read_bytes().decode("latin-1")
            self.sinks.look(Telling(f"file {file.suffix}", text, identifiers_allowed=True))

    def read_process(self, pid: int) -> None:
        """Search the command line and the environment of a process, for secrets only."""
        for part in ("cmdline", "environ"):
            self.sinks.look(Telling(f"process {part}", of_process(pid, part), identifiers_allowed=True))

    def _look_at_figures(self, scheduler: FilterScheduler) -> None:
        self.sinks.look(Telling("metrics", f"{scheduler.figures()!r}"))
        record = scheduler.records.last()
        if record is not None:
            self.sinks.look(Telling("decision record", f"{record!r}", identifiers_allowed=True))

    def _end(self, path: str, learnt: list[Marker]) -> None:
        self.sinks.look_again(learnt)
        self.runs[path] += 1
        self.found += [(path, leak) for leak in self.sinks.leaks]
        self.sinks.leaks.clear()


def of_process(pid: int, part: str) -> str:
    """Return "cmdline" or "environ" of a process; both are empty for a moment while it starts."""
    for _ in range(1000):
        content = Path(f"/proc/{pid}/{part}").read_bytes()
        if content:
            return content.decode("latin-1")
        SYSTEM_CLOCK.sleep(0.001)
    return ""


def _reservations(scheduler: FilterScheduler | None, request_id: str) -> Iterator[Marker]:
    """Yield the consumers that a scheduler minted for a request."""
    claims = scheduler.claimer.claims_of(request_id) if scheduler and request_id else ()
    consumers: set[UUID] = {hold.consumer for claim in claims for hold in claim.holds}
    return (Marker("reservation", str(consumer)) for consumer in consumers)
