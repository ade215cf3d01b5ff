"""Guards on the loggers of the HTTP libraries, which print tokens, bodies and URLs. This package logs nothing."""

import logging
from typing import Final

PREFIXES: Final = ("keystoneauth", "keystoneauth1", "urllib3", "requests", "http.client")

# A filter on a logger does not see the records of its children, so each is named; Python offers no other way.
LOGGERS: Final = (
    *PREFIXES,
    *(
        f"keystoneauth.{name}"
        for name in (
            "session",
            "session.request",
            "session.response",
            "session.body",
            "session.request-id",
            "_utils",
            "adapter",
            "discover",
            "identity",
            "identity.base",
            "identity.generic",
            "identity.generic.base",
            "identity.v2",
            "identity.v3",
            "identity.v3.base",
            "identity.v3.federation",
            "identity.v3.oidc",
            "identity.v3.tokenless_auth",
            "identity.v3.websso",
            "loading",
            "loading.base",
            "extras.oauth1.v3",
        )
    ),
    "keystoneauth1.loading.base",
    "keystoneauth1.extras.oauth1.v3",
    *(
        f"urllib3.{name}"
        for name in ("connection", "connectionpool", "poolmanager", "response", "util.retry", "http2.connection")
    ),
    *(f"requests.{name}" for name in ("adapters", "sessions")),
)

WITHHELD: Final = "a message of this library was withheld, it may hold secrets"


class Guard(logging.Filter):
    """Drops what is below WARNING; of the rest only level and logger remain."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Empty a record, and tell whether it may pass."""
        record.msg, record.args = WITHHELD, ()
        record.exc_info = record.exc_text = record.stack_info = None
        return record.levelno >= logging.WARNING


GUARD: Final = Guard()


def install_guards() -> None:
    """Guard every logger of the HTTP libraries, known or already made; may be called again at any time."""
    made = [name for name in logging.root.manager.loggerDict if name.startswith(tuple(f"{p}." for p in PREFIXES))]
    for name in (*LOGGERS, *made):
        logging.getLogger(name).addFilter(GUARD)
