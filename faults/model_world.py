"""What surrounds the schedulers of one history: time that only calls move, chance from a seed, and what goes wrong.

Every call to Placement and every use of the journal is a *step*. A history has a plan, a number at some of its steps
(and, under negative keys, at some of its writes); what that number means depends on what the step is. So a history is
a pure function of its seed.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar
from uuid import UUID

from faults.model_server import SimulatedServer

STEP_S = 0.01
DRAWN_BYTES = 256

T = TypeVar("T")


class Crash(BaseException):
    """A process dies: whatever runs in it runs no further."""


class Interruption(BaseException):
    """What a signal or a thread raises at any point, as KeyboardInterrupt does."""


class Dice:
    """Draws from a seed: cheap, the same everywhere, and plenty for one history."""

    def __init__(self, seed: str) -> None:
        self._pool = int.from_bytes(hashlib.shake_256(seed.encode()).digest(DRAWN_BYTES))

    def below(self, n: int) -> int:
        """Draw one of 0 .. n-1."""
        self._pool, drawn = divmod(self._pool, n)
        return drawn

    def pick(self, choices: Sequence[T]) -> T:
        """Draw one of the choices."""
        return choices[self.below(len(choices))]

    def uuid(self) -> UUID:
        """Draw an identifier."""
        return UUID(int=self.below(1 << 64))


class SimulatedClock:
    """Time moves when somebody waits, and with every step."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Return the seconds since the history began."""
        return self.now

    def wall(self) -> float:
        """Return the same, for people."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@dataclass(slots=True, eq=False)
class Process:
    """One process: whether it lives, whether its heart beats as far as others can tell, and whom it serves."""

    name: str
    alive: bool = True
    beating: bool = True
    serving: int = 0
    at_death: Callable[[], None] = lambda: None

    def die(self) -> NoReturn:
        """End this process at this very point."""
        self.alive = self.beating = False
        self.at_death()
        raise Crash


@dataclass(frozen=True, slots=True)
class Late:
    """A request that is still on its way: when it arrives, and what it does then."""

    due: float
    arrive: Callable[[], None]


class World:
    """The server, the clock, the requests that are still on their way, and the plan of what goes wrong."""

    def __init__(self, server: SimulatedServer, plan: dict[int, int], trace: list[str] | None = None) -> None:
        self.server = server
        self.clock = SimulatedClock()
        self.plan = plan
        self.steps = 0
        self._writes = 0
        self.trace = trace
        self.meanwhile: Callable[[str, int], None] = lambda what, drawn: None
        self.happened: list[str] = []
        self._late: list[Late] = []

    def step(self, process: Process, what: str, kinds: Sequence[str], hit: int | None = None) -> tuple[str, int]:
        """Take one step of a process: return what goes wrong with it ("" for nothing) and a number to go by.

        Raises Crash in a dead process, whatever its code makes of that.
        """
        if not process.alive:
            raise Crash
        self.clock.now += STEP_S
        self.arrive()
        drawn = self.plan.pop(self.steps, None) if hit is None else hit
        self.steps += 1
        kind, rest = "", 0
        if drawn is not None:
            rest, which = divmod(drawn, len(kinds))
            kind = kinds[which]
            self.happened.append(kind)
        self.note(f"{process.name}  {what}" + (f"  <- {kind} ({rest})" if kind else ""))
        return kind, rest

    def hit_of_write(self) -> int | None:
        """Count a write; return the number that the plan has for it, if any."""
        self._writes += 1
        return self.plan.pop(-self._writes, None)

    def disturbed(self, process: Process, kind: str, rest: int, act: Callable[[], T]) -> T:
        """Do what a step does, while the process dies, is interrupted, or something else happens before or after."""
        if kind.startswith("before:"):
            self._happens(process, kind.removeprefix("before:"), rest)
        result = act()
        if kind.startswith("after:"):
            self._happens(process, kind.removeprefix("after:"), rest)
        return result

    def later(self, seconds: float, arrive: Callable[[], None]) -> None:
        """Let something arrive after a while."""
        self._late.append(Late(self.clock.now + seconds, arrive))

    def arrive(self, until: float | None = None) -> None:
        """Let everything arrive that is due now (or until then)."""
        if self._late:
            limit = self.clock.now if until is None else until
            due = [late for late in self._late if late.due <= limit]
            self._late = [late for late in self._late if late.due > limit]
            for late in sorted(due, key=lambda one: one.due):
                late.arrive()

    def wait(self, seconds: float) -> None:
        """Let time pass, with all that arrives meanwhile."""
        self.clock.now += seconds
        self.arrive()

    def calm(self) -> None:
        """End the troubles: from now on nothing goes wrong, but what is on its way still arrives."""
        self.plan.clear()
        self.note("-- calm --")

    def note(self, line: str) -> None:
        """Add a line to the trace, when somebody wants one."""
        if self.trace is not None:
            self.trace.append(f"{self.clock.now:8.2f}  {self.steps:3}  {line}")

    def _happens(self, process: Process, what: str, rest: int) -> None:
        if what == "crash":
            process.die()
        if what == "interruption":
            raise Interruption
        if what == "pause":
            process.beating = False
            self.meanwhile("takeover", rest)
            process.beating = True
        else:
            self.meanwhile(what, rest)


def around(whats: Iterable[str]) -> tuple[str, ...]:
    """Return the kinds that put something before a step, and those that put it after."""
    return tuple(f"{when}:{what}" for what in whats for when in ("before", "after"))
