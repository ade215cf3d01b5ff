"""What is fuzzed: functions of bytes that may raise their declared errors and nothing else, and how they are judged."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from fuzz.watch import Hang, Watch
from fuzz.wording import PLACE_AND_REASON, QUOTED, fault_in

Shape = Literal["json", "lines", "words"]
Run = Callable[[bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One reader of foreign input.

    ``raises`` are its declared errors; each of their messages must fit ``place``, and what ``quoted`` matches is quoted
    by design. ``words`` and ``shape`` tell the mutator what is worth writing.
    """

    name: str
    run: Run
    raises: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]
    shape: Shape = "json"
    words: tuple[bytes, ...] = ()
    place: re.Pattern[str] = PLACE_AND_REASON
    quoted: re.Pattern[str] = QUOTED


@dataclass(frozen=True, slots=True)
class Finding:
    """One input after which something was not as it should be."""

    target: str
    what: str
    data: bytes

    @property
    def file_name(self) -> str:
        """Return the name of its file among the regressions, from the input alone."""
        return f"{self.target}-{hashlib.sha256(self.data).hexdigest()[:12]}"


def judge(target: Target, data: bytes, watch: Watch) -> str | None:
    """Run a target on one input; return what is wrong, None when it behaves."""
    watch.begin(data)
    try:
        target.run(data)
    except target.raises as error:
        return next(_faults(target, error, data), None) or watch.end()
    except Hang:
        return "took longer than allowed"
    except Exception as error:  # noqa: BLE001 - an error that nobody declared is what is looked for
        return f"{type(error).__name__} escaped at {_place_of(error)}"
    return watch.end()


def _faults(target: Target, error: Exception, data: bytes) -> Iterator[str]:
    """Find what is wrong with a declared error: its text, or a foreign error that hangs on to it."""
    if error.__context__ is not None:
        yield f"{type(error).__name__} has a context, {type(error.__context__).__name__}"
    for problem in problems_of(error):
        fault = fault_in(problem, data, target.place, target.quoted)
        if fault:
            yield f"the message of {type(error).__name__} {fault}"


def problems_of(error: Exception) -> Sequence[str]:
    """Return the single problems of an error, or its text where it does not list them."""
    return getattr(error, "problems", ()) or (str(error),)


def _place_of(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace else "?"
