"""Names to addresses without waiting longer than asked: ``getaddrinfo`` itself knows no time limit."""

import socket
import threading
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final

# Family, type, protocol, canonical name and address, as socket.getaddrinfo returns them.
Found = tuple[Any, Any, int, str, Any]
GetAddrInfo = Callable[..., list[Found]]

# Lookups that hang stay behind as threads until the system gives them up; more than this are not begun.
MOST_LOOKUPS: Final = 8


class Lookup(threading.Thread):
    """One lookup; a daemon, so that one that hangs does not hold the end of the process."""

    def __init__(self, host: str, port: int, getaddrinfo: GetAddrInfo) -> None:
        super().__init__(name="placement-lookup", daemon=True)
        self._query = (host, port)
        self._getaddrinfo = getaddrinfo
        self.found: list[Found] = []

    def run(self) -> None:
        """Look the name up; whatever goes wrong, there are no addresses then."""
        try:
            self.found = self._getaddrinfo(*self._query, type=socket.SOCK_STREAM)
        except Exception:  # noqa: BLE001 - besides gaierror, a name may fail as UnicodeError; none may end in stderr
            self.found = []


class Resolver:
    """Looks names up in threads; those who ask for the same name at the same time share one."""

    def __init__(self, getaddrinfo: GetAddrInfo = socket.getaddrinfo) -> None:
        self._getaddrinfo = getaddrinfo
        self._lock = threading.Lock()
        self._running: dict[tuple[str, int], Lookup] = {}

    def addresses(self, host: str, port: int, seconds: float) -> list[Found]:
        """Return the addresses of a host. Raises TimeoutError after this many seconds, OSError when there are none."""
        if _is_literal(host):
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        lookup = self._lookup(host, port)
        lookup.join(seconds)
        if lookup.is_alive():
            raise TimeoutError
        if not lookup.found:
            raise OSError("the name of the host has no address")
        return lookup.found

    def _lookup(self, host: str, port: int) -> Lookup:
        """Return the running lookup of a name, or begin one. Raises OSError when too many hang."""
        with self._lock:
            # A fork leaves threads of its parent here that are not alive in it.
            self._running = {name: lookup for name, lookup in self._running.items() if lookup.is_alive()}
            lookup = self._running.get((host, port))
            if lookup is None:
                if len(self._running) >= MOST_LOOKUPS:
                    raise OSError("too many lookups of names hang")
                lookup = self._running[host, port] = Lookup(host, port, self._getaddrinfo)
                lookup.start()
            return lookup


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
