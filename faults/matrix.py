"""Every kind of fault at every call of a request, for several batch sizes, on the real Placement.

Three flows: a request that is placed, one whose reservation is released instead of confirmed, and one that moves an
instance. Nova's scheduler goes through the same faults on the wire, on a Placement of its own, but for the moves.
"""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from faults import nova
from faults.addresses import BATCHES, Address, Steps, all_of, slice_of, spread
from faults.fleet import LANES
from faults.fleet import spread as spread_over_processes
from faults.kinds import KINDS
from faults.report import Failure, Options, Report, Row, again, shown
from faults.runs import CONFIRM, MOVE, READ_TIMEOUT_S, RELEASE, Result, Run, play, titles
from faults.stage import Stage
from faults.verdict import IN_DOUBT, PLACED
from placement_client.clock import SYSTEM_CLOCK
from placement_client.testing.faults import no_faults, on_call

NAME = "matrix: every fault at every call, on the real Placement"
RESERVE = "POST /allocations"
FLOWS = {CONFIRM: BATCHES, RELEASE: BATCHES, MOVE: (1,)}
SHORT_TIMEOUT_S = 0.5  # for faults that only the read timeout ends
Played = Sequence[tuple[Address, Result]]


def run(options: Options) -> Report:
    """Run the matrix and, in the long form, Nova's beside it."""
    if nova.is_meant(options.only):
        return _of_nova(options)
    started = SYSTEM_CLOCK.monotonic()
    with ThreadPoolExecutor(1) as pool:
        theirs = pool.submit(nova.run, options)
        played = _played(options)
        other = theirs.result()
    failures = [
        Failure(f"{address}: {problem}", again("matrix", options, str(address)))
        for address, result in played
        for problem in result.problems
    ]
    return Report(NAME, len(played), failures, _rows(played, other), SYSTEM_CLOCK.monotonic() - started, other.notes)


def play_at(stage: Stage, address: Address) -> Result:
    """Play the run at an address."""
    return play(stage, run_at(address))


def run_at(address: Address) -> Run:
    """Return the run that an address names."""
    kind = KINDS[address.kind]
    return Run(
        address.flow,
        address.batch,
        on_wire={address.call: kind.on_wire} if kind.on_wire else {},
        inside=on_call(address.call, kind.inside) if kind.inside else no_faults,
        read_timeout_s=SHORT_TIMEOUT_S if kind.slow else READ_TIMEOUT_S,
    )


def calls(stage: Stage) -> Steps:
    """Return the calls of every undisturbed request; those of a release begin with the reservation."""
    steps = {}
    for flow, batches in FLOWS.items():
        for batch in batches:
            names = titles(stage, Run(flow, batch))
            first = names.index(RESERVE) + 1 if flow == RELEASE else 1
            steps[flow, batch] = range(first, len(names) + 1)
    return steps


def writes(stage: Stage) -> Steps:
    """Return those calls that change something: where a fault can do harm."""
    steps = {}
    for flow, batches in FLOWS.items():
        for batch in batches:
            names = enumerate(titles(stage, Run(flow, batch)), start=1)
            steps[flow, batch] = [number for number, name in names if not name.startswith("GET")]
    return steps


def _played(options: Options) -> Played:
    """Play every run that is wanted: a few of them here, all of them in several processes."""
    if options.quick or options.only:
        return _share(options, 1, 0)
    shares = spread_over_processes(partial(_share, options, LANES), range(LANES))
    return [one for share in shares for one in share]


def _share(options: Options, step: int, first: int) -> Played:
    """Play every ``step``-th of the wanted runs from the ``first`` on, on a stage of its own."""
    with Stage() as stage:
        return [(address, play_at(stage, address)) for address in shown("matrix", _wanted(stage, options)[first::step])]


def _wanted(stage: Stage, options: Options) -> Sequence[Address]:
    if options.only:
        return [Address.parse(options.only)]
    if options.quick:
        return list(slice_of(writes(stage), list(KINDS), options.seed))
    return spread(list(all_of(calls(stage), list(KINDS))), options.count)


def _of_nova(options: Options) -> Report:
    """Report one run of Nova's alone; what it leaves is a finding, not a failure of this project."""
    started = SYSTEM_CLOCK.monotonic()
    column = nova.run(options)
    runs = sum(column.runs.values())
    return Report(NAME, runs, [], [column.figures(None)], SYSTEM_CLOCK.monotonic() - started, column.notes)


def _rows(played: Played, other: nova.Column) -> list[Row]:
    """Return one row a kind, and one of all: this scheduler's figures, then Nova's."""
    rows: list[Row] = []
    met = {address.kind for address, _ in played}
    for kind in [one for one in KINDS if one in met]:
        ours = [result for address, result in played if address.kind == kind]
        rows.append({"fault": kind, **_figures(ours), **other.figures(kind)})
    return [*rows, {"fault": "all", **_figures([result for _, result in played]), **other.figures(None)}]


def _figures(results: Sequence[Result]) -> Row:
    told = Counter(one.told for one in results)
    return {
        "runs": len(results),
        "placed": told[PLACED],
        "in doubt": told[IN_DOUBT],
        "not as guaranteed": sum(bool(one.problems) for one in results),
    }
