"""Ending a process in good order when a signal asks for it."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType


def close_on_signal(close: Callable[[], object], number: int) -> None:
    """Let a signal call ``close`` and then end the process as it would have; a second one ends it at once.

    To be called from the main thread. ``close`` runs in a thread of its own, so that open requests can finish.
    """

    def close_and_go_on() -> None:
        close()
        os.kill(os.getpid(), number)

    def handle(received: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        threading.Thread(target=close_and_go_on, name="placement-scheduler-close").start()

    signal.signal(number, handle)
