"""Planted leaks: one of each sink and of each way to write a marker, to prove that the search would find them."""

import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from canaries.errors import Telling
from canaries.markers import WIDTH
from canaries.search import TECHNIQUES, Technique
from canaries.stage import Stage

PLANTED = 40
LOG = logging.getLogger("scheduler.planted")
SILENT = logging.getLogger("scheduler.planted.silent")

WAYS = (
    *TECHNIQUES,
    Technique("first eight characters", lambda text: text[:WIDTH]),
    Technique("last eight characters", lambda text: text[-WIDTH:]),
    Technique("eight characters within, upper case", lambda text: text.replace("-", "")[5 : 5 + WIDTH].upper()),
)


@dataclass(frozen=True, slots=True)
class Plant:
    """One leak: where, how the marker is written, and which kind of marker."""

    sink: str
    technique: Technique
    kind: str


class Told(Exception):
    """An error that tells something in an attribute, so that it is in its pickle only."""

    def __init__(self, told: str) -> None:
        super().__init__("nothing")
        self.told = told


class Shown(Exception):
    """An error whose ``repr`` tells something."""

    def __init__(self, told: str) -> None:
        super().__init__()
        self._told = told

    def __repr__(self) -> str:
        return f"Shown({self._told})"

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), ("nothing",)


def planted() -> list[Plant]:
    """Return the leaks: sinks and ways are gone through in turns, so that each comes up and no pair twice."""
    sinks, kinds = list(SINKS), ("token", "password", "seed")
    return [Plant(sinks[at % len(sinks)], WAYS[at % len(WAYS)], kinds[at % len(kinds)]) for at in range(PLANTED)]


def places(stage: Stage, plant: Plant) -> list[str]:
    """Leak a new marker as planned; return the sinks in which it was found."""
    marker = stage.mint.word(plant.kind) if plant.kind == "token" else str(stage.mint.uuid(plant.kind))
    text = plant.technique.write(marker)
    before = len(stage.found)
    stage.play(f"planted: {plant.sink}", lambda: SINKS[plant.sink](stage, text))
    found = [leak.sink for _, leak in stage.found[before:] if leak.marker.text == marker]
    del stage.found[before:]
    return sorted(set(found))


def _active(stage: Stage, text: str) -> None:
    """Log a warning while an error is being handled: oslo.log adds the text of the error, but for a few types."""
    try:
        raise RuntimeError(text)
    except RuntimeError:
        LOG.warning("something failed")


def _silent(stage: Stage, text: str) -> None:
    """Log on a logger that passes nothing on, as far as the search had heard of it."""
    SILENT.warning("%s", text)


def _raise(error: BaseException) -> None:
    raise error


def _caused(stage: Stage, text: str) -> None:
    raise ValueError from KeyError(text)


def _in_context(stage: Stage, text: str) -> None:
    try:
        raise KeyError(text)
    except KeyError:
        raise ValueError from None


def _noted(stage: Stage, text: str) -> None:
    error = ValueError()
    error.add_note(text)
    raise error


def _in_locals(stage: Stage, text: str) -> None:
    """Fail within code that is not of this package, with the text in a variable of it."""
    code: dict[str, Any] = {}
    exec(compile("def fail(held):\n    raise ValueError\n", "plugin.py", "exec"), code)
    code["fail"](text)


def _unraisable(stage: Stage, text: str) -> None:
    class Dying:
        def __del__(self) -> None:
            raise ValueError(text)

    Dying()


def _in_thread(stage: Stage, text: str) -> None:
    thread = threading.Thread(target=_raise, args=(ValueError(text),))
    thread.start()
    thread.join()


def _in_file(stage: Stage, text: str) -> None:
    file = stage.world.directory / "planted.sqlite"
    file.write_text(f"a row with {text}\n")
    stage.read_files(file)


def _child(stage: Stage, *words: str, **variables: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()", *words], stdin=subprocess.PIPE, env=variables or None
    ) as child:
        stage.read_process(child.pid)
        child.kill()


def _looked(sink: str) -> Callable[[Stage, str], None]:
    """Return a leak into something that whoever drives the program hands over."""
    return lambda stage, text: stage.sinks.look(Telling(sink, f"{{'x': '{text}'}}", identifiers_allowed=True))


SINKS: dict[str, Callable[[Stage, str], object]] = {
    "log, message": lambda stage, text: LOG.info(f"host {text}"),  # noqa: G004 - what a careless plugin does
    "log, argument": lambda stage, text: LOG.debug("token %s", text),
    "log, named argument": lambda stage, text: LOG.debug("token %(token)s", {"token": text}),
    "log, extra": lambda stage, text: LOG.info("done", extra={"host": text}),
    "log, exception": lambda stage, text: LOG.error("failed", exc_info=ValueError(text)),
    "log, active exception": _active,
    "log, logger on its own": _silent,
    "log, wrong format": lambda stage, text: LOG.info("%d hosts", text),
    "standard output": lambda stage, text: print(text),
    "standard error": lambda stage, text: print(text, file=sys.stderr),
    "warning": lambda stage, text: warnings.warn(text, stacklevel=1),
    "error, text": lambda stage, text: _raise(ValueError(text)),
    "error, arguments": lambda stage, text: _raise(OSError(5, "no", text)),
    "error, repr": lambda stage, text: _raise(Shown(text)),
    "error, cause": _caused,
    "error, context": _in_context,
    "error, notes": _noted,
    "error, pickle": lambda stage, text: _raise(Told(text)),
    "error, locals of a frame": _in_locals,
    "error nobody can catch": _unraisable,
    "error in a thread": _in_thread,
    "metrics": _looked("metrics"),
    "decision record": _looked("decision record"),
    "file": _in_file,
    "command line of a child": _child,
    "environment of a child": lambda stage, text: _child(stage, TOLD=text),
}
