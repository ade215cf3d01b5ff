"""The one thread that works on the database of a journal.

An exception that hits a caller anywhere (KeyboardInterrupt, a timeout of an RPC library) then cannot tear a
transaction: a piece of work that was handed over is done whole, whether or not somebody still waits for it, and pieces
are done in the order in which they were handed over.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from scheduler.claims.sql_failures import unavailable
from scheduler.errors import JournalUnavailable, SchedulerError

PATIENCE_S = 20.0  # longer than every limit that the database connections have of their own

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Piece:
    """Something to do, and where to put (result, None) or (None, error)."""

    work: Callable[[], object]
    answers: "SimpleQueue[tuple[Any, SchedulerError | None]]" = field(default_factory=SimpleQueue)
    unwanted: bool = False


class JournalThread:
    """Does pieces of work, one after the other, until it is stopped."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._pieces: SimpleQueue[_Piece | None] = SimpleQueue()
        self._thread = threading.Thread(
            target=_serve, args=(self._pieces,), name="placement-scheduler-journal", daemon=True
        )
        self._stopped = False
        self._thread.start()

    def call(self, work: Callable[[], T]) -> T:
        """Let the thread do something and return what it returns, or raise what it raises.

        Raises JournalUnavailable when there is no such thread (any more), when it does not answer in time, and when
        called from within the thread, as a finaliser may do that interrupts it: what it wants has to wait.
        """
        self._check()
        piece = _Piece(work)
        self._pieces.put(piece)
        result, error = self._answer(piece)
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]  # a queue cannot tell that each piece has a type of its own

    def stop(self) -> None:
        """Do what was handed over before, and then nothing more."""
        self._stopped = True
        self._pieces.put(None)
        if os.getpid() == self._pid and threading.current_thread() is not self._thread:
            self._thread.join(PATIENCE_S)

    def _check(self) -> None:
        if os.getpid() != self._pid:
            raise unavailable("forked", "it was opened before a fork; open it in the process that uses it")
        if self._stopped:
            raise unavailable("closed", "it is closed")
        if threading.current_thread() is self._thread:
            raise unavailable("journal_busy")

    def _answer(self, piece: _Piece) -> tuple[Any, SchedulerError | None]:
        try:
            return piece.answers.get(timeout=PATIENCE_S)
        except Empty:
            piece.unwanted = True
        return None, unavailable("journal_timeout")


def _serve(pieces: "SimpleQueue[_Piece | None]") -> None:
    while (piece := pieces.get()) is not None:
        if not piece.unwanted:
            piece.answers.put(_done(piece.work))
        del piece  # nothing of the last piece is kept alive while waiting for the next


def _done(work: Callable[[], object]) -> tuple[object, SchedulerError | None]:
    try:
        return work(), None
    except SchedulerError as error:
        return None, error
    except BaseException as error:  # noqa: BLE001 - the thread must outlive whatever it is, and nothing foreign leaves
        return None, _of(error)


def _of(error: BaseException) -> JournalUnavailable:
    return unavailable("journal_failed", type(error).__name__)
