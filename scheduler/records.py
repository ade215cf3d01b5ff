"""Where decision records are kept: in memory, or in a directory that only the operator can read."""

import hashlib
import os
import re
import secrets
import stat
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import msgspec

from scheduler.errors import InvalidSettings, SchedulerError
from scheduler.model import DecisionRecord

MAX_BYTES = 64 << 20
STALE_NS = 3600 * 10**9

_REQUEST_ID = re.compile(r"req-[0-9a-f-]{36}")
_KEPT = re.compile(r"(req|other)-[0-9a-f-]{36,64}\.json")
_UNFINISHED = re.compile(r"\.[0-9a-f]{32}\.tmp")


class DamagedRecord(SchedulerError):
    """A record is there but cannot be read."""

    code = "damaged_record"


class MemoryRecords:
    """Keeps the newest records until the process ends."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._records: OrderedDict[str, DecisionRecord] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, record: DecisionRecord) -> None:
        """Keep a record, and forget the oldest one over the limit."""
        with self._lock:
            self._records.pop(record.request_id, None)
            self._records[record.request_id] = record
            while len(self._records) > self._most:
                self._records.popitem(last=False)

    def get(self, request_id: str) -> DecisionRecord | None:
        """Return the record of a request."""
        with self._lock:
            return self._records.get(request_id)

    def last(self) -> DecisionRecord | None:
        """Return the newest record."""
        with self._lock:
            return next(reversed(self._records.values()), None)


class _Entry(NamedTuple):
    """A file of the directory; sorts by age."""

    changed_ns: int
    name: str


class DirectoryRecords:
    """Keeps the newest records as files of mode 0600 in a directory of mode 0700; processes may share it.

    A file appears whole or not at all. One process never leaves more than ``most`` records, several may for a moment.
    The constructor raises InvalidSettings for a directory that others could read or replace.
    """

    def __init__(self, path: str, most: int) -> None:
        self._path = path
        self._most = most
        self._slack = most // 10  # room to grow between two listings of the directory
        self._until_prune = 0
        self._newest_ns = 0
        self._lock = threading.Lock()
        _make_directory(path)
        with self._opened():
            pass

    def __call__(self, record: DecisionRecord) -> None:
        """Write a record, and remove the oldest ones over the limit. Raises OSError when the disk refuses."""
        text = msgspec.json.encode(record)
        with self._lock, self._opened() as directory:
            self._newest_ns = _write(directory, _file_name(record.request_id), text, after_ns=self._newest_ns)
            if self._until_prune == 0:
                _prune(directory, self._most - self._slack, self._newest_ns)
            self._until_prune = (self._until_prune or self._slack + 1) - 1

    def get(self, request_id: str) -> DecisionRecord | None:
        """Return the record of a request. Raises DamagedRecord."""
        with self._opened() as directory:
            return _load(directory, _file_name(request_id))

    def last(self) -> DecisionRecord | None:
        """Return the newest record that can be read; damaged ones are passed over."""
        with self._opened() as directory:
            for entry in sorted(_entries(directory, _KEPT), reverse=True):
                with suppress(DamagedRecord):
                    record = _load(directory, entry.name)
                    if record is not None:
                        return record
        return None

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the directory for one operation, so that nobody can swap it between the check and the use."""
        directory = _open_directory(self._path)
        try:
            yield directory
        finally:
            os.close(directory)


def _make_directory(path: str) -> None:
    try:
        os.mkdir(path, 0o700)
        return
    except FileExistsError:
        return
    except OSError as error:
        reason = error.strerror
    raise InvalidSettings(f"[explain] record_dir: {path} cannot be made: {reason}")


def _open_directory(path: str) -> int:
    """Return a descriptor of the directory. Raises InvalidSettings unless it is ours alone."""
    try:
        directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        directory, problem = -1, f"is not a directory that can be opened ({error.strerror})"
    else:
        problem = _problem(os.fstat(directory))
    if not problem:
        return directory
    if directory >= 0:
        os.close(directory)
    raise InvalidSettings(f"[explain] record_dir: {path} {problem}")


def _problem(found: os.stat_result) -> str:
    if found.st_uid != os.geteuid():
        return "belongs to another user"
    return "is open to others; run chmod 700 on it" if stat.S_IMODE(found.st_mode) & 0o077 else ""


def _file_name(request_id: str) -> str:
    if _REQUEST_ID.fullmatch(request_id):
        return f"{request_id}.json"
    return f"other-{hashlib.sha256(request_id.encode(errors='surrogatepass')).hexdigest()}.json"


def _write(directory: int, name: str, text: bytes, after_ns: int) -> int:
    """Write a file whole and return its age mark, later than ``after_ns`` however coarse the clock of the disk is."""
    unfinished = f".{secrets.token_hex(16)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(unfinished, flags, 0o600, dir_fd=directory)
    try:
        with open(file, "wb") as stream:
            stream.write(text)
            stream.flush()
            changed_ns = max(os.fstat(file).st_mtime_ns, after_ns + 1)
            os.utime(file, ns=(changed_ns, changed_ns))
        os.replace(unfinished, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        _remove(directory, unfinished)
        raise
    return changed_ns


def _prune(directory: int, keep: int, now_ns: int) -> None:
    kept = sorted(_entries(directory, _KEPT))
    unfinished = [entry for entry in _entries(directory, _UNFINISHED) if entry.changed_ns < now_ns - STALE_NS]
    for entry in kept[: max(0, len(kept) - keep)] + unfinished:
        _remove(directory, entry.name)


def _remove(directory: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=directory)


def _entries(directory: int, pattern: re.Pattern[str]) -> Iterator[_Entry]:
    with os.scandir(directory) as found:
        for item in found:
            if pattern.fullmatch(item.name):
                with suppress(FileNotFoundError):  # another process pruned it
                    yield _Entry(item.stat(follow_symlinks=False).st_mtime_ns, item.name)


def _load(directory: int, name: str) -> DecisionRecord | None:
    try:
        return msgspec.json.decode(_content(directory, name), type=DecisionRecord)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    raise DamagedRecord("The record of this request is there, but its file is damaged.")


def _content(directory: int, name: str) -> bytes:
    def opener(path: str, flags: int) -> int:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)

    with open(name, "rb", opener=opener) as stream:
        return stream.read(MAX_BYTES)
