"""Many requests on one journal: it stays as small as its settings say. python -m tests.journal.soak 100000"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import true

from placement_client.clock import SYSTEM_CLOCK
from scheduler.claims.states import ClaimEvent
from tests.journal.claims import TO_COMMITTED, a_claim, a_journal, advanced, released

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
    kept = len(journal._thread.call(lambda: journal._read(true())))
    journal.close()
    return Soaked(sizes[len(sizes) // 4], sizes[-1], kept, forgotten, 1000 * spent / requests)


def serve(journal, *, give_up: bool) -> None:
    claim = a_claim()
    journal.begin(claim)
    if give_up:
        released(journal, advanced(journal, claim, ClaimEvent.ACCEPTED, ClaimEvent.ABANDONED))
    else:
        advanced(journal, claim, *TO_COMMITTED)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        print(soak(Path(directory), int(sys.argv[1])))
