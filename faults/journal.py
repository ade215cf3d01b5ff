"""The file of a journal after damage, and after many requests.

Files are cut and bits are changed at evenly spread places, beginning with the seed: each damaged journal must be
refused, or say exactly what was written down. Then one journal serves many requests, and must stay small.
"""

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from faults import damage
from faults.fleet import LANES, spread
from faults.report import Failure, Options, Report, Row
from faults.soak import KEEP, Soaked, soak
from placement_client.clock import SYSTEM_CLOCK

MAKERS = {"closed": damage.closed_journal, "crashed": damage.crashed_journal}
FILES = {"closed": ("journal.sqlite",), "crashed": ("journal.sqlite", "journal.sqlite-wal")}
PLACES, QUICK_PLACES = 20_000, 60
REQUESTS, QUICK_REQUESTS = 100_000, 2_000
GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Way:
    """A way to damage a journal: which one, which of its files, and whether it is cut or has a bit changed."""

    journal: str
    file: str
    how: str


@dataclass(frozen=True, slots=True)
class Tried:
    """How many places there are for a way, and what the journal said after damage at some of them."""

    places: int
    said: Counter[str]


WAYS = tuple(Way(journal, file, how) for journal in MAKERS for file in FILES[journal] for how in ("cut", "bit"))


def run(options: Options) -> Report:
    """Damage many journals, then let one serve many requests; ``count`` is of damaged ones."""
    started = SYSTEM_CLOCK.monotonic()
    wanted = options.count or (QUICK_PLACES if options.quick else PLACES)
    shares = spread(partial(_share, wanted // len(WAYS), options.seed), range(LANES))
    tried = [_together([share[number] for share in shares]) for number in range(len(WAYS))]
    requests = QUICK_REQUESTS if options.quick or options.count else REQUESTS
    soaked = _soaked(requests)
    failures = [*_misread(tried, options), *_grown(soaked)]
    runs = sum(one.said.total() for one in tried)
    seconds = SYSTEM_CLOCK.monotonic() - started
    return Report("journal", runs, failures, list(map(_row, WAYS, tried)), seconds, [_in_words(requests, soaked)])


def _share(wanted: int, seed: int, first: int) -> list[Tried]:
    """Try every third place or so, from the ``first`` on, on journals of this process."""
    with tempfile.TemporaryDirectory() as directory:
        claims = {name: make(Path(directory) / name) for name, make in MAKERS.items()}
        return [_tried(Path(directory), claims[way.journal], way, wanted, seed + first) for way in WAYS]


def _tried(directory: Path, claims: damage.Claims, way: Way, wanted: int, seed: int) -> Tried:
    original = directory / way.journal / way.file
    places = original.stat().st_size * (8 if way.how == "bit" else 1)
    stride = max(1, LANES * places // wanted)
    chosen = range(seed % stride, places, stride)
    contents = (damage.bit_flips if way.how == "bit" else damage.truncations)(original, chosen)
    return Tried(places, damage.outcomes(original.parent, way.file, contents, claims))


def _together(shares: Sequence[Tried]) -> Tried:
    return Tried(shares[0].places, sum((share.said for share in shares), Counter[str]()))


def _soaked(requests: int) -> Soaked:
    with tempfile.TemporaryDirectory() as directory:
        return soak(Path(directory), requests, durable=False)


def _misread(tried: Sequence[Tried], options: Options) -> list[Failure]:
    return [
        Failure(f"{one.said['lies']} journals were misread: {way}", f"python -m faults journal --seed {options.seed}")
        for way, one in zip(WAYS, tried, strict=True)
        if one.said["lies"]
    ]


def _grown(soaked: Soaked) -> list[Failure]:
    """Find out whether the journal kept more than it may, or became larger after it had begun to forget."""
    kept = soaked.kept > 2 * KEEP
    grown = soaked.bytes_at_end > GROWTH * soaked.bytes_early
    return [Failure(f"the journal grows: {soaked}", "python -m faults journal")] if kept or grown else []


def _row(way: Way, tried: Tried) -> Row:
    return {
        "journal": way.journal,
        "file": way.file,
        "damage": way.how,
        "places": tried.places,
        "tried": tried.said.total(),
        "refused": tried.said["refused"],
        "the truth": tried.said["truth"],
        "misread": tried.said["lies"],
    }


def _in_words(requests: int, soaked: Soaked) -> str:
    return (
        f"{requests} requests on one journal: {soaked.kept} claims kept, {soaked.forgotten} forgotten; "
        f"{soaked.bytes_early} bytes after a quarter, {soaked.bytes_at_end} at the end; "
        f"{soaked.ms_per_request:.2f} ms a request"
    )
