"""The background thread that settles what requests leave behind; it exists only while there is something to settle."""

import threading
from collections.abc import Callable


class Sweeper:
    """Calls ``settle`` when woken and again whenever it says that something is due, until nothing is left.

    ``settle`` does what is due and returns the seconds until the next thing is, or None when nothing is left.
    """

    def __init__(self, settle: Callable[[], float | None]) -> None:
        self._settle = settle
        self._woken = threading.Event()
        self._lock = threading.RLock()  # a finaliser may wake it in the middle of anything
        self._thread: threading.Thread | None = None
        self._stopped = False

    def wake(self) -> None:
        """Let the thread look now; it is started when there is none."""
        with self._lock:
            self._woken.set()
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name="placement-scheduler-sweeper", daemon=True)
                self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """End the thread, waiting at most this long for what it is doing."""
        with self._lock:
            self._stopped = True
            thread, self._thread = self._thread, None
            self._woken.set()
        if thread is not None:
            thread.join(timeout_s)

    def _run(self) -> None:
        try:
            while not self._stopped:
                self._woken.clear()
                pause = self._settle()
                if pause is None and self._finished():
                    return
                self._woken.wait(pause)
        finally:
            self._forget(threading.current_thread())

    def _finished(self) -> bool:
        with self._lock:
            if self._woken.is_set():
                return False
            self._thread = None
            return True

    def _forget(self, thread: threading.Thread) -> None:
        with self._lock:
            if self._thread is thread:
                self._thread = None
