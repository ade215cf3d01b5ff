"""Nova's scheduler, from PyPI in a virtual environment of its own, through the same faults; its leaks are counted.

The driver that runs in that environment is ``nova_driver.py``. What cannot be run is said in a note, never guessed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from faults.addresses import BATCHES, Address, Steps, all_of, spread
from faults.environments import NOVA, CannotInstall, nova_installed
from faults.kinds import KINDS
from faults.lines import Lines, lines
from faults.proxy import Fault
from faults.report import Options, Row
from faults.stage import Count, Stage
from faults.verdict import is_the_flavor

FLOW = "nova"
CLEANUP = "nova cleanup"
READ_TIMEOUT_S = 10
SHORT_TIMEOUT_S = 1  # Nova's option has whole seconds
ON_WIRE = [name for name, kind in KINDS.items() if kind.on_wire]


@dataclass(frozen=True, slots=True)
class Column:
    """What Nova did, by kind of fault: runs, runs placed, runs that left something wrong, allocations left."""

    runs: Mapping[str, int] = field(default_factory=dict)
    placed: Mapping[str, int] = field(default_factory=dict)
    wrong: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def figures(self, kind: str | None) -> Row:
        """Return the cells of one kind, or of all; a dash where nothing was run."""
        counts = {
            "Nova: runs": self.runs,
            "Nova: placed": self.placed,
            "Nova: left or wrong": self.wrong,
            "Nova: allocations": self.left,
        }
        if not (self.runs.get(kind) if kind else self.runs):
            return dict.fromkeys(counts, "-")
        return {name: count.get(kind, 0) if kind else sum(count.values()) for name, count in counts.items()}


class Driver:
    """Answers questions with Nova's scheduler."""

    def __init__(self, nova: Lines) -> None:
        self._nova = nova

    def ask(self, instances: Sequence[UUID], *, fail_last: bool) -> Mapping[str, str] | None:
        """Return the provider of each instance, or None when Nova raised."""
        answer = self._nova.ask({"instances": [str(instance) for instance in instances], "fail_last": fail_last})
        hosts: Mapping[str, str] | None = answer.get("hosts")
        return hosts


def is_meant(only: str | None) -> bool:
    """Tell whether an address is one of Nova's."""
    return bool(only) and str(only).startswith(FLOW)


def run(options: Options) -> Column:
    """Play every fault on the wire at every call of Nova's requests; nothing in the short form."""
    if options.quick or (options.only and not is_meant(options.only)):
        return Column(notes=["Nova's column is part of the long run."] if options.quick else [])
    try:
        python = nova_installed(options.work / NOVA.name)
    except CannotInstall as error:
        return Column(notes=[f"NOVA COULD NOT BE INSTALLED, its column is empty: {error}"])
    with Stage() as stage, _drivers(python, stage, options.work) as drivers:
        addresses = _addresses(stage, drivers, options)
        return _column([(address, *_play(stage, drivers, address)) for address in addresses])


def _addresses(stage: Stage, drivers: Mapping[bool, Driver], options: Options) -> Sequence[Address]:
    if options.only:
        return [Address.parse(options.only)]
    return spread(list(all_of(_steps(stage, drivers), ON_WIRE)), options.count)


def _steps(stage: Stage, drivers: Mapping[bool, Driver]) -> Steps:
    """Return the calls of every undisturbed request; those of a cleanup begin with the first removal."""
    steps = {}
    for flow in (FLOW, CLEANUP):
        for batch in BATCHES:
            _play(stage, drivers, Address(flow, batch, 0, ON_WIRE[0]))
            titles = [exchange.title for exchange in stage.calls]
            removals = [number for number, title in enumerate(titles, start=1) if title.startswith("DELETE")]
            steps[flow, batch] = removals if flow == CLEANUP else range(1, len(titles) + 1)
    return steps


def _play(stage: Stage, drivers: Mapping[bool, Driver], address: Address) -> tuple[bool, int]:
    """Run one request into its fault; whether it was placed, and how many allocations are not as it was answered."""
    kind = KINDS[address.kind]
    fails = address.flow == CLEANUP
    instances = stage.instances(address.batch + fails)
    script: Mapping[int, Fault] = {address.call: kind.on_wire} if kind.on_wire else {}
    stage.proxy.play(script)
    hosts = drivers[kind.slow].ask(instances, fail_last=fails)
    stage.proxy.heal()
    left = wrong_allocations(stage.count(), instances, hosts or {})
    stage.clean()
    return hosts is not None, left


def wrong_allocations(count: Count, instances: Sequence[UUID], hosts: Mapping[str, str]) -> int:
    """Count allocations on providers that were not answered, and answered ones that are missing or of other amounts."""
    wrong = 0
    for instance in map(str, instances):
        held = count.held.get(instance, {})
        answered = {hosts[instance]} if instance in hosts else set()
        providers = {provider for provider, _ in held}
        wrong += len(providers ^ answered)
        wrong += bool(answered) and providers == answered and not is_the_flavor(held)
    return wrong


def _column(results: Sequence[tuple[Address, bool, int]]) -> Column:
    kinds = [address.kind for address, _, _ in results]
    left: Counter[str] = Counter()
    for address, _, allocations in results:
        left[address.kind] += allocations
    return Column(
        runs=Counter(kinds),
        placed=Counter(address.kind for address, placed, _ in results if placed),
        wrong=Counter(address.kind for address, _, allocations in results if allocations),
        left=left,
        notes=[f"{one}: {left} allocations not as answered" for one, _, left in results] if len(results) == 1 else [],
    )


@contextmanager
def _drivers(python: Path, stage: Stage, work: Path) -> Iterator[Mapping[bool, Driver]]:
    """Yield a driver with a short read timeout (True) and one with a long one (False)."""
    with (
        _driver(python, stage, SHORT_TIMEOUT_S, work) as short,
        _driver(python, stage, READ_TIMEOUT_S, work) as patient,
    ):
        yield {True: short, False: patient}


@contextmanager
def _driver(python: Path, stage: Stage, read_timeout_s: int, work: Path) -> Iterator[Driver]:
    program = Path(__file__).with_name("nova_driver.py")
    command = [str(python), "-P", str(program), stage.proxy.url, str(stage.proxy.cafile), str(read_timeout_s)]
    with (work / f"nova-{read_timeout_s}s.log").open("w") as log, lines(command, errors=log) as nova:
        yield Driver(nova)
