"""Guards on the libraries below, whose logs print tokens, bodies, URLs and statements. This package logs nothing."""

import http.client
import logging
import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar

T = TypeVar("T")

PREFIXES: Final = (
    "keystoneauth.",
    "keystoneauth1.",
    "urllib3.",
    "requests.",
    "http.client.",
    "sqlalchemy.engine.",
    "sqlalchemy.pool.",
    "sqlalchemy.dialects.",
    "psycopg.",
)
WITHHELD: Final = "a message of this library was withheld, it may hold secrets"

_STANDARD: Final = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None)))


class Guard(logging.Filter):
    """Drops what is below WARNING; of the rest only level and logger remain."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Empty a record, and tell whether it may pass."""
        empty(record)
        if record.levelno < logging.WARNING:
            return False
        if sys.exc_info()[0] is None:
            return True
        outside_exceptions(lambda: logging.getLogger(record.name).callHandlers(record))
        return False


GUARD: Final = Guard()


class GuardedRecords:
    """A factory of log records that puts the guard on each guarded logger before its first record is looked at.

    A filter on a logger does not see the records of its children, and a child may be made at any time; what makes a
    record is asked for every one of them.
    """

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, name: str, *parts: Any, **more: Any) -> logging.LogRecord:
        """Make a record as before, and empty it when it is one of a guarded logger."""
        record = self._make(name, *parts, **more)
        if is_guarded(name):
            empty(record)
            logger = logging.root.manager.loggerDict.get(name)
            if isinstance(logger, logging.Logger):
                logger.addFilter(GUARD)
        return record


def install_guards() -> None:
    """Guard every logger of these libraries, made or still to be made; may be called again at any time.

    Also silences the prints of ``http.client``, which show headers when somebody sets its ``debuglevel``.
    """
    for name in [name for name in logging.root.manager.loggerDict if is_guarded(name)]:
        logging.getLogger(name).addFilter(GUARD)
    make = logging.getLogRecordFactory()
    if not isinstance(make, GuardedRecords):
        logging.setLogRecordFactory(GuardedRecords(make))
    vars(http.client)["print"] = _say_nothing


def is_guarded(name: str) -> bool:
    """Tell whether a logger belongs to one of these libraries."""
    return f"{name}.".startswith(PREFIXES)


def empty(record: logging.LogRecord) -> None:
    """Take everything out of a record that its library put in."""
    record.msg, record.args = WITHHELD, ()
    record.exc_info = record.exc_text = record.stack_info = None
    for name in vars(record).keys() - _STANDARD:
        if isinstance(vars(record)[name], str):
            setattr(record, name, WITHHELD)  # a formatter may ask for it
        else:
            delattr(record, name)


def outside_exceptions(call: Callable[[], T]) -> T:
    """Call while no exception is active that says anything.

    oslo.log adds the text of whatever exception is being handled to a warning, wherever the warning comes from. It
    leaves out a plain ValueError, and this one has no text for others either.
    """
    if sys.exc_info()[0] is None:
        return call()
    try:
        raise ValueError  # the only way to hide the active one is another one
    except ValueError as nothing:
        nothing.__context__ = None
        return call()


def _say_nothing(*_: object, **__: object) -> None:
    """Take the place of ``print``."""
