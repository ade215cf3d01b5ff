"""Every way in which an exception tells something: text, arguments, chain, notes, pickle, and a printed traceback.

A traceback with locals prints the memory of a process. The frames of whoever drives the program, here this package,
hold markers by their nature and are left out. Those of the scheduler and of its libraries hold what is being placed, so
identifiers may stand in their locals; secrets may not.
"""

import pickle
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scheduler.errors import InvalidRequest, InvalidSettings

OURS = str(Path(__file__).parent)


@dataclass(frozen=True, slots=True)
class Telling:
    """Text that came out somewhere, and whether identifiers are allowed there."""

    sink: str
    text: str
    identifiers_allowed: bool = False


def tellings(error: BaseException) -> Iterator[Telling]:
    """Yield everything that an exception and those it came from tell.

    InvalidRequest and InvalidSettings say to the one who wrote a request or a file what is wrong with it, in the words
    that are to be corrected.
    """
    quotes = isinstance(error, InvalidRequest | InvalidSettings)
    for link, one in _chain(error):
        yield Telling(f"{link}str()", str(one), quotes)
        yield Telling(f"{link}repr()", repr(one), quotes)
        yield Telling(f"{link}args", repr(one.args), quotes)
        yield Telling(f"{link}notes", "\n".join(getattr(one, "__notes__", ())))
        yield Telling(f"{link}pickle", _pickled(one), quotes)
    for link, printed in _printed(traceback.TracebackException.from_exception(error, capture_locals=True)):
        frames = "".join(f"{frame.filename} {frame.name}\n" for frame in printed.stack)
        theirs = [frame for frame in printed.stack if not frame.filename.startswith(OURS)]
        yield Telling(f"{link}traceback", frames + "".join(printed.format_exception_only()), quotes)
        known = (f"{name} = {value}\n" for frame in theirs for name, value in (frame.locals or {}).items())
        yield Telling(f"{link}traceback with locals", "".join(known), identifiers_allowed=True)


def _chain(error: BaseException | None, link: str = "") -> Iterator[tuple[str, BaseException]]:
    """Yield an error and, even where a traceback would not show them, its cause and its context."""
    if error is None:
        return
    yield link, error
    yield from _chain(error.__cause__, f"{link}cause ")
    if error.__context__ is not error.__cause__:
        yield from _chain(error.__context__, f"{link}context ")


def _pickled(error: BaseException) -> str:
    try:
        return pickle.dumps(error).decode("latin-1")
    except Exception as failure:  # noqa: BLE001 - what cannot be pickled says why, and that is looked at
        return f"{failure!r}"


def _printed(
    printed: traceback.TracebackException | None, link: str = ""
) -> Iterator[tuple[str, traceback.TracebackException]]:
    """Yield what is printed of an error, its cause and its context."""
    if printed is None:
        return
    yield link, printed
    yield from _printed(printed.__cause__, f"{link}cause ")
    yield from _printed(printed.__context__, f"{link}context ")
