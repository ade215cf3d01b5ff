"""One ``requests.Session`` of our own: https only, nothing from the environment, no redirects, no cookies, bounded."""

import ssl
from collections.abc import Callable, Mapping
from functools import lru_cache
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3.exceptions import HTTPError

from placement_client.errors import InsecureEndpoint
from placement_client.settings import PlacementSettings
from placement_client.transport.connection import BoundedPool, Received
from placement_client.transport.endpoints import HTTPS_PORT
from placement_client.transport.exchange import Exchange, TooLong, UnacceptableAnswer, current
from placement_client.transport.tls import make_context

CHUNK_BYTES: Final = 1 << 16

# Connections are kept to so many hosts; the identity service and Placement are two.
HOSTS: Final = 10

# What goes wrong on a connection, and what requests calls it; plugins of keystoneauth know no other names.
LOST: Final = (OSError, HTTPException, HTTPError)
NAMES: Final[tuple[tuple[type[Exception], type[requests.RequestException]], ...]] = (
    (ssl.SSLError, requests.exceptions.SSLError),
    (TimeoutError, requests.ReadTimeout),
    (Exception, requests.ConnectionError),
)

Certificate = bytes | str | tuple[bytes | str, bytes | str] | None


class PinnedAdapter(BaseAdapter):
    """Sends through our TLS context, whatever ``verify`` and ``cert`` a plugin asks for, and never resends."""

    def __init__(self, context: ssl.SSLContext, pool_size: int) -> None:
        super().__init__()
        # A pool that is dropped closes its connections when the last of its requests is done.
        self._pool = lru_cache(HOSTS)(lambda authority: _pool_at(authority, context, pool_size))

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Certificate = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send, noting that our own sockets see what is written; return the answer with its body unread.

        The timeouts are those of the exchange; proxies are never used. Raises InsecureEndpoint, RequestException.
        """
        exchange = current()
        if exchange is None:
            raise UnacceptableAnswer
        exchange.observed = True
        try:
            return _response(request, self._ask(request, exchange.body_bytes))
        except LOST as error:
            raise _lost(error, request) from error

    def close(self) -> None:
        """Close the connections that are kept."""
        self._pool.cache_clear()

    def _ask(self, request: requests.PreparedRequest, most: int) -> Received:
        body = request.body.encode() if isinstance(request.body, str) else request.body
        pool = self._pool(urlsplit(request.url or "").netloc)
        return pool.ask(request.method or "", request.path_url, body, request.headers, most)


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
        """Send one HTTP request of the identity plugin and return its answer with the body read.

        Raises InsecureEndpoint, UnacceptableAnswer, TimeoutError and whatever the adapter raises.
        """
        sent = super().send
        bounded = kwargs | {"stream": True, "allow_redirects": False}
        return _exchanged(request, lambda timeouts: sent(request, **bounded | {"timeout": timeouts}))

    def send_to_placement(self, request: requests.PreparedRequest) -> requests.Response:
        """Do the same for a request to Placement, without the cookies, hooks and redirects that requests adds."""
        adapter = self.get_adapter(request.url or "")
        return _exchanged(
            request, lambda timeouts: adapter.send(request, stream=True, timeout=timeouts), at_placement=True
        )

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Name no target: to prepare even an unwanted redirect, requests reads the body without a bound."""


def make_http_session(settings: PlacementSettings, adapter: BaseAdapter | None = None) -> BoundedSession:
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


def prepared(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> requests.PreparedRequest:
    """Return a request whose URL is plain already, with the headers as they are, and no cookies.

    Raises requests.exceptions.InvalidHeader.
    """
    request = requests.PreparedRequest()
    request.method, request.url, request.body = method, url, body
    request.prepare_headers(headers)
    request.prepare_content_length(body)
    return request


def _exchanged(
    request: requests.PreparedRequest,
    send: Callable[[tuple[float, float]], requests.Response],
    *,
    at_placement: bool = False,
) -> requests.Response:
    """Send within the current exchange, and read the body."""
    exchange = current()
    if exchange is None:
        raise UnacceptableAnswer
    exchange.reach.check_url(request.url or "")
    response = send(exchange.begin(at_placement=at_placement))
    exchange.head_is_read()
    try:
        body = _read(response, exchange)
    finally:
        # Gives a fully read connection back to the pool and closes any other.
        response.close()
    response._content = body  # noqa: SLF001 - requests has no public way to hand over a body read within a bound
    return response


def _read(response: requests.Response, exchange: Exchange) -> bytes:
    """Return the whole body. Raises UnacceptableAnswer, unread, when its form is strange; TooLong; RequestException."""
    if not _is_plain(response.headers):
        raise UnacceptableAnswer
    pieces, length = [], 0
    try:
        for piece in response.iter_content(CHUNK_BYTES):
            pieces.append(piece)
            length += len(piece)
            if length > exchange.body_bytes:
                raise TooLong
    except requests.RequestException:
        raise
    except LOST as error:
        raise _lost(error, response.request) from error
    return b"".join(pieces)


def _is_plain(headers: Mapping[str, str]) -> bool:
    """Tell whether a body is not encoded, and says in one way only where it ends."""
    encoding = headers.get("Content-Encoding", "identity").lower()
    in_chunks = headers.get("Transfer-Encoding")
    framed_once = in_chunks is None or (in_chunks.lower() == "chunked" and "Content-Length" not in headers)
    return encoding == "identity" and framed_once


def _pool_at(authority: str, context: ssl.SSLContext, size: int) -> BoundedPool:
    """Return a pool of connections to "host" or "host:port"."""
    parts = urlsplit(f"//{authority}")
    return BoundedPool(parts.hostname or "", parts.port or HTTPS_PORT, maxsize=size, ssl_context=context)


def _response(request: requests.PreparedRequest, received: Received) -> requests.Response:
    """Return an answer in the form that requests gives it; its cookies are not looked at."""
    response = requests.Response()
    response.status_code = received.answer.status
    response.reason = received.answer.reason
    response.headers = CaseInsensitiveDict(received.headers)
    response.encoding = get_encoding_from_headers(response.headers)
    response.raw, response.request, response.url = received, request, request.url or ""
    return response


def _lost(error: Exception, request: requests.PreparedRequest) -> requests.RequestException:
    name = next(name for kind, name in NAMES if isinstance(error, kind))
    return name(error, request=request)
