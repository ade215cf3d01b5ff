"""Records in memory, for as long as the process lives."""

import threading
from collections import OrderedDict

from scheduler.explain.observers import Reader
from scheduler.model import DecisionRecord
from scheduler.records.packing import without_inputs

INPUT_ENTRIES = 20_000
"""Candidates, providers and facts whose inputs are kept, over all records; some 20 MiB."""


class MemoryRecords:
    """Keeps the newest records until the process ends, and the inputs of the newest of them."""

    def __init__(self, most: int, input_entries: int = INPUT_ENTRIES) -> None:
        self._most = most
        self._input_entries = input_entries
        self._records: OrderedDict[str, DecisionRecord] = OrderedDict()
        self._entries: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, record: DecisionRecord) -> None:
        """Keep a record, and forget the oldest one over the limit and the oldest inputs over theirs."""
        with self._lock:
            self._forget(record.request_id)
            self._records[record.request_id] = record
            if record.inputs is not None:
                self._entries[record.request_id] = record.inputs.entries
            while len(self._records) > self._most:
                self._forget(next(iter(self._records)))
            while sum(self._entries.values()) > self._input_entries:
                request_id, _ = self._entries.popitem(last=False)
                self._records[request_id] = without_inputs(self._records[request_id])

    def get(self, request_id: str) -> DecisionRecord | None:
        """Return the record of a request."""
        with self._lock:
            return self._records.get(request_id)

    def last(self) -> DecisionRecord | None:
        """Return the newest record."""
        with self._lock:
            return next(reversed(self._records.values()), None)

    def put_down(self, reader: Reader, request_id: str) -> None:
        """Do nothing: these records are for this process alone, whose log says who reads them."""

    def _forget(self, request_id: str) -> None:
        self._records.pop(request_id, None)
        self._entries.pop(request_id, None)
