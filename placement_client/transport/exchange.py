"""What one call to Placement has done so far: its deadline, and whether a byte of it has left this process.

The socket, the HTTP session and the translation of failures are far apart, with foreign code between them; they meet
here. Only the outermost knows the call, so it lays the exchange out for its own thread or task.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from placement_client.clock import Deadline
from placement_client.settings import PlacementSettings

# A wait ends up to a millisecond before the deadline it was given, because poll(2) counts in milliseconds.
EARLY_S = 0.005


@dataclass(slots=True)
class Exchange:
    """One call, with the identity calls it needs.

    ``at_placement`` is true while the latest HTTP request is the one to Placement, not one for a token; ``observed``
    when that request went over our own sockets, so that ``written`` is exact.
    """

    deadline: Deadline
    settings: PlacementSettings
    max_bytes: int
    at_placement: bool = False
    observed: bool = False
    written: bool = False

    def begin(self, *, at_placement: bool) -> tuple[float, float]:
        """Note that the next HTTP request starts; return its timeouts for connecting and reading.

        Raises TimeoutError at the deadline; then the request has not started.
        """
        self.at_placement = self.observed = self.written = False
        timeouts = (self.wait_to_connect(), self.wait_to_transfer())
        self.at_placement = at_placement
        return timeouts

    def wait_to_connect(self) -> float:
        """Return the seconds one step of connecting may take. Raises TimeoutError at the deadline."""
        return self._wait(self.settings.connect_timeout_s)

    def wait_to_transfer(self) -> float:
        """Return the seconds one read or write may take. Raises TimeoutError at the deadline."""
        return self._wait(self.settings.read_timeout_s)

    def is_over(self) -> bool:
        """Tell whether the deadline has passed."""
        return self.deadline.remaining() <= EARLY_S

    def _wait(self, longest: float) -> float:
        remaining = self.deadline.remaining()
        if remaining <= 0.0:
            raise TimeoutError
        return min(longest, remaining)


_CURRENT: ContextVar[Exchange | None] = ContextVar("placement exchange", default=None)


def current() -> Exchange | None:
    """Return the exchange of the call this thread is in."""
    return _CURRENT.get()


@contextmanager
def exchanging(exchange: Exchange) -> Iterator[Exchange]:
    """Make this the current exchange of the block."""
    token = _CURRENT.set(exchange)
    try:
        yield exchange
    finally:
        _CURRENT.reset(token)
