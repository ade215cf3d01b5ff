"""Files in a directory of mode 0700: how they are named, written whole, listed, removed and read."""

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from scheduler.errors import InvalidSettings
from scheduler.records.packing import MAX_BYTES

STALE_NS = 3600 * 10**9
KEPT = re.compile(r"(req|other)-[0-9a-f-]{36,64}\.json")

_REQUEST_ID = re.compile(r"req-[0-9a-f-]{36}")
_UNFINISHED = re.compile(r"\.[0-9a-f]{32}\.tmp")


class Limits(NamedTuple):
    """How much a directory holds: records, bytes, and nanoseconds that a record is kept."""

    records: int
    size: int
    age_ns: int


class Entry(NamedTuple):
    """A file of the directory; sorts by age."""

    changed_ns: int
    name: str
    size: int


def make_directory(path: str) -> None:
    """Make a directory of mode 0700 unless something is there already. Raises InvalidSettings."""
    try:
        os.mkdir(path, 0o700)
        return
    except FileExistsError:
        return
    except OSError as error:
        reason = error.strerror
    raise InvalidSettings(f"[explain] record_dir: {path} cannot be made: {reason}")


def open_directory(path: str) -> int:
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


def name_of(request_id: str) -> str:
    """Return the name of the file of a request, whatever its id is."""
    if _REQUEST_ID.fullmatch(request_id):
        return f"{request_id}.json"
    return f"other-{hashlib.sha256(request_id.encode(errors='surrogatepass')).hexdigest()}.json"


def write(directory: int, name: str, text: bytes, after_ns: int) -> int:
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


def prune(directory: int, limits: Limits, now_ns: int) -> None:
    """Remove what is too old, the oldest over the limits (never the newest), and what killed writers left."""
    size = 0
    for number, entry in enumerate(sorted(entries(directory, KEPT), reverse=True)):
        size += entry.size
        too_many = number >= limits.records or size > limits.size
        if (too_many and number) or entry.changed_ns < now_ns - limits.age_ns:
            _remove(directory, entry.name)
    for entry in entries(directory, _UNFINISHED):
        if entry.changed_ns < now_ns - STALE_NS:
            _remove(directory, entry.name)


def entries(directory: int, pattern: re.Pattern[str]) -> Iterator[Entry]:
    """Yield the files whose names match."""
    with os.scandir(directory) as found:
        for item in found:
            if pattern.fullmatch(item.name):
                with suppress(FileNotFoundError):  # another process pruned it
                    status = item.stat(follow_symlinks=False)
                    yield Entry(status.st_mtime_ns, item.name, status.st_size)


def content_of(directory: int, name: str) -> bytes:
    """Return what a file holds. Raises OSError, also for a link or a directory."""

    def opener(path: str, flags: int) -> int:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)

    with open(name, "rb", opener=opener) as stream:
        return stream.read(MAX_BYTES)


def _remove(directory: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=directory)
