"""Plugins and callers' objects that raise, with markers in everything an exception can hold."""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

from canaries.markers import Mint
from placement_client.clock import Deadline
from scheduler import DecisionRecord, FilterScheduler
from scheduler.hosts import HostSnapshot
from scheduler.weighers import Weighed


class Talkative(Exception):
    """What a plugin raises that says too much: text, arguments, notes, a cause, an attribute."""


def talk(mint: Mint) -> Talkative:
    """Return an exception that tells markers in every way."""
    text, token = mint.word("plugin text"), mint.word("token")
    error = Talkative(f"{text} {token}", {"password": mint.word("password")})
    error.add_note(f"{text} at https://user:{mint.word('URL password')}@{mint.word('host')}.test/")
    error.__cause__ = KeyError(f"{text} {token}", mint.uuid("instance"))
    error.secret = token  # type: ignore[attr-defined]  # exceptions of plugins have attributes of their own
    return error


class Broken:
    """A filter, weigher, host source, random source and observer that raises whenever it is asked."""

    name = "Broken"
    reason = "broken"

    def __init__(self, mint: Mint) -> None:
        self._mint = mint

    def _raise(self) -> Any:
        try:
            raise talk(self._mint)
        except Talkative as first:
            raise ValueError(f"{self._mint.word('plugin text')}") from first

    def passes(self, request: object, hosts: object) -> Any:
        """Raise as a filter."""
        return self._raise()

    def score(self, request: object, hosts: object) -> Any:
        """Raise as a weigher."""
        return self._raise()

    def snapshot(self, wanted: Collection[UUID] = (), deadline: Deadline | None = None) -> HostSnapshot:
        """Raise as a host source."""
        found: HostSnapshot = self._raise()
        return found

    def seed(self, request_id: str) -> bytes:
        """Raise as a random source."""
        seed: bytes = self._raise()
        return seed

    def __call__(self, record: DecisionRecord) -> None:
        """Raise as an observer."""
        self._raise()


def broken(mint: Mint) -> dict[str, Callable[[FilterScheduler], FilterScheduler]]:
    """Return, by what breaks, how to break a scheduler."""
    plugin = Broken(mint)

    def with_filter(sound: FilterScheduler) -> FilterScheduler:
        return replace(sound, plugins=replace(sound.plugins, filters=(*sound.plugins.filters, plugin)))

    def with_weigher(sound: FilterScheduler) -> FilterScheduler:
        return replace(sound, plugins=replace(sound.plugins, weighers=(*sound.plugins.weighers, Weighed(plugin, 1.0))))

    return {
        "filter": with_filter,
        "weigher": with_weigher,
        "host source": lambda sound: replace(sound, hosts=plugin),
        "random source": lambda sound: replace(sound, random_source=plugin),
        "observer": lambda sound: replace(sound, observers=(*sound.observers, plugin)),
    }
