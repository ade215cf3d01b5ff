"""Connections that are made, and whose answers are read, within the bounds of the current exchange."""

import contextlib
import errno
import socket
import ssl
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from typing import Final, cast

from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection

from placement_client.transport.exchange import Exchange, current
from placement_client.transport.lookup import Found

# A server may answer before it has read everything, and close; then writing fails, and there is an answer to read.
ANSWERED: Final = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EPROTOTYPE})


class BoundedConnection(HTTPSConnection):
    """Looks up, checks and connects within the deadline; lets go of a connection on which too much was said."""

    def _new_conn(self) -> socket.socket:
        """Return a socket to the first address that answers. Raises InsecureEndpoint and OSError."""
        exchange = current()
        if exchange is None:
            raise OSError("a connection belongs to an exchange")
        return _connect(exchange, self._dns_host, self.port)

    @property
    def is_connected(self) -> bool:
        """Tell whether the connection may be used again: open, and nothing unasked was read already."""
        return super().is_connected and isinstance(self.sock, ssl.SSLSocket) and not self.sock.pending()

    def ask(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> HTTPResponse:
        """Send a request and return its answer, the head of which is read. Raises OSError and HTTPException.

        Both are left to ``http.client``: what urllib3 adds to it (repeating, redirects, decompression) is not wanted.
        """
        if self.is_closed:
            self.connect()
        try:
            HTTPConnection.request(self, method, target, body, headers)
        except OSError as error:
            if error.errno not in ANSWERED:
                raise
        return HTTPConnection.getresponse(self)


class BoundedPool(HTTPSConnectionPool):
    """A pool of such connections."""

    ConnectionCls = BoundedConnection

    def ask(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], most: int) -> "Received":
        """Send a request over a connection that is at hand, or a new one; ``most`` bounds the body of the answer.

        Raises OSError and HTTPException.
        """
        connection = cast("BoundedConnection", self._get_conn())
        try:
            return Received(connection.ask(method, target, body, headers), most, connection, self)
        except BaseException:
            connection.close()
            raise

    def keep(self, connection: BoundedConnection) -> None:
        """Keep a connection for the next request."""
        self._put_conn(connection)


class Received:
    """An answer of which the head is read; its connection goes back to the pool when the body is read to its end.

    Names of ``headers`` are lower case. Raises HTTPException when they say in two ways how long the body is.
    """

    def __init__(self, answer: HTTPResponse, most: int, connection: BoundedConnection, pool: BoundedPool) -> None:
        self.answer = answer
        self.headers = _joined(answer.headers.items())
        if len({length.strip() for length in self.headers.get("content-length", "").split(",")}) > 1:
            raise HTTPException
        self._left = most + 1
        self._connection: BoundedConnection | None = connection
        self._pool = pool

    def read(self, amount: int) -> bytes:
        """Return so many bytes of the body, fewer at its end, and none after one byte too many.

        Raises OSError and HTTPException.
        """
        piece = self.answer.read(min(amount, self._left))
        self._left -= len(piece)
        if not piece and self._left and self.answer.length:
            raise IncompleteRead(b"", self.answer.length)
        return piece

    def release_conn(self) -> None:
        """Give the connection back when the body was read to its end, and close it otherwise; requests calls this."""
        connection = self._connection
        if connection is not None and self.answer.isclosed() and not connection.is_closed:
            self._connection = None
            self._pool.keep(connection)
        self.close()

    def close(self) -> None:
        """Close the connection unless it was given back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self.answer.close()
            connection.close()


def _joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return values by lower-case names: those of one name joined, and what was folded made one line."""
    headers: dict[str, str] = {}
    for name, value in fields:
        key, line = name.lower(), _unfolded(value) if "\r\n" in value else value
        headers[key] = f"{headers[key]}, {line}" if key in headers else line
    return headers


def _unfolded(value: str) -> str:
    return " ".join(line.strip(" \t") for line in value.split("\r\n"))


def _connect(exchange: Exchange, host: str, port: int) -> socket.socket:
    """Return a socket to the host, trying its addresses in turn. Raises InsecureEndpoint and OSError."""
    bare = host.strip("[]")
    found = exchange.resolver.addresses(bare, port, exchange.wait_to_connect())
    for *_, address in found:
        exchange.reach.check_address(bare, cast("str", address[0]))
    for candidate in found:
        with contextlib.suppress(OSError):
            return _connected(exchange, candidate)
    raise OSError("no address of the host could be connected to")


def _connected(exchange: Exchange, candidate: Found) -> socket.socket:
    """Return a connected socket. Raises OSError, TimeoutError at the deadline."""
    family, kind, protocol, _, address = candidate
    plain = socket.socket(family, kind, protocol)
    try:
        plain.settimeout(exchange.wait_to_connect())
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.connect(address)
    except BaseException:
        plain.close()
        raise
    return plain
