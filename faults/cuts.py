"""The connection cut after every byte of every request and answer of one batch of two.

Fleet and request have the same bytes each time, but for ids and dates of the same length, so that call number and byte
say where it was cut. Connections end with a reset after odd bytes, and with a FIN after even ones.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

from faults.addresses import spread
from faults.fleet import LANES
from faults.fleet import spread as spread_over_processes
from faults.kinds import cut_answer, cut_request
from faults.proxy import Cut, Exchange, Fault
from faults.report import Failure, Options, Report, Row, again, shown
from faults.runs import CONFIRM, Result, Run, play
from faults.stage import Stage
from faults.verdict import IN_DOUBT, PLACED
from placement_client.clock import SYSTEM_CLOCK

NAME = "cuts: the connection cut after every byte of one batch of two"
BATCH = 2
QUICK_STRIDE = 97  # a prime, so that it meets odd and even bytes alike
REQUEST, ANSWER = "request", "answer"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a connection is cut: after this many bytes of the request or the answer of a call."""

    call: int
    side: str
    byte: int

    def __str__(self) -> str:
        return f"{self.call}:{self.side}:{self.byte}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the place that ``str`` wrote. Raises ValueError for anything else."""
        call, side, byte = text.split(":")
        return cls(int(call), side, int(byte))

    @property
    def fault(self) -> Fault:
        """Return the fault that cuts here."""
        how = Cut.RESET if self.byte % 2 else Cut.FIN
        return (cut_request if self.side == REQUEST else cut_answer)(self.byte, how)


Played = Sequence[tuple[Place, Result]]


def run(options: Options) -> Report:
    """Cut after every byte; in the short form after every 97th, beginning with the seed."""
    started = SYSTEM_CLOCK.monotonic()
    lanes = 1 if options.quick or options.only else LANES
    shares = spread_over_processes(partial(_share, options, lanes), range(lanes))
    played = [one for _, share in shares for one in share]
    failures = [
        Failure(f"cut at {place}: {problem}", again("cuts", options, str(place)))
        for place, result in played
        for problem in result.problems
    ]
    return Report(NAME, len(played), failures, _rows(shares[0][0], played), SYSTEM_CLOCK.monotonic() - started)


def _share(options: Options, step: int, first: int) -> tuple[Sequence[str], Played]:
    """Play every ``step``-th of the wanted cuts from the ``first`` on; return the batch's calls, too."""
    with Stage() as stage:
        exchanges = undisturbed(stage)
        wanted = _wanted(exchanges, options)[first::step]
        played = [(place, cut_at(stage, place)) for place in shown("cuts", wanted)]
        return [exchange.title for exchange in exchanges], played


def _wanted(exchanges: Sequence[Exchange], options: Options) -> Sequence[Place]:
    if options.only:
        return [Place.parse(options.only)]
    every = list(places(exchanges))
    return every[options.seed % QUICK_STRIDE :: QUICK_STRIDE] if options.quick else spread(every, options.count)


def undisturbed(stage: Stage) -> Sequence[Exchange]:
    """Return the calls of the batch when nothing is cut."""
    play(stage, Run(CONFIRM, BATCH, warm=True))
    return stage.calls


def cut_at(stage: Stage, place: Place) -> Result:
    """Play the batch with its connection cut at one place."""
    return play(stage, Run(CONFIRM, BATCH, on_wire={place.call: place.fault}, warm=True))


def places(exchanges: Sequence[Exchange]) -> Iterator[Place]:
    """Yield every place: before the first byte, after each byte, and after the last one.

    A request cut after its last byte is one whose answer is cut before its first.
    """
    for exchange in exchanges:
        yield from (Place(exchange.number, REQUEST, byte) for byte in range(len(exchange.request)))
        yield from (Place(exchange.number, ANSWER, byte) for byte in range(len(exchange.reply) + 1))


def _rows(titles: Sequence[str], played: Played) -> list[Row]:
    rows = [
        _row(f"{number} {side} of {_short(title)}", _at(played, number, side))
        for number, title in enumerate(titles, start=1)
        for side in (REQUEST, ANSWER)
    ]
    return [*rows, _row("all", [result for _, result in played])]


def _at(played: Played, call: int, side: str) -> list[Result]:
    return [result for place, result in played if (place.call, place.side) == (call, side)]


def _row(where: str, results: Sequence[Result]) -> Row:
    told = Counter(one.told for one in results)
    return {
        "cut in": where,
        "cuts": len(results),
        "placed": told[PLACED],
        "in doubt": told[IN_DOUBT],
        "not as guaranteed": sum(bool(one.problems) for one in results),
    }


def _short(title: str) -> str:
    """Return a title without the UUID in it."""
    return "/".join("..." if part.count("-") == 4 else part for part in title.split("/"))
