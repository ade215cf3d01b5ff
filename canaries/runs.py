"""The parts of the suite: what is played on which Placement, and what was found."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from canaries import commands, leaks, paths, upkeep
from canaries.paths import Step, slice_of
from canaries.pour import pour
from canaries.stage import Stage
from canaries.wire import Apart
from faults.report import Failure, Report, Row
from placement_client.clock import SYSTEM_CLOCK
from placement_client.models import Inventory
from placement_client.testing import MockPlacement, PlacementServer, RealPlacement
from placement_client.testing.ini import TOKEN
from scheduler import FilterScheduler

ALL = 10**9


def on_the_mock(seed: int, most: int = ALL) -> Report:
    """Play the paths, at most so many of each group, on the mock."""
    mock = MockPlacement()
    with Stage(f"mock {seed}", mock.adapter, mock.state.consumers.clear) as stage:
        stage.world.load(mock.client())
        with _timed(stage, "paths on the mock") as report:
            for group in _groups(stage):
                _play(group, most)
            _play(lambda: upkeep.of_audit(stage, mock.client()), most)
            kept = stage.world.directory / "records"
            stage.play(
                "records on disk", lambda: stage.read_files(*(file for file in kept.iterdir() if file.is_file()))
            )
        return report[0]


def on_the_real_one(seed: int, most: int) -> Report:
    """Play some of the paths on the real Placement in this process."""
    with RealPlacement() as real:
        apart = Apart(real.adapter)
        with Stage(f"real {seed}", apart, lambda: None, role=f"{TOKEN}:") as stage:
            stage.world.load(real.client(wrap=lambda _: apart))
            with _timed(stage, "paths on the real Placement") as report:
                for group in _groups(stage):
                    _play(group, most)
            return report[0]


def of_the_command(seed: int, most: int = ALL) -> Report:
    """Run commands against the real Placement over TLS."""
    mock = MockPlacement()
    with PlacementServer() as server, Stage(f"command {seed}", mock.adapter, lambda: None) as stage:
        for host in stage.world.hosts:
            created = server.client().create_resource_provider(host.name, host.uuid)
            room = {"VCPU": Inventory(total=100), "MEMORY_MB": Inventory(total=10**6)}
            server.client().set_inventories(host.uuid, created.generation, room)
        with _timed(stage, "commands") as report:
            _play(lambda: commands.of_commands(stage, server), most)
        return report[0]


def of_events(seed: int, records: int) -> Report:
    """Log so many records of events, with markers in every field."""
    mock = MockPlacement()
    with Stage(f"events {seed}", mock.adapter, lambda: None) as stage:
        stage.world.load(mock.client())
        with stage.world.scheduler() as scheduler, _timed(stage, "events") as report:
            pour(stage, scheduler.log, records)
        return report[0]


def of_plants(seed: int) -> Report:
    """Plant the leaks and tell where each was found."""
    mock, began = MockPlacement(), SYSTEM_CLOCK.monotonic()
    with Stage(f"planted {seed}", mock.adapter, lambda: None) as stage:
        rows: list[Row] = []
        for plant in leaks.planted():
            found = leaks.places(stage, plant)
            told = {"sink": plant.sink, "written": plant.technique.name, "stands for": plant.kind}
            rows.append(told | {"found in": ", ".join(found) or "NOT FOUND"})
    missed = [Failure(f"{row['sink']}, {row['written']}", f"python -m canaries --seed {seed}") for row in rows
              if row["found in"] == "NOT FOUND"]  # fmt: skip
    return Report("planted leaks", len(rows), missed, rows, SYSTEM_CLOCK.monotonic() - began)


def _groups(stage: Stage) -> Iterator[Callable[[], Iterator[Step]]]:
    """Yield what to play on a world with a fleet; all requests of a group go to one scheduler."""

    def with_scheduler(group: Callable[[Stage, FilterScheduler], Iterator[Step]]) -> Callable[[], Iterator[Step]]:
        def steps() -> Iterator[Step]:
            with stage.world.scheduler() as scheduler:
                yield from group(stage, scheduler)

        return steps

    for group in (paths.of_faults, paths.of_outages, paths.of_plugins, paths.of_requests):
        yield with_scheduler(group)
    for upkeep_of in (upkeep.of_journals, upkeep.of_recovery, upkeep.of_configuration):
        yield partial(upkeep_of, stage)


def _play(group: Callable[[], Iterator[Step]], most: int) -> None:
    if most == ALL:
        for step in group():
            step()
        return
    for step in slice_of(list(group()), most):
        step()


@contextmanager
def _timed(stage: Stage, name: str) -> Iterator[list[Report]]:
    """Collect a report, which is there when the block has been left."""
    began = SYSTEM_CLOCK.monotonic()
    report: list[Report] = []
    yield report
    report.append(_report(stage, name, SYSTEM_CLOCK.monotonic() - began))


def _report(stage: Stage, name: str, seconds: float) -> Report:
    """Return what was played, by the first word of its path, and every kind of leak once."""
    runs = Counter(path.partition(":")[0] for path in stage.runs.elements())
    found = Counter((path, leak.sink, leak.marker.kind) for path, leak in stage.found)
    failures = [
        Failure(f"{path}: {kind} in {sink} ({times} times)", "python -m canaries")
        for (path, sink, kind), times in found.items()
    ]
    rows: list[Row] = [{"path": path, "runs": number} for path, number in sorted(runs.items())]
    rate = stage.sinks.records / max(seconds, 0.001)
    errors = ", ".join(f"{name} {number}" for name, number in stage.told.most_common())
    notes = [
        f"{stage.sinks.records} records searched, {rate:.0f} a second",
        f"errors that reached the caller: {errors}",
    ]
    return Report(
        name, sum(runs.values()), failures, rows, seconds, [*notes, f"{len(stage.mint.kinds)} kinds of markers"]
    )
