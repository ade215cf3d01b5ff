"""The real Placement with a stop watch in it: what it took to answer each call, one line of JSON each.

gunicorn serves ``benchmarks.profile.app:application`` in place of Placement's own; see ``benchmarks.profile.watched``.
"""

import gc
import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from placement.wsgi.api import application as placement
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

from benchmarks.profile.watched import FREEZES, VARIABLE

TABLE: Final = re.compile(r"(?:from|into|update)\s+(\w+)", re.IGNORECASE)
ENDS: Final = ("do_commit", "do_rollback")
"""What ends a transaction, by the names of methods of a dialect; each is one more question to the database."""


class Watch(threading.local):
    """What the call that this thread answers took so far: statements by kind and table, and seconds."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget the call before."""
        self.statements: Counter[str] = Counter()
        self.seconds = {"database": 0.0, "garbage": 0.0}
        self.since: dict[str, float] = {}

    def start(self, what: str) -> None:
        """Begin to count the time that something takes."""
        self.since[what] = time.perf_counter()

    def stop(self, what: str) -> None:
        """Count the time since then."""
        self.seconds[what] += time.perf_counter() - self.since[what]


WATCH: Final = Watch()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Let Placement answer a call, and put down what it took."""
    WATCH.begin()
    started = time.perf_counter()
    chunks = list(placement(environ, start_response))
    seconds = {"whole": time.perf_counter() - started, **WATCH.seconds}
    _put_down(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        statements=WATCH.statements,
        ms={what: 1000 * spent for what, spent in seconds.items()},
    )
    return chunks


def _put_down(**said: object) -> None:
    with open(os.environ[VARIABLE], "ab", buffering=0) as file:  # one write a line, whichever worker it is of
        file.write(json.dumps(said).encode() + b"\n")


def _before(connection: Any, cursor: Any, statement: str, *_: object) -> None:
    table = TABLE.search(statement)
    WATCH.statements[f"{statement.split(None, 1)[0]} {table[1] if table else ''}".strip()] += 1
    WATCH.start("database")


def _after(*_: object) -> None:
    WATCH.stop("database")


def _ending(end: Callable[..., None], name: str) -> Callable[..., None]:
    def ended(*arguments: Any) -> None:
        WATCH.statements[name] += 1
        WATCH.start("database")
        end(*arguments)
        WATCH.stop("database")

    return ended


def _collected(phase: str, _: Mapping[str, int]) -> None:
    if phase == "start":
        WATCH.start("garbage")
    else:
        WATCH.stop("garbage")


event.listen(Engine, "before_cursor_execute", _before)
event.listen(Engine, "after_cursor_execute", _after)
for _end in ENDS:
    setattr(DefaultDialect, _end, _ending(getattr(DefaultDialect, _end), _end.removeprefix("do_").upper()))
gc.callbacks.append(_collected)
if os.environ.get(FREEZES):
    gc.collect()
    gc.freeze()
