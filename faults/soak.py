"""Many requests on one journal: it stays as small as its settings say."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from faults.written import TO_COMMITTED, a_claim, a_journal, advanced, released
from placement_client.clock import SYSTEM_CLOCK
from scheduler.claims.journal import Journal
from scheduler.claims.states import ClaimEvent

KEEP = 500


@dataclass(frozen=True, slots=True)
class Soaked:
    """What was left after the first part and at the end, and how long a request took."""

    bytes_early: int
    bytes_at_end: int
    kept: int
    forgotten: int
    ms_per_request: float


def soak(directory: Path, requests: int, *, durable: bool = True) -> Soaked:
    """Serve requests, every third of which is given up; prune now and then as the heartbeat does."""
    journal = a_journal(f"sqlite:///{directory}/journal.sqlite", keep_claims=KEEP, durable=durable)
    sizes, forgotten, started = [], 0, SYSTEM_CLOCK.monotonic()
    for number in range(1, requests + 1):
        serve(journal, give_up=number % 3 == 0)
        if number % (KEEP // 2) == 0:
            forgotten += journal.prune()
            sizes.append(sum(path.stat().st_size for path in directory.iterdir()))
    spent = SYSTEM_CLOCK.monotonic() - started
    journal.close()
    kept = _kept(directory)
    return Soaked(sizes[len(sizes) // 4], sizes[-1], kept, forgotten, 1000 * spent / requests)


def _kept(directory: Path) -> int:
    with closing(sqlite3.connect(directory / "journal.sqlite")) as database:
        (kept,) = database.execute("SELECT count(*) FROM claims").fetchone()
    return int(kept)


def serve(journal: Journal, *, give_up: bool) -> None:
    """Write down everything that happens to one request."""
    claim = a_claim()
    journal.begin(claim)
    if give_up:
        released(journal, advanced(journal, claim, ClaimEvent.ACCEPTED, ClaimEvent.ABANDONED))
    else:
        advanced(journal, claim, *TO_COMMITTED)
