"""Where a process spends its time, by room: what cProfile counts, each function by the file that it stands in."""

import cProfile
import sysconfig
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

from benchmarks.results import ROOT

STANDARD = Path(sysconfig.get_path("stdlib"))
PACKAGES = Path(sysconfig.get_path("purelib"))
WAITING = ("'read' of '_ssl.", "'get' of '_queue.", "'acquire' of '_thread.")
"""What waits for a server, or for another thread, rather than works."""
IN_C = {"numpy": "numpy", "sqlite3": "SQLite and the disk", "_ssl": "TLS", "msgspec": "msgspec"}
"""Libraries whose functions in C are told from those who call them, by a word in the functions' names."""
ELSEWHERE = "Python itself"


class Threads:
    """Profiles the block of a ``with`` in this thread, and whatever new threads do."""

    def __init__(self) -> None:
        self._here = cProfile.Profile()
        self._profiles = [self._here]

    def __enter__(self) -> None:
        self._here.enable()

    def __exit__(self, *_: object) -> None:
        self._here.disable()

    @contextmanager
    def of_new_threads(self) -> Iterator[None]:
        """Profile the threads that are started in the block, to their end."""
        threading.setprofile(self._begin)
        try:
            yield
        finally:
            threading.setprofile(None)

    def seconds(self, depth: int) -> Mapping[str, float]:
        """Return the seconds of each room until now."""
        return added_up(pair for profile in self._profiles for pair in by_room(profile, depth).items())

    def _begin(self, *_: object) -> None:
        profile = cProfile.Profile()
        self._profiles.append(profile)
        profile.enable()


def by_room(profile: cProfile.Profile, depth: int) -> Mapping[str, float]:
    """Return the seconds of each room; waiting counts for none.

    A room is a folder or file of ours, so many names deep, a package of others, or Python itself. What is written in C
    counts for its library where that is told apart, and else for whoever called it.
    """
    return added_up(_shares(profile, depth))


def _shares(profile: cProfile.Profile, depth: int) -> Iterator[tuple[str, float]]:
    for entry in profile.getstats():
        if not isinstance(entry.code, CodeType):
            continue
        room = room_of(entry.code.co_filename, depth)
        yield room, entry.inlinetime
        for called in entry.calls or ():
            if not isinstance(called.code, CodeType) and not _waits(called.code):
                yield _library(called.code) or room, called.inlinetime


def added_up(shares: Iterable[tuple[str, float]]) -> Mapping[str, float]:
    """Return the sum of each name's shares, the largest first."""
    sums: dict[str, float] = defaultdict(float)
    for name, share in shares:
        sums[name] += share
    return dict(sorted(sums.items(), key=lambda pair: -pair[1]))


def calls(profile: cProfile.Profile) -> tuple[int, int]:
    """Return how many functions in Python and in C were called."""
    entries: list[Any] = profile.getstats()
    python = sum(entry.callcount for entry in entries if isinstance(entry.code, CodeType))
    return python, sum(entry.callcount for entry in entries) - python


def room_of(file: str, depth: int) -> str:
    """Return the room that a file belongs to."""
    path = Path(file)
    if path.is_relative_to(PACKAGES):
        return path.relative_to(PACKAGES).parts[0].removesuffix(".py")
    if path.is_relative_to(ROOT):
        return "/".join(path.relative_to(ROOT).with_suffix("").parts[:depth])
    return ELSEWHERE


def _waits(name: str) -> bool:
    return any(part in name for part in WAITING)


def _library(name: str) -> str | None:
    return next((library for word, library in IN_C.items() if word in name), None)
