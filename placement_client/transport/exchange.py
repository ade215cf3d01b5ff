"""What one call to Placement has done so far: its deadline, and whether a byte of it has left this process.

The socket, the HTTP session and the translation of failures are far apart, with foreign code between them; they meet
here. Only the outermost knows the call, so it lays the exchange out for its own thread or task.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

import requests
from msgspec import Struct, field

from placement_client.clock import Deadline
from placement_client.settings import PlacementSettings
from placement_client.transport.endpoints import Reach
from placement_client.transport.lookup import Resolver

# A wait ends up to a millisecond before the deadline it was given, because poll(2) counts in milliseconds.
EARLY_S = 0.005

# What the head of an answer may take, with everything that may come before it. Placement sends less than 1 KiB.
HEAD_BYTES: Final = 1 << 16


class UnacceptableAnswer(requests.RequestException):
    """An answer that is not read any further: encoded, framed in two ways or too long."""


class TooLong(UnacceptableAnswer):
    """An answer that is not read any further: it has more bytes than the client takes."""


class Exchange(Struct, weakref=True):
    """One call, with the identity calls it needs.

    ``at_placement`` is true while the latest HTTP request is the one to Placement, not one for a token; ``observed``
    when that request went over our own sockets, so that ``written`` is exact. ``received`` counts the bytes of its
    answer, with its framing, so that nothing that is read in pieces can grow without a bound. ``ended`` is true when
    the call is over, although something may still refer to it, the traceback of its error for one.
    """

    deadline: Deadline
    settings: PlacementSettings
    max_bytes: int
    reach: Reach = field(default_factory=Reach)
    resolver: Resolver = field(default_factory=Resolver)
    at_placement: bool = False
    observed: bool = False
    written: bool = False
    in_head: bool = True
    received: int = 0
    ended: bool = False

    def begin(self, *, at_placement: bool) -> tuple[float, float]:
        """Note that the next HTTP request starts; return its timeouts for connecting and reading.

        Raises TimeoutError at the deadline; then the request has not started.
        """
        self.at_placement = self.observed = self.written = False
        self.in_head, self.received = True, 0
        timeouts = (self.wait_to_connect(), self.wait_to_transfer())
        self.at_placement = at_placement
        return timeouts

    def wait_to_connect(self) -> float:
        """Return the seconds one step of connecting may take. Raises TimeoutError at the deadline."""
        return self._wait(self.settings.connect_timeout_s)

    def wait_to_transfer(self) -> float:
        """Return the seconds one read or write may take. Raises TimeoutError at the deadline."""
        return self._wait(self.settings.read_timeout_s)

    def head_is_read(self) -> None:
        """Note that from now on the body is read."""
        self.in_head = False

    def receive(self, count: int) -> None:
        """Count bytes of the answer. Raises TooLong when there are more than anything Placement sends."""
        self.received += count
        if self.received > HEAD_BYTES + (0 if self.in_head else self.body_bytes):
            raise TooLong

    @property
    def body_bytes(self) -> int:
        """The bytes that the body may have; an answer of the identity service is never long."""
        return self.max_bytes if self.at_placement else self.settings.max_answer_bytes

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
    """Make this the current exchange of the block, with which it ends."""
    token = _CURRENT.set(exchange)
    try:
        yield exchange
    finally:
        exchange.ended = True
        _CURRENT.reset(token)
