"""Tracebacks that show where something went wrong, and nothing of what was being worked on.

Neither the message of an exception nor local variables nor lines of source are shown: any of them may hold a token.
"""

import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePath
from types import CodeType, TracebackType

from scheduler.events.fields import one_line

MAX_FRAMES = 50
MAX_CAUSES = 8


def safe_traceback(error: BaseException) -> str:
    """Return file, line and function of each call, outermost first, then the type; causes first, as Python does."""
    return "\n".join(line for one in reversed(list(_chain(error))) for line in _lines(one))


def install_hooks() -> None:
    """Let whatever this process does not catch be shown as a safe traceback, in any thread; for a program of its own.

    A library must not call this for its application.
    """
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _print(error)


def _uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is not None and not isinstance(found.exc_value, SystemExit):
        _print(found.exc_value, "In a thread:\n")


def _unraisable(found: "sys.UnraisableHookArgs") -> None:
    if found.exc_value is not None:
        _print(found.exc_value, "Where nothing can be raised:\n")


def _print(error: BaseException, where: str = "") -> None:
    """Print what went wrong. Raises nothing: Python answers a hook that fails with the traceback that it hides."""
    with suppress(Exception):
        sys.stderr.write(f"{where}{safe_traceback(error)}\n")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give an error and what led to it, latest first; each once, and not endlessly many."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen and len(seen) < MAX_CAUSES:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _lines(error: BaseException) -> Iterator[str]:
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    if len(frames) > MAX_FRAMES:
        yield f"  ({len(frames) - MAX_FRAMES} calls left out)"
    yield from (_place(code, line) for code, line in frames[-MAX_FRAMES:])
    yield one_line(f"{getattr(type(error), '__module__', '?')}.{type(error).__qualname__}")


def _place(code: CodeType, line: int) -> str:
    return f"  {one_line(_relative(code.co_filename))}:{line} in {one_line(code.co_qualname)}"


def _relative(path: str) -> str:
    """Return a path as it is imported, without the directories of this machine."""
    roots = [entry for entry in sys.path if entry and path.startswith(f"{entry.rstrip('/')}/")]
    return PurePath(path).relative_to(max(roots, key=len)).as_posix() if roots else PurePath(path).name
