"""Journals that were cut or changed: each is refused, or says exactly what was written down; none says anything else.

A journal of four claims has 2.6 million bits, each of which would take a twentieth of a second: samples are taken.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from faults.written import TO_COMMITTED, a_claim, a_journal, advanced
from scheduler.claims.journal import Claim, Journal
from scheduler.errors import InvalidSettings, JournalUnavailable

Claims = list[Claim]
REFUSALS = (InvalidSettings, JournalUnavailable)


def write_some(journal: Journal) -> Claims:
    """Write claims in every state; return them as they are now."""
    *claims, last = [a_claim(f"req-{number}", holds=2) for number in range(4)]
    for claim in claims:
        journal.begin(claim)
    written = [advanced(journal, claim, *TO_COMMITTED[:number]) for number, claim in enumerate(claims, start=1)]
    journal.begin(last)  # what comes last must not be lost, and nothing before it
    return [*written, last]


def closed_journal(directory: Path) -> Claims:
    """Make a journal whose owner has ended in good order."""
    journal = a_journal(url_of(directory))
    claims = write_some(journal)
    journal.close()
    return claims


def crashed_journal(directory: Path) -> Claims:
    """Make a journal as the death of its owner leaves it: the last changes are in the write-ahead log."""
    alive = directory.with_name(f"{directory.name}-alive")
    journal = a_journal(url_of(alive))
    claims = write_some(journal)
    shutil.copytree(alive, directory)
    journal.close()
    return claims


def url_of(directory: Path) -> str:
    """Return the URL of the journal in a directory."""
    return f"sqlite:///{directory}/journal.sqlite"


def truncations(original: Path, sizes: Iterable[int]) -> Iterator[bytes]:
    """Yield what is left of a file when it is cut."""
    content = original.read_bytes()
    yield from (content[:size] for size in sizes)


def bit_flips(original: Path, bits: Iterable[int]) -> Iterator[bytes]:
    """Yield a file with one bit changed."""
    content = original.read_bytes()
    for bit in bits:
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def outcomes(directory: Path, name: str, contents: Iterable[bytes], claims: Claims) -> Counter[str]:
    """Count what a journal says when one of its files has each of these contents: the truth, nothing, or lies."""
    counted: Counter[str] = Counter()
    for content in contents:
        copy = directory.with_name("damaged")
        shutil.copytree(directory, copy)
        (copy / name).write_bytes(content)
        counted[outcome(url_of(copy), claims)] += 1
        shutil.rmtree(copy)
    return counted


def outcome(url: str, claims: Claims) -> str:
    """Tell whether a journal is "refused", or says the "truth", or "lies", about these claims."""
    try:
        journal = a_journal(url, durable=False)
    except REFUSALS:
        return "refused"
    try:
        return "truth" if says_the_truth(journal, claims) else "lies"
    except REFUSALS:
        return "refused"
    finally:
        journal.close()


def says_the_truth(journal: Journal, claims: Claims) -> bool:
    """Tell whether every way of asking gives the claims that were written down."""
    open_claims = tuple(claim for claim in claims if not claim.settled)
    return (
        [journal.find(claim.claim_id) for claim in claims] == claims
        and all(journal.claims_of(claim.request_id) == (claim,) for claim in claims)
        and journal.adopt() == open_claims
        and journal.unfinished() == open_claims
    )
