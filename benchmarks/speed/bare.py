"""The calls of a request with nothing around them: what was sent once, sent again by a bare HTTPS connection."""

import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Self
from uuid import UUID

import requests

from benchmarks.speed.clock import Spent, spent
from benchmarks.speed.stage import PATIENCE_S, Consumers
from benchmarks.speed.wire import Wire
from placement_client.testing import PlacementServer
from placement_client.testing.faults import Forward


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it goes over the wire."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Recorder:
    """Puts down every call that passes; it is played as a fault that does no harm."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __call__(self, request: requests.PreparedRequest, forward: Forward) -> requests.Response:
        """Put a call down and let it pass."""
        body = request.body or b""
        sent = body if isinstance(body, bytes) else str(body).encode()
        self.calls.append(Call(request.method or "", request.path_url, dict(request.headers), sent))
        return forward()


def fresh(calls: Sequence[Call], consumers: Consumers) -> list[Call]:
    """Return the same calls for consumers that never were before."""
    writes = [json.loads(call.body) for call in calls if call.body]
    written = list(dict.fromkeys(consumer for write in writes for consumer in write))
    emptied = {consumer for write in writes for consumer, held in write.items() if not held["allocations"]}
    names = dict(zip(written, consumers.new(len(written)), strict=True))
    consumers.forget([names[one] for one in emptied])
    return [replace(call, body=_renamed(call.body, names)) for call in calls]


def _renamed(body: bytes, names: Mapping[str, UUID]) -> bytes:
    for old, new in names.items():
        body = body.replace(old.encode(), str(new).encode())
    return body


class Bare:
    """One keep-alive connection to a server; a context manager."""

    def __init__(self, server: PlacementServer, wire: Wire | None = None) -> None:
        context = ssl.create_default_context(cafile=str(server.cafile))
        if wire:
            wire.watch(context)
        self._connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    def disconnect(self) -> None:
        """Close the connection; what is sent next makes another."""
        self._connection.close()

    def send(self, calls: Sequence[Call]) -> None:
        """Send calls one after the other, and read every answer. Raises RuntimeError for a refusal."""
        for call in calls:
            self._connection.request(call.method, call.path, call.body or None, dict(call.headers))
            answer = self._connection.getresponse()
            body = answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{call.method} {call.path}: {answer.status} {body[:200]!r}")


def sent(
    lanes: Sequence[Bare], calls: Sequence[Call], consumers: Consumers, count: int, wire: Wire | None = None
) -> Spent:
    """Send the calls of as many requests; the connection that is free takes the next, as the threads of a pool do."""
    requests, free = [fresh(calls, consumers) for _ in range(count)], SimpleQueue[Bare]()
    for lane in lanes:
        free.put(lane)

    def send(request: Sequence[Call]) -> None:
        lane = free.get()
        try:
            lane.send(request)
        finally:
            free.put(lane)

    if len(lanes) == 1:
        return spent(lambda: list(map(send, requests)), wire)
    with ThreadPoolExecutor(len(lanes)) as pool:
        return spent(lambda: list(pool.map(send, requests)))
