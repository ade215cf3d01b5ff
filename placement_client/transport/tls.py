"""TLS that trusts only what is configured, on sockets that keep the deadline of a whole call."""

import ssl
from typing import Any

from placement_client.settings import PlacementSettings
from placement_client.transport.exchange import current


class DeadlineSocket(ssl.SSLSocket):
    """A TLS socket whose every wait ends at the deadline of the current exchange.

    A plain timeout starts anew with each byte, so a server that drips holds a client for ever.
    """

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands within the time that is left."""
        exchange = current()
        if exchange:
            self.settimeout(exchange.wait_to_connect())
        super().do_handshake(block)

    def send(self, data: Any, flags: int = 0) -> int:
        """Write, after noting that from now on the request may have reached the server."""
        exchange = current()
        if exchange:
            self.settimeout(exchange.wait_to_transfer())
            exchange.written = True
        return super().send(data, flags)

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        """Read within the time that is left."""
        exchange = current()
        if exchange:
            self.settimeout(exchange.wait_to_transfer())
        return super().recv_into(buffer, nbytes, flags)


def make_context(settings: PlacementSettings) -> ssl.SSLContext:
    """Return a context for TLS 1.2 and later that verifies names and trusts only ``cafile``.

    The authorities of the system are trusted when no ``cafile`` is set. Raises OSError when a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = DeadlineSocket
    if settings.cafile is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.load_verify_locations(cafile=settings.cafile)
    if settings.certfile is not None:
        context.load_cert_chain(settings.certfile, settings.keyfile)
    return context
