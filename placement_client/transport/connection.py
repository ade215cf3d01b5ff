"""Connections that are made, and whose answers are read, within the bounds of the current exchange."""

import contextlib
import socket
import ssl
from typing import cast

from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection

from placement_client.transport.exchange import Exchange, current
from placement_client.transport.lookup import Found


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


class BoundedPool(HTTPSConnectionPool):
    """A pool of such connections."""

    ConnectionCls = BoundedConnection


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
