"""How long a client waits for a server: the time in which its TLS sockets read.

A server that collects its garbage takes 140 ms longer for every second question. What is left when the waiting is
taken away is the client's own, whatever the server did meanwhile.
"""

import ssl
import time
from typing import Any


class Wire:
    """Adds up the seconds in which sockets of watched contexts read."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def watch(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Let the sockets of a context count; return it."""
        wire = self

        class Watched(context.sslsocket_class):  # type: ignore[misc, name-defined]  # what a context makes is a value
            def read(self, *arguments: Any) -> Any:
                started = time.perf_counter()
                try:
                    return super().read(*arguments)
                finally:
                    wire.seconds += time.perf_counter() - started

        context.sslsocket_class = Watched
        return context
