"""Turns at what one call at a time may use; a turn ends with its call, whatever interrupts that and wherever."""

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from placement_client.clock import Deadline

LOOK_S: Final = 0.05
"""How often a waiting call looks whether the call that has the turn goes on."""


class Holder(Protocol):
    """Who takes turns: until when at most, and whether it is over, although something may still refer to it."""

    deadline: Deadline
    ended: bool


class Turns:
    """A lock that cannot stay locked.

    An exception may come between any two steps, also between locking and the block that unlocks. Whoever waits
    therefore looks at the call that has the turn, and takes a new lock when that has ended or is gone.
    In the moment between locking and noting who has the turn two calls may get it, and do the same twice.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: Callable[[], Holder | None] = _nobody

    @contextlib.contextmanager
    def turn(self, call: Holder) -> Iterator[None]:
        """Let one call at a time into the block. Raises TimeoutError at the deadline of the call."""
        lock = None
        try:
            lock = self._locked(call)
            self._holder = weakref.ref(call)
            yield
        finally:
            if lock is not None:
                self._holder = _nobody
                lock.release()

    def _locked(self, call: Holder) -> threading.Lock:
        while True:
            lock = self._lock
            if not lock.acquire(timeout=min(LOOK_S, call.deadline.remaining())):
                self._give_up_or_replace(lock, call)
            elif lock is self._lock:
                return lock
            else:
                lock.release()

    def _give_up_or_replace(self, lock: threading.Lock, call: Holder) -> None:
        if call.deadline.expired():
            raise TimeoutError
        holder = self._holder()
        if (holder is None or holder.ended) and lock is self._lock:
            self._lock = threading.Lock()


def _nobody() -> None:
    """Stand for the call that has the turn while none has."""
