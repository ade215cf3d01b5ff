"""Who read which record: one line a reading, written before the record is handed out."""

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from scheduler.errors import SchedulerError
from scheduler.explain.observers import Reader

LOG = "access.log"
EARLIER = "access.log.1"
MAX_BYTES = 1 << 20
"""Of each of the two files; a full one takes the place of the earlier one."""


class AccessNotRecorded(SchedulerError):
    """It could not be put down who reads a record, so it is not shown."""

    code = "access_not_recorded"


def append(directory: int, reader: Reader, request_id: str, at: float, max_bytes: int = MAX_BYTES) -> None:
    """Append a line to the access log of a directory and wait for the disk; ``at`` is seconds since the epoch.

    A line is a JSON object in ASCII. Raises AccessNotRecorded.
    """
    line = json.dumps({"at": round(at, 3), "who": reader.who, "command": reader.command, "request_id": request_id})
    try:
        with _locked(directory):
            _write(directory, line.encode() + b"\n", max_bytes)
        return
    except OSError as error:
        problem = error.strerror or "it cannot be written"
    raise AccessNotRecorded(f"The record is not shown, as the reading could not be put down: {LOG}: {problem}.")


@contextmanager
def _locked(directory: int) -> Iterator[None]:
    """Keep other processes from writing or turning the log over meanwhile."""
    fcntl.flock(directory, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(directory, fcntl.LOCK_UN)


def _write(directory: int, line: bytes, max_bytes: int) -> None:
    _turn_over(directory, max_bytes - len(line))
    log = _open(directory)
    try:
        _write_whole(log, line)
    finally:
        os.close(log)


def _turn_over(directory: int, room: int) -> None:
    with suppress(FileNotFoundError):
        if os.stat(LOG, dir_fd=directory, follow_symlinks=False).st_size > max(0, room):
            os.replace(LOG, EARLIER, src_dir_fd=directory, dst_dir_fd=directory)


def _open(directory: int) -> int:
    """Return a descriptor of the log. Raises OSError unless it is a file that is ours alone."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    log = os.open(LOG, flags, 0o600, dir_fd=directory)
    found = os.fstat(log)
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and not found.st_mode & 0o077:
        return log
    os.close(log)
    raise OSError(0, "it is not a file that only its owner can read")


def _write_whole(log: int, line: bytes) -> None:
    length = os.fstat(log).st_size
    if os.write(log, line) < len(line):
        os.ftruncate(log, length)
        raise OSError(0, "the disk is full")
    os.fsync(log)
