"""What is logged: one record a request, in which identifiers are keyed pseudonyms and nothing else is a tenant's.

The record goes to the standard logger ``scheduler``; oslo.log formats it when the application set that up.
"""

import base64
import hashlib
import hmac
import logging
import os
import re
import stat
from collections.abc import Iterator

from oslo_config import cfg
from oslo_log import log

from scheduler.errors import InvalidSettings
from scheduler.model import DecisionRecord, Round

LOG = logging.getLogger("scheduler")
KEY_BYTES = 32
MAX_KEY_BYTES = 4096
TROUBLE = frozenset({"unavailable", "in_doubt"})

_CODE = re.compile(r"[A-Za-z0-9_]{1,64}")


class Pseudonyms:
    """Names for identifiers that only the holder of the key can make, and nobody can turn back.

    Host names and the like are easily guessed, so that a hash without a key would hide nothing.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, kind: str, identifier: object) -> str:
        """Return "kind~" and 16 letters; an identifier always gets the same ones under the same key."""
        text = f"{kind}\0{identifier}".encode(errors="surrogatepass")
        digest = hmac.new(self._key, text, hashlib.sha256).digest()
        return f"{kind}~{base64.b32encode(digest)[:16].decode().lower()}"


def key_from_file(path: str) -> bytes:
    """Return the key in a file; InvalidSettings unless only its owner, who we are, can read it."""
    try:
        with open(path, "rb", opener=_without_following) as stream:
            problem = _problem(os.fstat(stream.fileno()))
            key = b"" if problem else stream.read(MAX_KEY_BYTES)
    except OSError as error:
        problem, key = f"cannot be opened ({error.strerror})", b""
    if not problem and len(key) < KEY_BYTES:
        problem = f"holds less than {KEY_BYTES} bytes"
    if problem:
        how = f"make one with: (umask 077; head -c {KEY_BYTES} /dev/urandom > FILE)"
        raise InvalidSettings(f"[logging] pseudonym_key_file: {path} {problem}; {how}")
    return key


def _without_following(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _problem(found: os.stat_result) -> str:
    if not stat.S_ISREG(found.st_mode):
        return "is not a regular file"
    if found.st_uid != os.geteuid():
        return "belongs to another user"
    return "can be read by others" if stat.S_IMODE(found.st_mode) & 0o077 else ""


class RequestLog:
    """An observer that logs one record for each request, whatever its outcome.

    To be called outside ``except`` blocks: oslo.log adds the text of an active exception to warnings.
    """

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms

    def __call__(self, record: DecisionRecord) -> None:
        """Log a request at INFO, or at WARNING when its outcome is an outage or not known."""
        level = logging.WARNING if record.outcome in TROUBLE else logging.INFO
        if LOG.isEnabledFor(level):
            fields = " ".join(f"{name}={value}" for name, value in self._fields(record))
            LOG.log(level, "request decided: %s", fields)

    def _fields(self, record: DecisionRecord) -> Iterator[tuple[str, object]]:
        """Give codes, counts and times; whatever a tenant may have chosen becomes a pseudonym."""
        last = record.rounds[-1] if record.rounds else Round(candidates=0, hosts=0)
        yield "request", self._pseudonyms("request", record.request_id)
        yield "project", self._pseudonyms("project", record.project_id)
        yield "outcome", record.outcome
        yield "reason", record.reason if _CODE.fullmatch(record.reason) else "-"
        yield "instances", len(record.instances)
        yield "rounds", len(record.rounds)
        yield "candidates", last.candidates
        yield "hosts", last.hosts
        yield "verified_providers", sum(round_.verified_providers for round_ in record.rounds)
        yield "probes", len(record.probes)
        yield "placement_calls", record.placement_calls
        yield "total_ms", f"{record.timings.total_ms:.1f}"
        yield "candidates_ms", f"{record.timings.candidates_ms:.1f}"
        yield "select_ms", f"{record.timings.select_ms:.1f}"
        yield "claim_ms", f"{record.timings.claim_ms:.1f}"


def setup(conf: cfg.ConfigOpts) -> None:
    """Set up oslo.log for our own command line, from the files that ``conf`` was read from. Raises InvalidSettings.

    oslo.log wants its options registered before the files are read and changes the root logger when that happens. A
    library must not do that to its application, so it happens here, on options of its own.
    """
    own = cfg.ConfigOpts()
    log.register_options(own)
    own(args=[], default_config_files=conf.config_file or [], default_config_dirs=[], use_env=False)
    try:
        log.setup(own, "placement-scheduler", fix_eventlet=False)
        return
    except (cfg.Error, log.LogConfigError, OSError, ValueError) as error:
        problem = type(error).__name__
    raise InvalidSettings(f"[DEFAULT] the options of oslo.log cannot be used ({problem})")
