"""A TLS proxy that does to a call what a network, a balancer or a stranger could do; it knows where calls begin.

    with FaultProxy(server.port, server.cafile) as proxy:
        proxy.play({2: lose_answer})    # the second call from now on meets this fault
        ...                             # somebody uses proxy.url and trusts proxy.cafile
        proxy.heal()                    # what is held back arrives, and nothing is disturbed any more

A fault is a function of the exchange it happens to. The proxy speaks TLS to both sides, with a certificate of its own.
"""

import contextlib
import select
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme

HOST = "127.0.0.1"
SERVER_TIMEOUT_S = 60.0
HANGUP_S = 20.0


class Cut(StrEnum):
    """How a connection ends: with a TCP reset, with a bare FIN, or as TLS says goodbye."""

    RESET = "reset"
    FIN = "fin"
    GOODBYE = "goodbye"


class Exchange:
    """One call on its way through the proxy, and what a fault can do to it; numbers start at 1.

    ``request`` and ``reply`` are the bytes of both messages as far as they are known.
    """

    def __init__(self, number: int, client: "Line", server: "Server", hold_back: Callable[[bytes, int], None]) -> None:
        self.number = number
        self.request = b""
        self.reply = b""
        self._client = client
        self._server = server
        self._hold_back = hold_back

    @property
    def title(self) -> str:
        """Return method and path, without the query."""
        return b" ".join(self.request.split(b" ", 2)[:2]).partition(b"?")[0].decode("latin-1")

    def receive(self) -> bytes:
        """Read the whole request from the client."""
        self.request = self.request or read_message(self._client.stream)
        return self.request

    def receive_only(self, size: int) -> None:
        """Read this many bytes of the request, or to its end; they reach the server, whose connection is then cut."""
        self.request = self._client.stream.read(size) if size else b""
        self._server.deliver_part(self.request)

    def deliver(self) -> bytes:
        """Let the server act on the request and return its reply; a second time is a second delivery."""
        self.reply = self._server.deliver(self.receive())
        return self.reply

    def answer(self, message: bytes) -> None:
        """Send these bytes to the client."""
        self._client.send(message)

    def cut(self, how: Cut) -> None:
        """End the connection to the client."""
        self._client.cut(how)

    def wait_for_hangup(self) -> None:
        """Say nothing until the client gives up, then end the connection."""
        self._client.wait_for_hangup()
        self.cut(Cut.FIN)

    def arrive_late(self, after: int) -> None:
        """Hold the request back; it reaches the server before the ``after``-th call from here, or when all heals."""
        self._hold_back(self.receive(), self.number + after)


Fault = Callable[[Exchange], None]


def pass_on(exchange: Exchange) -> None:
    """Disturb nothing."""
    exchange.answer(exchange.deliver())


