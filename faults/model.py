"""The model: the production code in a deterministic simulation, one history a seed; see ``model_history``.

``python -m faults model --seeds 1000000`` runs many, ``--only 123`` shows what happened in one. The controls switch one
part of the protocol off, and must be caught.
"""

import gc
import logging
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from faults.model_history import History
from faults.model_judge import L2, L4, Finding, Judge
from faults.report import Failure, Options, Report, Row

LONG, QUICK = 1_000_000, 20_000
CHUNK = 1_000
COLLECT_EVERY = 100
SHOWN = 10

CONTROLS = {
    "fence": "no fence for a reservation whose answer was lost",
    "quarantine": "no quarantine before a reservation counts as released",
    "maybe_sent": "a lost answer to a confirmation is taken for a refusal",
    "journal": "the journal returns before its record is durable",
    "verify": "no look at the usage after a tight claim",
}


@dataclass(slots=True)
class Tally:
    """What some histories came to: how many, what was found in which seeds, what went wrong in them."""

    histories: int = 0
    violating: list[tuple[int, str]] = field(default_factory=list)
    limits: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Count other histories in."""
        self.histories += other.histories
        self.violating += other.violating
        self.limits += other.limits
        self.troubles += other.troubles
        self.endings += other.endings


def run(options: Options) -> Report:
    """Run the seeds, then the controls; or show one history."""
    if options.only:
        return replay(options.only)
    started = time.monotonic()
    count = options.count or (QUICK if options.quick else LONG)
    workers = min(2, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        rows, failures, tally = [], [], _run_all(pool, options.seed, count, "")
        rows.append(_row("the protocol as it is", tally, time.monotonic() - started))
        failures += [Failure(what, f"python -m faults model --only {seed}") for seed, what in tally.violating[:SHOWN]]
        for name, what in CONTROLS.items():
            began = time.monotonic()
            control = _run_all(pool, options.seed, max(2 * CHUNK, min(count // 10, 10 * CHUNK)), name)
            rows.append(_row(f"control: {what}", control, time.monotonic() - began))
            failures += [] if control.violating else [Failure(f"the model does not notice: {what}", f"--only 1:{name}")]
    seconds = time.monotonic() - started
    return Report("model", tally.histories, failures, rows, seconds, tuple(_notes(tally)))


def tally_of(seeds: Iterable[int], broken: str = "") -> Tally:
    """Run histories in this process."""
    tally = Tally()
    with undisturbed():
        for seed in seeds:
            if tally.histories % COLLECT_EVERY == 0:
                gc.collect()
            _count(tally, seed, broken)
    return tally


def replay(address: str) -> Report:
    """Run one history, "SEED" or "SEED:CONTROL", and return what happened in it, step by step."""
    seed, _, broken = address.partition(":")
    trace: list[str] = []
    with undisturbed():
        history, findings = _history(int(seed), broken, trace)
    failures = [Failure(one.what, f"python -m faults model --only {address}") for one in findings if not one.limit]
    rows: list[Row] = [{"claim": str(one.claim_id)[-4:], "state": one.state} for one in history.disk.claims.values()]
    limits = [f"within a documented limit: {one.what} ({one.limit})" for one in findings if one.limit]
    return Report("model", 1, failures, rows, history.world.clock.now, (*trace, *limits))


@contextmanager
def undisturbed() -> Iterator[None]:
    """Collect garbage by hand, because when a request goes away must not depend on what ran before, and log nothing."""
    logger, hook = logging.getLogger("scheduler"), sys.unraisablehook
    level = logger.level
    gc.disable()
    gc.freeze()  # what is loaded is never garbage, and would be looked at every time
    logger.setLevel(logging.CRITICAL)
    sys.unraisablehook = lambda unraisable: None
    try:
        yield
    finally:
        sys.unraisablehook = hook
        logger.setLevel(level)
        gc.unfreeze()
        gc.enable()


def _history(seed: int, broken: str, trace: list[str] | None = None) -> tuple[History, list[Finding]]:
    history = History(seed, broken, trace)
    history.run()
    return history, sorted(set(Judge(history).findings()), key=lambda one: one.what)


def _count(tally: Tally, seed: int, broken: str) -> None:
    history, findings = _history(seed, broken)
    tally.histories += 1
    tally.violating += [(seed, one.what) for one in findings if not one.limit]
    tally.limits.update({one.limit for one in findings if one.limit})
    tally.troubles.update(history.world.happened)
    tally.endings.update(delivery.ending for delivery in history.deeds.deliveries)


def _run_all(pool: ProcessPoolExecutor, first: int, count: int, broken: str) -> Tally:
    tally = Tally()
    chunks = [range(start, min(start + CHUNK, first + count)) for start in range(first, first + count, CHUNK)]
    for part in pool.map(tally_of, chunks, [broken] * len(chunks)):
        tally.add(part)
    return tally


def _row(what: str, tally: Tally, seconds: float) -> Row:
    return {
        "histories of": what,
        "histories": tally.histories,
        "violating": len({seed for seed, _ in tally.violating}),
        "limit L2": tally.limits[L2],
        "limit L4": tally.limits[L4],
        "a second": round(tally.histories / max(seconds, 0.001)),
    }


def _notes(tally: Tally) -> Iterator[str]:
    found = Counter(what for _, what in tally.violating)
    yield from (f"violated in {number} histories: {what}" for what, number in found.most_common())
    yield "troubles: " + ", ".join(f"{what} {number}" for what, number in sorted(tally.troubles.items()))
    yield "requests ended: " + ", ".join(f"{what} {number}" for what, number in tally.endings.most_common())
