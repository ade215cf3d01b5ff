"""The corpus: hostile behaviours by name, and the one error that a read and a write may end in."""

import contextlib
import gzip
import json
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from placement_client.errors import (
    BadAnswer,
    DeadlineExceeded,
    NotAuthorized,
    NotSent,
    OutcomeUnknown,
    PlacementError,
)
from tests.client.hostile import certificates, raw
from tests.client.hostile.certificates import DAY, NOW
from tests.client.hostile.raw import Deed, RawServer, serve_raw
from tests.client.scripted import VERSION, Authority, Handler, ScriptedServer, Seen, drip, http, serve, silent

TEXT = "CANARY-TEXT"
CONSUMER = "6a3f1a51-9c0f-4f5e-8a4a-2b7f3c0de111"
HELD = {
    "allocations": {CONSUMER: {"resources": {"VCPU": 1}, "generation": 3}},
    "consumer_generation": 1,
    "project_id": TEXT,
    "user_id": TEXT,
    "consumer_type": "INSTANCE",
}
BODY = json.dumps(HELD).encode()

Error = type[PlacementError]
Server = ScriptedServer | RawServer


@dataclass(frozen=True)
class Stage:
    """What a behaviour may use: authorities, a place for files, another server, and the end of the test."""

    authority: Authority
    stranger: Authority
    directory: Path
    thief: ScriptedServer
    stop: threading.Event


@dataclass(frozen=True)
class Hostile:
    """One behaviour; ``read`` and ``write`` are the errors in which a call to it ends."""

    serve: Callable[[Stage], contextlib.AbstractContextManager[Server]]
    read: Error
    write: Error


CORPUS: dict[str, Hostile] = {}


def below_tls(name: str, read: Error, deed: Callable[[Stage], Deed]) -> None:
    """Add a behaviour of bare connections; nothing is ever sent to it."""
    CORPUS[name] = Hostile(lambda stage: serve_raw(deed(stage)), read, read)


def in_tls(name: str, context: Callable[[Stage], ssl.SSLContext]) -> None:
    """Add a server whose TLS is refused; nothing is ever sent to it."""
    CORPUS[name] = Hostile(lambda stage: serve(context(stage), _send(http(200, BODY, VERSION))), NotSent, NotSent)


def in_http(name: str, read: Error, write: Error, handler: Callable[[Stage], Handler]) -> None:
    """Add a server that is trusted, and answers so."""
    CORPUS[name] = Hostile(lambda stage: serve(stage.authority.context(), handler(stage)), read, write)


def bytes_of(name: str, stream: bytes, read: Error = OutcomeUnknown) -> None:
    """Add a server that sends these bytes and closes; a write is in doubt then."""
    in_http(name, read, OutcomeUnknown, lambda stage: _send(stream))


def answer(name: str, body: bytes, status: int = 200, **headers: str) -> None:
    """Add a server whose complete answer is not believed."""
    fields = VERSION | {key.replace("_", "-"): value for key, value in headers.items()}
    bytes_of(name, http(status, body, fields), BadAnswer)


def endless(name: str, head: bytes, piece: bytes, read: Error = BadAnswer) -> None:
    """Add a server that never stops sending."""
    in_http(name, read, OutcomeUnknown, lambda stage: _flood(head, piece, stage.stop))


def _send(stream: bytes) -> Handler:
    return lambda connection, seen: connection.sendall(stream) or False


def _flood(head: bytes, piece: bytes, stop: threading.Event) -> Handler:
    def handler(connection: ssl.SSLSocket, seen: Seen) -> bool:
        connection.sendall(head)
        while not stop.is_set():
            connection.sendall(piece)
        return False

    return handler


def _lines(*lines: str, body: bytes = b"") -> bytes:
    return ("".join(f"{line}\r\n" for line in lines) + "\r\n").encode("latin-1") + body


OK = ("HTTP/1.1 200 OK", "Content-Type: application/json", "OpenStack-API-Version: placement 1.39")
CHUNKED = _lines(*OK, "Transfer-Encoding: chunked")
LENGTH = f"Content-Length: {len(BODY)}"
IN_CHUNKS = f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n0\r\n\r\n"
MEGABYTE = 1 << 20

