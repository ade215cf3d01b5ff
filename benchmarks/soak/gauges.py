"""What this process and its journal hold at one moment (Linux)."""

import gc
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

_SELF = Path("/proc/self")


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What is held after so many requests, none of which is going on.

    ``files`` are open descriptors without the sockets; ``objects`` those that the garbage collector tracks, after it
    has run; ``claims`` and ``holds`` the rows of the journal.
    """

    requests: int
    rss_kib: int
    objects: int
    threads: int
    sockets: int
    files: int
    claims: int
    holds: int
    journal_kib: int


@dataclass(frozen=True, slots=True)
class Gauges:
    """Reads what is held.

    The connection to the journal stays open: SQLite may leave the file of one that is closed open for a while.
    """

    folder: Path
    database: sqlite3.Connection

    def sample(self, requests: int) -> Sample:
        """Return what is held now, after so many requests."""
        gc.collect()
        links = _open_files()
        sockets = sum(link.startswith("socket:") for link in links)
        return Sample(
            requests=requests,
            rss_kib=_rss_kib(),
            objects=len(gc.get_objects()),
            threads=len(os.listdir(_SELF / "task")),
            sockets=sockets,
            files=len(links) - sockets,
            claims=self._count("SELECT count(*) FROM claims"),
            holds=self._count("SELECT count(*) FROM holds"),
            journal_kib=sum(file.stat().st_size for file in self.folder.iterdir()) // 1024,
        )

    def _count(self, question: str) -> int:
        (count,) = self.database.execute(question).fetchone()
        return int(count)


@contextmanager
def gauges(journal: Path) -> Iterator[Gauges]:
    """Yield the gauges of this process, whose journal is this SQLite file, alone in its folder."""
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as database:
        found = Gauges(journal.parent, database)
        found.sample(0)  # opens what stays open
        yield found


def _rss_kib() -> int:
    resident = int((_SELF / "statm").read_text().split()[1])
    return resident * resource.getpagesize() // 1024


def _open_files() -> list[str]:
    """Return what each open descriptor leads to; the one that lists them is closed by then."""
    links = []
    for number in os.listdir(_SELF / "fd"):
        try:
            links.append(os.readlink(_SELF / "fd" / number))
        except FileNotFoundError:
            continue
    return links
