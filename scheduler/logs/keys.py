"""The key of the pseudonyms, in a file that only its owner can read."""

import os
import stat

from placement_client.secret import Secret
from scheduler.errors import InvalidSettings

KEY_BYTES = 32
MAX_KEY_BYTES = 4096


def key_from_file(path: str, option: str = "pseudonym_key_file") -> Secret[bytes]:
    """Return the key in a file; InvalidSettings unless only its owner, who we are, can read it."""
    try:
        with open(path, "rb", opener=_without_following) as stream:
            problem = _problem(os.fstat(stream.fileno()))
            key = Secret(b"" if problem else stream.read(MAX_KEY_BYTES))
    except OSError as error:
        problem, key = f"cannot be opened ({error.strerror})", Secret(b"")
    if not problem and len(key.reveal()) < KEY_BYTES:
        problem = f"holds less than {KEY_BYTES} bytes"
    if problem:
        how = f"make one with: (umask 077; head -c {KEY_BYTES} /dev/urandom > FILE)"
        raise InvalidSettings(f"[logging] {option}: {path} {problem}; {how}")
    return key


def _without_following(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _problem(found: os.stat_result) -> str:
    if not stat.S_ISREG(found.st_mode):
        return "is not a regular file"
    if found.st_uid != os.geteuid():
        return "belongs to another user"
    return "can be read by others" if stat.S_IMODE(found.st_mode) & 0o077 else ""
