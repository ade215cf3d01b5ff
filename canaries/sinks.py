"""The sinks: wherever a program can tell something, what it tells is searched as it is told.

Looked at as it is told: log records on every logger at level 1 in five forms, standard output and error, warnings,
exceptions nobody can catch. Handed over by who drives the program: errors that reach a caller, metrics, files, records.
"""

import contextlib
import copy
import io
import logging
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import TracebackType
from typing import Any, Self, TextIO

from oslo_config import cfg
from oslo_log import formatters

from canaries.errors import Telling, tellings
from canaries.markers import SECRET, Marker
from canaries.search import Search, parts_of
from canaries.wire import SERVER_THREAD

# Servers and mocks that run in this process write logs of their own; those are not the scheduler's.
SERVERS = ("requests_mock", "placement", "oslo_db", "keystone", "faker", "hypothesis")
NEVER = frozenset(logging.makeLogRecord({}).__dict__) - {"msg", "args", "exc_info", "exc_text", "stack_info"}


@dataclass(frozen=True, slots=True)
class Leak:
    """A marker that was found where it must not be."""

    sink: str
    marker: Marker
    excerpt: str


class Sinks:
    """Everything that may be told, searched for markers while the block is open; a context manager."""

    def __init__(self, search: Search) -> None:
        self.leaks: list[Leak] = []
        self.records = 0
        self._search = search
        self._told: list[tuple[Telling, set[str]]] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(_hearing(_Ear(self)))
            stack.enter_context(contextlib.redirect_stdout(_Tap(self, "stdout")))
            stack.enter_context(contextlib.redirect_stderr(_Tap(self, "stderr")))
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("always")
            warnings.showwarning = self._warned
            stack.enter_context(_replaced(sys, "unraisablehook", self._unraisable))
            stack.enter_context(_replaced(threading, "excepthook", self._died))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def look(self, telling: Telling) -> None:
        """Search something that was told, and keep it until ``look_again``."""
        parts = parts_of(telling.text)
        self._told.append((telling, parts))
        self._judge(telling, self._search.among(parts))

    def look_at(self, error: BaseException) -> None:
        """Search everything that an exception tells."""
        for telling in tellings(error):
            self.look(telling)

    def look_again(self, markers: list[Marker]) -> None:
        """Search what was told since the last time for markers that became known meanwhile, and forget it."""
        told, self._told = self._told, []
        search = Search(markers)
        for telling, parts in told:
            self._judge(telling, search.among(parts))

    def _judge(self, telling: Telling, found: set[Marker]) -> None:
        for marker in found:
            if marker.secrecy == SECRET or not telling.identifiers_allowed:
                self.leaks.append(Leak(telling.sink, marker, telling.text[:2000]))

    def _warned(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        self.look(Telling("warning", f"{message} {message!r} {category.__name__} {filename}"))

    def _unraisable(self, raised: "sys.UnraisableHookArgs") -> None:
        self.look(Telling("unraisable", f"{raised.err_msg} {raised.object!r}"))
        if raised.exc_value is not None:
            self.look_at(raised.exc_value)

    def _died(self, died: threading.ExceptHookArgs) -> None:
        if died.exc_value is not None:
            self.look_at(died.exc_value)


class _Tap(io.TextIOBase):
    """Stands in for standard output or error."""

    def __init__(self, sinks: Sinks, name: str) -> None:
        super().__init__()
        self._sinks, self._name = sinks, name

    def write(self, text: str) -> int:
        """Look at what is written."""
        self._sinks.look(Telling(self._name, text))
        return len(text)


class _Ear(logging.Handler):
    """Hears every record and looks at each form in which handlers may write it."""

    def __init__(self, sinks: Sinks) -> None:
        super().__init__(1)
        self._sinks = sinks
        self._formatters = _formatters()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record in every form; one that cannot be written is reported as the standard library does."""
        if _is_foreign(record):
            return
        self._sinks.records += 1
        try:
            for name, formatter in self._formatters.items():
                self._sinks.look(Telling(f"log, {name}", str(formatter.format(_timeless(record)))))
            self._sinks.look(Telling("log, attributes", f"{_own(record)!r}"))
        except Exception:  # noqa: BLE001 - as logging.Handler does
            self.handleError(record)


def _is_foreign(record: logging.LogRecord) -> bool:
    """Tell whether a record is of a server, or of stevedore, whose lists of entry points oslo.log cannot write."""
    owner = record.name.partition(".")[0]
    return (
        owner in SERVERS
        or (record.threadName or "").startswith(SERVER_THREAD)
        or (owner == "stevedore" and record.levelno < logging.WARNING)
    )


def _formatters() -> dict[str, logging.Formatter]:
    conf = cfg.ConfigOpts()
    # oslo.log's options as it publishes them; its own registering would change the root logger.
    (published,) = entry_points(group="oslo.config.opts", name="oslo.log")
    conf.register_opts([option for _, options in published.load()() for option in options])
    conf([], default_config_files=[], default_config_dirs=[])
    return {
        "text": logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"),
        "oslo context": formatters.ContextFormatter(config=conf),
        "oslo JSON": formatters.JSONFormatter(),
        "oslo Fluent": formatters.FluentFormatter(),
    }


def _timeless(record: logging.LogRecord) -> logging.LogRecord:
    """Return a copy whose times and thread are fixed: formatters change records, and random digits are no markers."""
    copied = copy.copy(record)
    copied.created, copied.msecs, copied.relativeCreated, copied.thread, copied.process = 0.0, 0.0, 0.0, 1, 1
    return copied


def _own(record: logging.LogRecord) -> Mapping[str, Any]:
    """Return what a record holds besides the facts about the call that logged it."""
    return {name: value for name, value in vars(record).items() if name not in NEVER}


@contextlib.contextmanager
def _hearing(ear: logging.Handler) -> Iterator[None]:
    """Let every logger there is pass everything on, at level 1, to this handler and to no other."""
    known = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    levels = {logger: logger.level for logger in (logging.root, *known)}
    ends = {logger: logger.handlers for logger in (logging.root, *known) if logger.handlers or not logger.propagate}
    ends[logging.root] = logging.root.handlers
    for logger in levels:
        logger.setLevel(1)
    for logger in ends:
        logger.handlers = [] if logger.propagate and logger.parent else [ear]
    try:
        yield
    finally:
        for logger, handlers in ends.items():
            logger.handlers = handlers
        for logger, level in levels.items():
            logger.setLevel(level)


@contextlib.contextmanager
def _replaced(owner: Any, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
