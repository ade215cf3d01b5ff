"""One ``requests.Session`` of our own: https only, nothing from the environment, no redirects, no cookies, bounded."""

import ssl
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from placement_client.errors import InsecureEndpoint
from placement_client.settings import PlacementSettings
from placement_client.transport.connection import BoundedPool
from placement_client.transport.exchange import Exchange, TooLong, UnacceptableAnswer, current
from placement_client.transport.tls import make_context

# Tells our own requests from those of the identity plugin, down to the session, which takes it off before sending.
MARK = "X-Placement-Call"
CHUNK_BYTES = 1 << 16

Certificate = bytes | str | tuple[bytes | str, bytes | str] | None


class PinnedAdapter(HTTPAdapter):
    """Sends through our TLS context, whatever ``verify`` and ``cert`` a plugin asks for, and never resends."""

    def __init__(self, context: ssl.SSLContext, pool_size: int) -> None:
        self._context = context
        super().__init__(pool_maxsize=pool_size, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """Give every connection our TLS context and our bounds."""
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": BoundedPool}

    def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: Certificate) -> None:
        """Leave the context alone: requests would add its own bundle of authorities here."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Certificate = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send, noting that our own sockets see what is written; proxies are never used."""
        exchange = current()
        if exchange:
            exchange.observed = True
        return super().send(request, stream=stream, timeout=timeout)


class RefusingAdapter(BaseAdapter):
    """Stands where requests would speak plain http."""

    def send(self, *_args: Any, **_kwargs: Any) -> requests.Response:
        """Refuse, before a socket opens. Raises InsecureEndpoint."""
        raise InsecureEndpoint(hint="only https is used")

    def close(self) -> None:
        """Do nothing; there is no connection."""


class BoundedSession(requests.Session):
    """A session whose answers arrive whole, in plain, within the bound and the deadline of the current exchange."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send one HTTP request of the current exchange and return its answer with the body read.

        Raises InsecureEndpoint, UnacceptableAnswer, TimeoutError and whatever the adapter raises.
        """
        exchange = current()
        if exchange is None:
            raise UnacceptableAnswer
        exchange.reach.check_url(request.url or "")
        timeouts = exchange.begin(at_placement=request.headers.pop(MARK, None) is not None)
        response = super().send(request, **kwargs | {"timeout": timeouts, "stream": True, "allow_redirects": False})
        exchange.head_is_read()
        try:
            body = _read(response, exchange)
        finally:
            # Gives a fully read connection back to the pool and closes any other.
            response.close()
        response._content = body  # noqa: SLF001 - requests has no public way to hand over a body read within a bound
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Name no target: to prepare even an unwanted redirect, requests reads the body without a bound."""


def make_http_session(settings: PlacementSettings, adapter: BaseAdapter | None = None) -> requests.Session:
    """Return a session that sends https through ``adapter`` (our own if None) and refuses everything else.

    Raises OSError when a certificate file cannot be used.
    """
    session = BoundedSession()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["Accept-Encoding"] = "identity"
    session.adapters.clear()
    session.mount("https://", adapter or PinnedAdapter(make_context(settings), settings.pool_size))
    session.mount("http://", RefusingAdapter())
    return session


def _read(response: requests.Response, exchange: Exchange) -> bytes:
    """Return the whole body. Raises UnacceptableAnswer, unread, when its form is strange; TooLong."""
    if not _is_plain(response.headers):
        raise UnacceptableAnswer
    body = bytearray()
    for chunk in response.iter_content(CHUNK_BYTES):
        body += chunk
        if len(body) > exchange.body_bytes:
            raise TooLong
    return bytes(body)


def _is_plain(headers: Mapping[str, str]) -> bool:
    """Tell whether a body is not encoded, and says in one way only where it ends."""
    encoding = headers.get("Content-Encoding", "identity").lower()
    return encoding == "identity" and not ("Content-Length" in headers and "Transfer-Encoding" in headers)
