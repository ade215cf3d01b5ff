"""A server on loopback that handles bare connections: for what goes wrong below HTTP and TLS."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.client.scripted import Seen

Deed = Callable[[socket.socket], None]


@dataclass
class RawServer:
    """Does the deed to every connection."""

    port: int
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"


@contextlib.contextmanager
def serve_raw(deed: Deed) -> Iterator[RawServer]:
    """Run a server on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RawServer(listener.getsockname()[1])
        threading.Thread(target=_accept, args=(listener, deed, server), daemon=True).start()
        yield server
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, deed: Deed, server: RawServer) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            server.connections += 1
            threading.Thread(target=_do, args=(connection, deed), daemon=True).start()


def _do(connection: socket.socket, deed: Deed) -> None:
    with contextlib.suppress(OSError), connection:
        deed(connection)


def plain_text(connection: socket.socket) -> None:
    """Speak HTTP without TLS."""
    connection.sendall(b"HTTP/1.1 200 CANARY-TEXT\r\nContent-Length: 2\r\n\r\n{}")
    connection.recv(1 << 16)


def close_at_once(connection: socket.socket) -> None:
    """Close before a handshake."""


def drip_handshake(context: ssl.SSLContext, stop: threading.Event) -> Deed:
    """Shake hands properly, but one byte every 20 ms."""

    def deed(connection: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        while not stop.is_set():
            incoming.write(connection.recv(1 << 16))
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
            for byte in outgoing.read():
                connection.sendall(bytes([byte]))
                stop.wait(0.02)

    return deed


def remember_http(seen: list[Seen]) -> Deed:
    """Answer one plain HTTP request with 200, remembering it: a server that a token must never reach."""

    def deed(connection: socket.socket) -> None:
        head = connection.recv(1 << 16).partition(b"\r\n\r\n")[0].decode("latin-1")
        first, *lines = head.split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, path, _ = first.split(" ")
        seen.append(Seen(method, path, fields, b""))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    return deed
