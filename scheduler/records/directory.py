"""Records in a directory that only the operator can read; processes may share it."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from placement_client.clock import SYSTEM_CLOCK, Clock
from scheduler.explain.observers import Reader
from scheduler.model import DecisionRecord
from scheduler.records import access, files
from scheduler.records.packing import DamagedRecord, decoded, encoded

DAY_NS = 86_400 * 10**9
PRUNE_EVERY_NS = 3600 * 10**9


class _Left(NamedTuple):
    """What may still be written before the directory is listed and pruned again, and until when."""

    records: int = 0
    size: int = 0
    until_ns: int = 0

    def after(self, size: int) -> "_Left":
        return self._replace(records=self.records - 1, size=self.size - size)

    def is_over(self, now_ns: int) -> bool:
        return min(self.records, self.size) < 0 or now_ns > self.until_ns


class DirectoryRecords:
    """Keeps the newest records as files of mode 0600 in a directory of mode 0700.

    A file appears whole or not at all. One process never leaves more than ``most`` records or ``max_total_bytes``,
    several may for a moment; records older than ``keep_days`` go when a record is written or a store is made. The
    constructor raises InvalidSettings for a directory that others could read or replace.
    """

    def __init__(
        self,
        path: str,
        most: int,
        *,
        max_record_bytes: int = 4 << 20,
        max_total_bytes: int = 512 << 20,
        keep_days: float = 30.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._path = path
        self._limits = files.Limits(most, max_total_bytes, int(keep_days * DAY_NS))
        self._max_record_bytes = max_record_bytes
        self._clock = clock
        self._left = _Left()
        self._newest_ns = 0
        self._lock = threading.Lock()
        files.make_directory(path)
        with self._opened() as directory:
            files.prune(directory, self._limits, int(clock.wall() * 10**9))

    def __call__(self, record: DecisionRecord) -> None:
        """Write a record, and remove the oldest ones over the limits. Raises OSError when the disk refuses."""
        text = encoded(record, self._max_record_bytes)
        with self._lock, self._opened() as directory:
            name = files.name_of(record.request_id)
            self._newest_ns = files.write(directory, name, text, after_ns=self._newest_ns)
            self._left = self._left.after(len(text))
            if self._left.is_over(self._newest_ns):
                self._left = self._pruned(directory)

    def get(self, request_id: str) -> DecisionRecord | None:
        """Return the record of a request. Raises DamagedRecord."""
        with self._opened() as directory:
            return _load(directory, files.name_of(request_id))

    def last(self) -> DecisionRecord | None:
        """Return the newest record that can be read; damaged ones are passed over."""
        with self._opened() as directory:
            for entry in sorted(files.entries(directory, files.KEPT), reverse=True):
                with suppress(DamagedRecord):
                    record = _load(directory, entry.name)
                    if record is not None:
                        return record
        return None

    def put_down(self, reader: Reader, request_id: str) -> None:
        """Put down who reads a record, in the access log beside the records. Raises AccessNotRecorded."""
        with self._opened() as directory:
            access.append(directory, reader, request_id, self._clock.wall())

    def _pruned(self, directory: int) -> _Left:
        """Make room for some records, so that the directory need not be listed for each of them."""
        limits = self._limits
        slack = files.Limits(limits.records // 10, limits.size // 10, limits.age_ns)
        smaller = files.Limits(limits.records - slack.records, limits.size - slack.size, limits.age_ns)
        files.prune(directory, smaller, self._newest_ns)
        until_ns = self._newest_ns + min(PRUNE_EVERY_NS, limits.age_ns // 10)
        return _Left(slack.records, slack.size, until_ns)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the directory for one operation, so that nobody can swap it between the check and the use."""
        directory = files.open_directory(self._path)
        try:
            yield directory
        finally:
            os.close(directory)


def _load(directory: int, name: str) -> DecisionRecord | None:
    try:
        content = files.content_of(directory, name)
    except FileNotFoundError:
        return None
    except OSError:
        content = b""  # a link or a directory in its place is as little a record as nothing is
    return decoded(content)