class FaultProxy:
    """Listens on a port of its own in front of the server at ``port``, which ``cafile`` vouches for."""

    def __init__(self, port: int, cafile: Path) -> None:
        self._server = Server(port, cafile)
        self._lock = threading.Lock()
        self._faults: Mapping[int, Fault] = {}
        self._late: list[tuple[int, bytes]] = []
        self._lines: set[Line] = set()
        self._stack = contextlib.ExitStack()
        self.exchanges: list[Exchange] = []
        self.healed: list[Exchange] = []
        self.cafile: Path
        self.port: int

    @property
    def url(self) -> str:
        """Return the endpoint, without a slash at the end."""
        return f"https://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fault-proxy-")))
            context = self._make_certificate(directory)
            listening = stack.enter_context(socket.create_server((HOST, 0), backlog=64))
            self.port = listening.getsockname()[1]
            stack.callback(self._hang_up)
            # Closing does not wake a thread that waits in accept; shutting down does.
            stack.callback(listening.shutdown, socket.SHUT_RDWR)
            threading.Thread(target=self._accept, args=(listening, context), daemon=True).start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def play(self, faults: Mapping[int, Fault]) -> None:
        """Forget the calls so far; from now on, call number n meets ``faults[n]``."""
        with self._lock:
            self.exchanges = []
            self._faults = faults

    def heal(self) -> None:
        """Let everything held back arrive, and disturb nothing any more; the calls until now are in ``healed``."""
        self._deliver_late(None)
        self.healed = self.exchanges
        self.play({})

    def _make_certificate(self, directory: Path) -> ssl.SSLContext:
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(HOST).configure_cert(context)
        self.cafile = directory / "ca.pem"
        authority.cert_pem.write_to_path(str(self.cafile))
        return context

    def _accept(self, listening: socket.socket, context: ssl.SSLContext) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return  # the proxy was closed
            threading.Thread(target=self._serve, args=(connection, context), daemon=True).start()

    def _serve(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        """Handle one connection of a client, call by call, until either side ends it."""
        with contextlib.suppress(OSError, ValueError), connection:
            line = Line(context.wrap_socket(connection, server_side=True))
            with self._known(line):
                while line.begins():
                    exchange, fault = self._next(line)
                    self._deliver_late(exchange.number)
                    fault(exchange)

    @contextlib.contextmanager
    def _known(self, line: "Line") -> Iterator[None]:
        self._lines.add(line)
        try:
            yield
        finally:
            self._lines.discard(line)
            line.cut(Cut.FIN)

    def _next(self, line: "Line") -> tuple[Exchange, Fault]:
        with self._lock:
            exchange = Exchange(len(self.exchanges) + 1, line, self._server, self._hold)
            self.exchanges.append(exchange)
            return exchange, self._faults.get(exchange.number, pass_on)

    def _hold(self, request: bytes, due: int) -> None:
        with self._lock:
            self._late.append((due, request))

    def _deliver_late(self, number: int | None) -> None:
        """Deliver what was held back until this call; None delivers everything."""
        with self._lock:
            arriving = [request for due, request in self._late if number is None or due <= number]
            self._late = [(due, request) for due, request in self._late if number is not None and due > number]
        for request in arriving:
            self._server.deliver(request)

    def _hang_up(self) -> None:
        for line in list(self._lines):
            line.cut(Cut.FIN)
        self._server.close()


class Line:
    """The connection to a client."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection
        self.stream: BufferedReader = connection.makefile("rb")

    def begins(self) -> bool:
        """Wait for the first byte of a call; False when the connection ended instead."""
        return bool(self.stream.peek(1))

    def send(self, message: bytes) -> None:
        """Send these bytes."""
        self._connection.sendall(message)

    def cut(self, how: Cut) -> None:
        """End the connection; what the client has not read yet is lost with a reset."""
        with contextlib.suppress(OSError, ValueError):
            if how is Cut.GOODBYE:
                self._connection.settimeout(0.05)
                self._connection.unwrap()
            if how is Cut.RESET:
                self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                socket.socket.shutdown(self._connection, socket.SHUT_RDWR)
        self.stream.close()
        self._connection.close()

    def wait_for_hangup(self) -> None:
        """Wait until the client ends the connection."""
        self._connection.settimeout(HANGUP_S)
        with contextlib.suppress(OSError):
            self.stream.read(1)


class Server:
    """The connection to the real server: one for all, as it serves one request at a time; made again when it broke."""

    def __init__(self, port: int, cafile: Path) -> None:
        self._port = port
        self._context = ssl.create_default_context(cafile=str(cafile))
        self._connection: ssl.SSLSocket | None = None
        self._lock = threading.Lock()

    def deliver(self, request: bytes) -> bytes:
        """Send a whole request and return the whole reply."""
        with self._lock:
            connection = self._connection if self._connection and not _ended(self._connection) else self._connect()
            self._connection = None
            connection.sendall(request)
            with connection.makefile("rb") as stream:
                reply = read_message(stream)
            if b"connection: close" in reply.partition(b"\r\n\r\n")[0].lower():
                connection.close()
            else:
                self._connection = connection
            return reply

    def deliver_part(self, part: bytes) -> None:
        """Send the beginning of a request on a connection of its own, and cut it."""
        with self._connect() as connection:
            connection.sendall(part)

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            if self._connection:
                self._connection.close()

    def _connect(self) -> ssl.SSLSocket:
        raw = socket.create_connection((HOST, self._port), timeout=SERVER_TIMEOUT_S)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._context.wrap_socket(raw, server_hostname=HOST)


def read_message(stream: BufferedReader) -> bytes:
    """Return one HTTP request or reply, byte for byte. Raises ConnectionResetError when it ends too early."""
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            raise ConnectionResetError
        head += line
    fields = _fields(bytes(head))
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        return bytes(head) + _read_chunks(stream)
    return bytes(head) + _read_exactly(stream, int(fields.get(b"content-length", b"0")))


def _fields(head: bytes) -> dict[bytes, bytes]:
    pairs = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _read_chunks(stream: BufferedReader) -> bytes:
    body = bytearray()
    size = -1
    while size:
        line = stream.readline()
        size = int(line.split(b";")[0], 16)
        body += line + _read_exactly(stream, size + 2)
    return bytes(body)


def _read_exactly(stream: BufferedReader, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise ConnectionResetError
    return data


def _ended(connection: ssl.SSLSocket) -> bool:
    """Tell whether the other side ended a connection on which nothing is expected."""
    return bool(select.select([connection], [], [], 0)[0])