below_tls("no tls at all", NotSent, lambda stage: raw.plain_text)
below_tls("close at once", NotSent, lambda stage: raw.close_at_once)
below_tls("no handshake", DeadlineExceeded, lambda stage: lambda connection: stage.stop.wait(10))
below_tls("handshake drip", DeadlineExceeded, lambda stage: raw.drip_handshake(stage.authority.context(), stage.stop))

in_tls("tls 1.1 only", lambda stage: certificates.tls_1_1_only(stage.authority.context()))
in_tls("wrong authority", lambda stage: stage.stranger.context())
in_tls("wrong name", lambda stage: stage.authority.context("elsewhere.test"))
in_tls("expired", lambda stage: stage.authority.context(not_before=NOW - 2 * DAY, not_after=NOW - DAY))
in_tls("not yet valid", lambda stage: stage.authority.context(not_before=NOW + DAY, not_after=NOW + 2 * DAY))
in_tls("self-signed", lambda stage: certificates.self_signed(stage.directory))

in_http("silent", DeadlineExceeded, OutcomeUnknown, lambda stage: silent(stage.stop))
for _name, _head, _drop in (
    ("status drip", b"HTTP/1.1 2", b"0"),
    ("header drip", _lines(*OK)[:-2] + b"X-Long: ", b"a"),
    ("body drip", _lines(*OK, "Content-Length: 5000"), b" "),
    ("chunk drip", CHUNKED, b"1\r\n \r\n"),
    ("chunk size drip", CHUNKED, b"0"),
    ("trailer drip", CHUNKED + b"0\r\nX-Long: ", b"a"),
    ("continue drip", b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
):
    in_http(_name, DeadlineExceeded, OutcomeUnknown, lambda stage, _h=_head, _d=_drop: drip(_h, _d, stage.stop))

endless("endless status line", b"HTTP/1.1 200 ", b"a" * MEGABYTE)
endless("endless header line", _lines(*OK)[:-2] + b"X-Long: ", b"a" * MEGABYTE)
endless("endless continue", b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
endless("endless body", _lines(*OK), b" " * MEGABYTE)
endless("endless chunks", CHUNKED, b"100000\r\n" + b" " * MEGABYTE + b"\r\n")
endless("endless small chunks", CHUNKED, b"1\r\n \r\n" * 10_000)
endless("endless chunk size", CHUNKED, b"0" * MEGABYTE, OutcomeUnknown)
endless("endless chunk extension", CHUNKED + b"1;", b"a" * MEGABYTE, OutcomeUnknown)
endless("endless trailer line", CHUNKED + b"0\r\nX-Long: ", b"a" * MEGABYTE, OutcomeUnknown)
endless("endless trailers", CHUNKED + b"0\r\n", b"X-Name: value\r\n" * 10_000)
bytes_of("10,000 headers", _lines(*OK, *(f"X-{number}: {TEXT}" for number in range(10_000)), LENGTH, body=BODY))
bytes_of("99 headers of 60 KiB", _lines(*OK, *(f"X-{number}: {'a' * 60_000}" for number in range(99))), BadAnswer)
bytes_of("header of 70 KiB", _lines(*OK, f"X: {'a' * 70_000}", LENGTH, body=BODY), BadAnswer)

BOMB = gzip.compress(b" " * (64 * MEGABYTE), 6)
for _encoding, _body in (
    ("gzip", BOMB),
    ("x-gzip", BOMB),
    ("GZIP", BOMB),
    ("deflate", zlib.compress(b" " * (10 * MEGABYTE), 9)),
    ("identity, gzip", BOMB),
    ("br", b"\x8b\x00\x80"),
    ("zstd", b"(\xb5/\xfd"),
    ("", BODY),
):
    answer(f"content encoding {_encoding!r}", _body, Content_Encoding=_encoding)

answer("long body", b" " * (MEGABYTE + 1))
answer("html", b"<html>CANARY-TEXT</html>", Content_Type="text/html")
answer("json that says it is html", BODY, Content_Type="text/html")
answer("no content type", BODY, Content_Type="")
answer("another charset", BODY, Content_Type="application/json; charset=utf-16")
answer("NaN", BODY.replace(b": 1}", b": NaN}"))
answer("duplicate keys", BODY[:-1] + b', "consumer_generation": 2}')
answer("nesting", b'{"allocations": ' + b"[" * 100_000)
answer("nesting in an unknown field", b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")
answer("not json", TEXT.encode())
answer("utf-16", BODY.decode().encode("utf-16"))
answer("another version", BODY, OpenStack_API_Version="placement 1.38")
answer("the oldest version", BODY, OpenStack_API_Version="placement 1.0")
answer("another service", BODY, OpenStack_API_Version="compute 1.39")
answer("a refusal of nobody", json.dumps({"errors": [{"status": 409, "detail": TEXT}]}).encode(), 409)
answer("refusal in html", b"<html>CANARY-TEXT</html>", 409, Content_Type="text/html")
answer("proxy asks for a password", BODY, 407, Proxy_Authenticate="Basic realm=CANARY-TEXT")
bytes_of("no version", http(200, BODY), BadAnswer)
bytes_of("two versions", _lines(*OK, "OpenStack-API-Version: placement 1.0", LENGTH, body=BODY), BadAnswer)
bytes_of("two content types", _lines(*OK, "Content-Type: text/html", LENGTH, body=BODY), BadAnswer)
bytes_of("switching protocols", _lines("HTTP/1.1 101 Switching Protocols", "Upgrade: h2c", body=BODY), BadAnswer)
bytes_of("early hints only", _lines("HTTP/1.1 103 Early Hints", "Link: </x>; rel=preload"), BadAnswer)

bytes_of("early close", _lines(*OK, "Content-Length: 5000", body=BODY))
bytes_of("cut in the head", b"HTTP/1.1 200 OK\r\nContent-Ty", BadAnswer)
bytes_of("cut in a chunk", CHUNKED + b"1000\r\n" + BODY)
bytes_of("length too short", _lines(*OK, "Content-Length: 10", body=BODY), BadAnswer)
bytes_of("negative length", _lines(*OK, "Content-Length: -1", body=BODY + b"x"), BadAnswer)
bytes_of("length that is text", _lines(*OK, "Content-Length: ten", body=BODY + b"x"), BadAnswer)
bytes_of("two lengths", _lines(*OK, LENGTH, "Content-Length: 10", body=BODY))
bytes_of("length and chunks", _lines(*OK, LENGTH, "Transfer-Encoding: chunked", body=IN_CHUNKS), BadAnswer)
bytes_of("chunk size that is text", CHUNKED + b"CANARY-TEXT\r\n")
bytes_of("http 0.9", BODY)
bytes_of("http 2", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18)
bytes_of("status that is text", b"HTTP/1.1 CANARY-TEXT OK\r\n\r\n")
bytes_of("status of four digits", b"HTTP/1.1 1000 OK\r\n\r\n")
bytes_of("nothing but line ends", b"\r\n" * 10_000)
bytes_of("zeros", b"\0" * 10_000)

for _status in (301, 302, 303, 305, 307, 308):
    in_http(
        f"{_status} to a thief",
        BadAnswer,
        OutcomeUnknown,
        lambda stage, _s=_status: _send(http(_s, BODY, VERSION | {"Location": f"{stage.thief.url}/{TEXT}"})),
    )
in_http(
    "other ways to point to a thief",
    BadAnswer,
    OutcomeUnknown,
    lambda stage: _send(
        http(
            300,
            BODY,
            VERSION
            | {
                "Alt-Svc": f'h2="localhost:{stage.thief.port}"',
                "Refresh": f"0; url={stage.thief.url}",
                "Content-Location": stage.thief.url,
                "Link": f"<{stage.thief.url}>; rel=canonical",
            },
        )
    ),
)
in_http("401 for ever", NotAuthorized, NotAuthorized, lambda stage: _send(http(401, TEXT.encode())))


@contextlib.contextmanager
def on_stage(hostile: Hostile, stage: Stage) -> Iterator[Any]:
    """Run the server of a behaviour; at the end it stops whatever it does."""
    with hostile.serve(stage) as server:
        try:
            yield server
        finally:
            stage.stop.set()
