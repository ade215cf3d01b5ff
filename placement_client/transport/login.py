"""The token of an auth plugin, shared by all threads: one at a time gets it, each waits within its own deadline."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Final

from keystoneauth1 import exceptions
from keystoneauth1.adapter import Adapter

from placement_client.transport.exchange import Exchange
from placement_client.turns import Turns

# The pauses between renewals of a token while every answer is 401: the first, and the longest, in seconds.
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0

# Tokens are what an identity service wrote: requests and http.client would pass on NUL, VT and Latin-1 in a header.
PRINTABLE: Final = re.compile(r"[ -~]*")


class Login:
    """Headers and endpoint that the plugin gives, and the renewal of a token that was refused."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._turns = Turns()
        self._pause_s = FIRST_PAUSE_S
        self._quiet_until = float("-inf")

    def headers(self, exchange: Exchange) -> Mapping[str, str]:
        """Return the headers that prove who asks. Raises what the plugin raises, TimeoutError at the deadline."""
        with self._turn(exchange):
            return self._headers()

    def endpoint(self, exchange: Exchange) -> str:
        """Return the endpoint of Placement. Raises what the plugin raises, TimeoutError at the deadline."""
        with self._turn(exchange):
            endpoint = self._adapter.get_endpoint(skip_discovery=True)
        if not endpoint:
            raise exceptions.EndpointNotFound
        return endpoint

    def renew(self, refused: Mapping[str, str], exchange: Exchange) -> bool:
        """Give up headers that were answered by 401; tell whether there may be better ones.

        Another thread may have renewed them already. A server that refuses new tokens too is not given one a call:
        the pauses between renewals double until an answer is something else.
        """
        with self._turn(exchange):
            if self._headers() != refused:
                return True
            now = exchange.deadline.clock.monotonic()
            if now < self._quiet_until or not self._adapter.invalidate():
                return False
            self._quiet_until = now + self._pause_s
            self._pause_s = min(2.0 * self._pause_s, LONGEST_PAUSE_S)
            return True

    def accepted(self) -> None:
        """Note that a server took the headers, so that the next renewal need not wait."""
        self._pause_s, self._quiet_until = FIRST_PAUSE_S, float("-inf")

    def _headers(self) -> Mapping[str, str]:
        headers = self._adapter.session.get_auth_headers(self._adapter.auth)
        if headers is None or not all(PRINTABLE.fullmatch(value) for value in headers.values()):
            raise exceptions.AuthorizationFailure
        return dict(headers)

    @contextlib.contextmanager
    def _turn(self, exchange: Exchange) -> Iterator[None]:
        """Let one thread at a time ask the plugin. Raises TimeoutError at the deadline."""
        exchange.begin(at_placement=False)  # a 401 before did nothing at Placement, and nothing is sent to it now
        with self._turns.turn(exchange):
            yield
