"""Who is told how a request ended."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from scheduler.model.decision import DecisionRecord

Observer = Callable[[DecisionRecord], None]


class Reader(Struct, frozen=True):
    """Somebody who asks for a record: who it is, and what it is done with ("explain", "replay")."""

    who: str
    command: str


class RecordStore(Protocol):
    """Keeps the newest records; any number of threads may use it."""

    def __call__(self, record: DecisionRecord) -> None:
        """Keep a record; it replaces an older one of the same request."""
        ...

    def get(self, request_id: str) -> DecisionRecord | None:
        """Return the record of a request, None when it is not (or no longer) kept. Raises DamagedRecord."""
        ...

    def last(self) -> DecisionRecord | None:
        """Return the newest record that can be read."""
        ...

    def put_down(self, reader: Reader, request_id: str) -> None:
        """Put down who reads a record, before it is shown. Raises AccessNotRecorded."""
        ...
