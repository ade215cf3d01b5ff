"""How often an event may be logged, so that a failure that repeats does not fill the disk."""

import threading

from placement_client.clock import Clock
from scheduler.events.event import Event

MINUTE_S = 60.0


class RateLimits:
    """Lets each event through as often a minute as it says, and counts the others. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.RLock()  # a finaliser or a signal may log in the middle of it
        self._minutes: dict[str, tuple[float, int, int]] = {}

    def admit(self, event: Event) -> int | None:
        """Return how many were held back since the last one let through; None when this one is held back."""
        if event.a_minute is None:
            return 0
        now = self._clock.monotonic()
        with self._lock:
            began, passed, held_back = self._minutes.get(event.name, (now, 0, 0))
            if now - began >= MINUTE_S:
                began, passed = now, 0
            if passed >= event.a_minute:
                self._minutes[event.name] = (began, passed, held_back + 1)
                return None
            self._minutes[event.name] = (began, passed + 1, 0)
            return held_back
