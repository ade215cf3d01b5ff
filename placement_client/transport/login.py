"""The token of an auth plugin, shared by all threads: one at a time gets it, each waits within its own deadline."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Final

import requests
from keystoneauth1 import exceptions
from keystoneauth1.adapter import Adapter

from placement_client.transport.endpoints import check_endpoint
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
        self._found: tuple[Mapping[str, str], str] | None = None

    def headers_and_base(self, exchange: Exchange) -> tuple[Mapping[str, str], str]:
        """Return the headers that prove who asks, and what URLs of Placement begin with, in one turn.

        Raises what the plugin raises, InsecureEndpoint, TimeoutError at the deadline.
        """
        with self._turn(exchange):
            headers = self._headers()
            return headers, self._base(headers)

    def headers(self, exchange: Exchange) -> Mapping[str, str]:
        """Return the headers that prove who asks. Raises what the plugin raises, TimeoutError at the deadline."""
        with self._turn(exchange):
            return self._headers()

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

    def _base(self, headers: Mapping[str, str]) -> str:
        """Return what URLs of Placement begin with. A catalog comes with its token and is searched once for each."""
        if self._found is None or self._found[0] != headers:
            self._found = headers, base_of(self._adapter.get_endpoint(skip_discovery=True))
        return self._found[1]

    @contextlib.contextmanager
    def _turn(self, exchange: Exchange) -> Iterator[None]:
        """Let one thread at a time ask the plugin. Raises TimeoutError at the deadline."""
        exchange.begin(at_placement=False)  # a 401 before did nothing at Placement, and nothing is sent to it now
        with self._turns.turn(exchange):
            yield


def base_of(endpoint: str | None) -> str:
    """Return an endpoint as requests writes it, no slash at its end. Raises EndpointNotFound, InsecureEndpoint."""
    if not endpoint:
        raise exceptions.EndpointNotFound
    check_endpoint(endpoint)
    request = requests.PreparedRequest()
    request.prepare_url(endpoint, None)
    return (request.url or "").rstrip("/")
