"""The file of an SQLite journal: made so that nobody else can read or replace it, refused when somebody could.

Beside it are SQLite's own files, and a lock file for each owner. The kernel frees a lock when its process dies, however
it dies, so that a lock which can be taken belongs to a dead owner. A lock file holds the number of changes that the
journal had when its owner last made one: a journal with fewer has lost some.
"""

import fcntl
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID, uuid4

from scheduler.errors import InvalidSettings

HEADER_BYTES = 100  # of an SQLite database; SQLite itself takes a file of one byte for an empty one
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def prepare(path: Path, fill: Callable[[Path], None]) -> None:
    """Make sure that the file is there and ours alone; a new one is filled before it gets its name.

    A journal therefore never is an empty file, and an empty file never is a journal. Raises InvalidSettings for a file
    or directory that others could read or replace, and whatever ``fill`` raises.
    """
    _make_directory(path.parent)
    _refuse(path.parent, _directory_problem(path.parent))
    with _locked(path.parent) as directory:
        if not os.path.lexists(path):
            _create(path, fill)
            os.fsync(directory)
    _refuse(path, _file_problem(path))


def _make_directory(path: Path) -> None:
    problem = ""
    try:
        path.mkdir(0o700)
        path.chmod(0o700)
        _sync(path.parent)
    except FileExistsError:
        return
    except OSError as error:
        problem = f"cannot be made: {error.strerror}"
    _refuse(path, problem)


def _directory_problem(path: Path) -> str:
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        return "is not a directory, or a symbolic link to one"
    return _owner_problem(found, "700")


def _file_problem(path: Path) -> str:
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        return "is not a regular file with a single name"
    if found.st_size < HEADER_BYTES:
        return "is empty, which no journal ever is; put the journal back, or remove the file to begin a new one"
    return _owner_problem(found, "600")


def _owner_problem(found: os.stat_result, mode: str) -> str:
    if found.st_uid != os.geteuid():
        return "belongs to another user"
    return f"is open to others; run chmod {mode} on it" if stat.S_IMODE(found.st_mode) & 0o077 else ""


def _refuse(path: Path, problem: str) -> None:
    if problem:
        raise InvalidSettings(f"[journal] connection: {path} {problem}")


def _create(path: Path, fill: Callable[[Path], None]) -> None:
    """Fill a file of another name and give it its own in one step; one process at a time does that."""
    unfinished = path.with_name(f"{path.name}.new-{uuid4()}")
    _make_file(unfinished)
    try:
        fill(unfinished)
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _locked(directory: Path) -> Iterator[int]:
    """Be the only process that makes a file in a directory; the kernel frees the lock, however this process ends."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield opened
    finally:
        os.close(opened)


def _make_file(path: Path) -> None:
    file = os.open(path, _NEW_FILE, 0o600)
    try:
        os.fchmod(file, 0o600)  # whatever the umask is
    finally:
        os.close(file)


def _sync(directory: Path) -> None:
    """Let new names in a directory outlive the power."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


class OwnerLocks:
    """The lock files of the owners of one journal."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._held: dict[UUID, int] = {}

    def take(self, owner: UUID) -> None:
        """Tell that an owner lives, until its process dies or ``give`` is called. Raises OSError."""
        lock = os.open(self._path(owner), _NEW_FILE, 0o600)
        self._held[owner] = lock
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def give(self, owner: UUID) -> None:
        """Tell that an owner lives no more."""
        lock = self._held.pop(owner, None)
        if lock is not None:
            self._path(owner).unlink(missing_ok=True)
            os.close(lock)

    def is_dead(self, owner: UUID) -> bool:
        """Tell whether nobody holds the lock of an owner; its file is then removed. Raises OSError."""
        try:
            lock = os.open(self._path(owner), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._path(owner).unlink()
        except BlockingIOError:
            return False
        finally:
            os.close(lock)
        return True

    def owners(self) -> set[UUID]:
        """Return the owners that have a lock file, dead or alive."""
        start = f"{self._journal.name}.owner-"
        names = [path.name.removeprefix(start) for path in self._journal.parent.glob(f"{start}*")]
        return {UUID(name) for name in names}

    def note(self, owner: UUID, changes: int) -> None:
        """Put down how many changes the journal has, after they were made; an older number, or none, is no lie."""
        number = changes.to_bytes(8, "big")
        with suppress(OSError):
            os.pwrite(self._held[owner], number + zlib.crc32(number).to_bytes(4, "big"), 0)

    def noted(self) -> int:
        """Return the highest number of changes that any owner put down, 0 when there is none."""
        return max((_number_in(self._path(owner)) for owner in self.owners()), default=0)

    def forget(self) -> None:
        """Let go of the descriptors that a forked child inherited, so that it does not keep its parent's locks."""
        while self._held:
            os.close(self._held.popitem()[1])

    def _path(self, owner: UUID) -> Path:
        return self._journal.with_name(f"{self._journal.name}.owner-{owner}")


def _number_in(path: Path) -> int:
    with suppress(FileNotFoundError):
        found = path.read_bytes()
        if len(found) == 12 and zlib.crc32(found[:8]) == int.from_bytes(found[8:], "big"):
            return int.from_bytes(found[:8], "big")
    return 0
