"""What went wrong with the database, as a stable code; the text of the database never leaves this file."""

import errno

from sqlalchemy.exc import DBAPIError

from scheduler.claims.sql_rows import DamagedClaim
from scheduler.errors import JournalUnavailable

FULL, BUSY, IO, LOST = "journal_full", "journal_busy", "journal_io", "journal_lost"
DAMAGED, READ_ONLY, FAILED = "journal_damaged", "journal_read_only", "journal_failed"

_SQLITE = {
    "SQLITE_FULL": FULL,
    "SQLITE_BUSY": BUSY,
    "SQLITE_LOCKED": BUSY,
    "SQLITE_PROTOCOL": BUSY,
    "SQLITE_IOERR": IO,
    "SQLITE_CANTOPEN": IO,
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_NOTADB": DAMAGED,
    "SQLITE_READONLY": READ_ONLY,
}
# By the longest prefix of the SQLSTATE (PostgreSQL manual, appendix A).
_POSTGRESQL = {
    "53100": FULL,
    "53": BUSY,
    "55P03": BUSY,
    "57014": BUSY,
    "40": BUSY,
    "58": IO,
    "08": LOST,
    "57": LOST,
    "25006": READ_ONLY,
    "XX": DAMAGED,
}
_ERRNO = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EIO: IO, errno.EROFS: READ_ONLY}


def unavailable(reason: str, why: str = "") -> JournalUnavailable:
    """Return the error that the journal answers with; ``why`` is words of our own."""
    return JournalUnavailable(reason=reason, detail=f"The journal of claims cannot be used ({why or reason}).")


def reason_of(error: Exception) -> str:
    """Return the code of whatever the database, its driver or the operating system raised."""
    if isinstance(error, DamagedClaim):
        return DAMAGED
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, OSError):
        return _ERRNO.get(cause.errno or 0, FAILED)
    name = getattr(cause, "sqlite_errorname", None) or ""
    if name:
        return next((code for start, code in _SQLITE.items() if name.startswith(start)), FAILED)
    state = getattr(cause, "sqlstate", None) or ""
    fitting = [start for start in _POSTGRESQL if state.startswith(start)]
    if fitting:
        return _POSTGRESQL[max(fitting, key=len)]
    return LOST if was_lost(error) else FAILED


def was_lost(error: Exception) -> bool:
    """Tell whether the connection was gone, so that a new one may do."""
    return isinstance(error, DBAPIError) and error.connection_invalidated
