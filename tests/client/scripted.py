"""A TLS server on loopback that does to each request exactly what a test says, and remembers what it saw."""

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

VERSION = {"OpenStack-API-Version": "placement 1.39"}


@dataclass(frozen=True)
class Seen:
    """One HTTP request as the server received it; header names are lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Handler = Callable[[ssl.SSLSocket, Seen], bool]


@dataclass
class ScriptedServer:
    """Answers with ``handler`` until it returns False, which closes the connection."""

    handler: Handler
    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"


def http(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """Return a complete HTTP answer; its length is said once, by the caller when chunks are."""
    length = {} if "Transfer-Encoding" in (headers or {}) else {"Content-Length": str(len(body))}
    fields = {"Content-Type": "application/json", **length, **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + body


def reply(status: int, body: Any = None, headers: dict[str, str] | None = None) -> Handler:
    """Answer every request so; the body becomes JSON unless it is bytes."""
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()

    def handler(connection: ssl.SSLSocket, seen: Seen) -> bool:
        connection.sendall(http(status, content, headers))
        return True

    return handler


def in_turn(*handlers: Handler) -> Handler:
    """Handle the first request by the first handler and so on, the rest by the last."""
    waiting = list(handlers)

    def handler(connection: ssl.SSLSocket, seen: Seen) -> bool:
        return (waiting.pop(0) if len(waiting) > 1 else waiting[0])(connection, seen)

    return handler


def reset(connection: ssl.SSLSocket, seen: Seen) -> bool:
    """Reset the connection without an answer, after the request was read."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def hang_up(connection: ssl.SSLSocket, seen: Seen) -> bool:
    """Close the connection without an answer."""
    return False


def drip(stream: bytes, tail: bytes, stop: threading.Event) -> Handler:
    """Send ``stream`` at once, then one byte of ``tail`` every 50 ms over and over."""

    def handler(connection: ssl.SSLSocket, seen: Seen) -> bool:
        connection.sendall(stream)
        while not stop.wait(0.05):
            connection.sendall(tail)
        return False

    return handler


def silent(stop: threading.Event) -> Handler:
    """Answer nothing at all."""

    def handler(connection: ssl.SSLSocket, seen: Seen) -> bool:
        stop.wait(10)
        return False

    return handler


@contextlib.contextmanager
def serve(context: ssl.SSLContext | None, handler: Handler) -> Iterator[ScriptedServer]:
    """Run a server on a free port; without a context it accepts connections and never shakes hands."""
    server = ScriptedServer(handler)
    listener = socket.create_server(("127.0.0.1", 0))
    server.port = listener.getsockname()[1]
    open_sockets: list[socket.socket] = [listener]
    threading.Thread(target=_accept, args=(listener, context, server, open_sockets), daemon=True).start()
    try:
        yield server
    finally:
        for each in open_sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def _accept(
    listener: socket.socket, context: ssl.SSLContext | None, server: ScriptedServer, open_sockets: list[socket.socket]
) -> None:
    with contextlib.suppress(OSError):
        while True:
            plain, _ = listener.accept()
            server.connections += 1
            open_sockets.append(plain)
            if context:
                threading.Thread(target=_talk, args=(plain, context, server), daemon=True).start()


def _talk(plain: socket.socket, context: ssl.SSLContext, server: ScriptedServer) -> None:
    with contextlib.suppress(OSError, ValueError), context.wrap_socket(plain, server_side=True) as connection:
        while True:
            seen = _receive(connection)
            if seen is None:
                return
            server.seen.append(seen)
            if not server.handler(connection, seen):
                return


def _receive(connection: ssl.SSLSocket) -> Seen | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    method, path, _ = first.split(" ")
    return Seen(method, path, headers, body)


class Authority:
    """A certificate authority of one test run."""

    def __init__(self, directory: Path) -> None:
        self.ca = trustme.CA()
        self.cafile = str(directory / "ca.pem")
        self.ca.cert_pem.write_to_path(self.cafile)

    def context(self, *names: str, **validity: Any) -> ssl.SSLContext:
        """Return the context of a server with these names, localhost by default."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("localhost", "127.0.0.1")), **validity).configure_cert(context)
        return context
