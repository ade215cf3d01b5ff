"""What this process and its journal hold at one moment (Linux)."""

import gc
import os
import resource
import sqlite3
from contextlib import closing
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


def sample(requests: int, journal: Path) -> Sample:
    """Return what is held now; ``journal`` is the SQLite file, with its log beside it."""
    gc.collect()
    links = _open_files()
    sockets = sum(link.startswith("socket:") for link in links)
    claims, holds = _rows(journal)
    return Sample(
        requests=requests,
        rss_kib=_rss_kib(),
        objects=len(gc.get_objects()),
        threads=len(os.listdir(_SELF / "task")),
        sockets=sockets,
        files=len(links) - sockets,
        claims=claims,
        holds=holds,
        journal_kib=sum(file.stat().st_size for file in journal.parent.iterdir()) // 1024,
    )


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


def _rows(journal: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(journal)) as database:
        claims, holds = (database.execute(f"SELECT count(*) FROM {name}").fetchone() for name in ("claims", "holds"))
    return int(claims[0]), int(holds[0])
