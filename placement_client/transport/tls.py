"""TLS that trusts only what is configured, on sockets that keep the deadline of a whole call."""

import os
import ssl
import stat
from pathlib import Path
from typing import Any, Final

from placement_client.settings import PlacementSettings
from placement_client.transport.exchange import current

# Keys, signatures and hashes of at least 112 bits: no RSA below 2048, no SHA-1.
SECURITY_LEVEL: Final = 2

# Nobody else may read a key; a group may, but not write it, as packages install keys of root for a service's group.
EXPOSED: Final = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP


class ExposedKey(OSError):
    """A private key that others could have read or written."""


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
        """Read within the time that is left, and within the bound of the answer."""
        exchange = current()
        if exchange:
            self.settimeout(exchange.wait_to_transfer())
        count = super().recv_into(buffer, nbytes, flags)
        if exchange:
            exchange.receive(count)
        return count


def make_context(settings: PlacementSettings) -> ssl.SSLContext:
    """Return a context for TLS 1.2 and later that verifies names and trusts only ``cafile``.

    The authorities of the system are trusted when no ``cafile`` is set. Raises OSError when a file cannot be used,
    ExposedKey when others may read the private key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = DeadlineSocket
    raise_security_level(context)
    if settings.cafile is None:
        _trust_system(context)
    else:
        context.load_verify_locations(cafile=settings.cafile)
    if settings.certfile is not None:
        _check_key(settings.keyfile or settings.certfile)
        # Without a password, OpenSSL would ask for that of an encrypted key on the terminal.
        context.load_cert_chain(settings.certfile, settings.keyfile, password="")  # nosec B106  # none is given
    return context


def raise_security_level(context: ssl.SSLContext) -> None:
    """Ask for level 2 at least: how Python or OpenSSL is built and configured may ask for more, but not for less."""
    if context.security_level < SECURITY_LEVEL:
        context.set_ciphers(f"DEFAULT:@SECLEVEL={SECURITY_LEVEL}")


def _trust_system(context: ssl.SSLContext) -> None:
    """Trust the authorities of the system, not those that SSL_CERT_FILE and SSL_CERT_DIR name.

    Raises FileNotFoundError when OpenSSL has none.
    """
    paths = ssl.get_default_verify_paths()
    cafile = paths.openssl_cafile if Path(paths.openssl_cafile).is_file() else None
    capath = paths.openssl_capath if Path(paths.openssl_capath).is_dir() else None
    if cafile is None and capath is None:
        raise FileNotFoundError
    context.load_verify_locations(cafile, capath)


def _check_key(file: str) -> None:
    """Raise ExposedKey unless the file belongs to this user or to root, and others have no access."""
    status = os.stat(file)
    if status.st_mode & EXPOSED or status.st_uid not in (0, os.geteuid()):
        raise ExposedKey
