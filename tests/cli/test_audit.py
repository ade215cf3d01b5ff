"""``audit`` lists every leak and writes nothing; ``audit --heal`` releases what is the scheduler's and old."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from placement_client.config import client_from
from placement_client.testing import PlacementServer
from scheduler import build
from scheduler.claims.audit import AuditReport, HiddenConsumer, Orphan, UnownedReservation
from scheduler.claims.survey import Healed, Healing
from scheduler.cli.audit import is_clean, tables_of
from scheduler.cli.progress import Progress
from scheduler.config import load_config
from tests.audit import leaks
from tests.cli.conftest import ENVIRONMENT, Console
from tests.flow.fleet import CONTEXT, SPEC

CLAIMS = f"""
[claims]
reservation_project_id = {leaks.PROJECT}
drain_timeout = 0
[journal]
connection = sqlite:///"""
TABLES = ("allocations", "consumers", "inventories", "resource_providers")
DIES_HOLDING = """
import os, signal, sys, uuid
from scheduler import build, load_config
from tests.flow.fleet import CONTEXT, SPEC
with build(load_config(sys.argv[1])) as scheduler:
    reservation = scheduler.reserve(CONTEXT, SPEC, [uuid.uuid4()])
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def running() -> Iterator[PlacementServer]:
    """A Placement whose every provider an audit may count."""
    with PlacementServer() as server:
        yield server


@pytest.fixture
def execute(running: PlacementServer) -> leaks.Execute:
    """Change the database of the server behind its back; it is empty when a test begins."""
    change = leaks.in_file(f"sqlite:///{running.directory / 'placement.sqlite'}")
    for table in TABLES:
        change(f"DELETE FROM {table}", {})
    return change


@pytest.fixture
def console(running: PlacementServer, execute: leaks.Execute, tmp_path: Path) -> Console:
    """The command with a journal of its own."""
    ini = tmp_path / "scheduler.ini"
    ini.write_text(running.ini() + CLAIMS + f"{tmp_path / 'journal' / 'journal.sqlite'}\n")
    loader = tmp_path / "loader.ini"
    loader.write_text(running.ini())
    return Console(ini, client_from(load_config(str(loader))))


@pytest.fixture
def host(console: Console) -> UUID:
    """A provider with room."""
    return leaks.provider_with(console.placement)


def found(console: Console, *arguments: str, status: int) -> dict:
    """Run an audit and return what it printed for machines."""
    done = console("audit", "--json", *arguments)
    assert (done.returncode, done.stderr) == (status, "")
    return json.loads(done.stdout)


def test_a_sound_placement_is_0(console: Console, host: UUID) -> None:
    leaks.hold(console.placement, host, project="tenant", consumer_type="INSTANCE")
    done = console("audit")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Read 1 providers and 1 consumers.\nNothing is wrong.\n"


def test_every_kind_of_leak_is_listed_and_nothing_is_changed(
    console: Console, host: UUID, execute: leaks.Execute
) -> None:
    client = console.placement
    old = leaks.make_old(leaks.hold(client, host), execute)
    young = leaks.hold(client, host)
    foreign = leaks.hold(client, host, project="tenant")
    leaks.make_orphan(leaks.hold(client, host, vcpus=5), execute)
    leaks.shrink(client, host, 4)
    before = client.get_provider_allocations(host), client.get_provider_usages(host)
    report = found(console, status=6)["report"]
    assert report["reservations"][0]["consumer"] == str(old)
    assert {one["consumer"]: one["minted"] for one in report["reservations"]} == {
        str(old): True,
        str(young): True,
        str(foreign): False,
    }
    assert report["reservations"][0]["age_s"] >= leaks.OLD_S
    assert [(one["used"], one["explained"]) for one in report["orphans"]] == [(8, 3)]
    assert [(one["used"], one["capacity"]) for one in report["over_capacity"]] == [(8, 4)]
    assert (client.get_provider_allocations(host), client.get_provider_usages(host)) == before


def test_findings_are_tables_for_people_and_name_the_manual(console: Console, host: UUID) -> None:
    consumer = leaks.hold(console.placement, host, vcpus=3)
    done = console("audit")
    assert done.returncode == 6
    assert "Reservations nobody owns (1)" in done.stdout
    assert f"{consumer}  another-node" in done.stdout
    assert f"{host}: VCPU 3" in done.stdout
    assert "docs/operations.md" in done.stdout


def test_healing_releases_only_the_old_minted_ones_and_says_so(
    console: Console, host: UUID, execute: leaks.Execute
) -> None:
    client = console.placement
    old, young = leaks.make_old(leaks.hold(client, host), execute), leaks.hold(client, host)
    foreign = leaks.make_old(leaks.hold(client, host, project="tenant"), execute)
    healed = {one["consumer"]: one["outcome"] for one in found(console, "--heal", status=6)["healed"]}
    assert healed == {str(old): "released", str(young): "kept", str(foreign): "kept"}
    assert set(client.get_provider_allocations(host).allocations) == {str(young), str(foreign)}


def test_when_all_is_healed_the_status_is_0(console: Console, host: UUID, execute: leaks.Execute) -> None:
    consumer = leaks.make_old(leaks.hold(console.placement, host), execute, seconds=30)
    done = console("audit", "--heal", "--ttl", "20")
    assert done.returncode == 0
    assert "Healed (1 of 1 released)" in done.stdout
    assert f"{consumer}  released" in done.stdout
    assert console("audit").stdout.endswith("Nothing is wrong.\n")


def test_what_the_journal_knows_is_left_to_recovery(console: Console, host: UUID, execute: leaks.Execute) -> None:
    """However old it is: a dead process holds room here, and the journal says whose it is."""
    console.placement.set_inventories(host, 1, leaks.ROOMY)
    subprocess.run([sys.executable, "-c", DIES_HOLDING, str(console.ini)], env=ENVIRONMENT, check=False, timeout=60)
    (consumer,) = console.placement.get_provider_allocations(host).allocations
    leaks.make_old(UUID(consumer), execute)
    assert found(console, "--heal", status=0)["report"]["reservations"] == []
    assert list(console.placement.get_provider_allocations(host).allocations) == [consumer]


def test_what_a_living_scheduler_of_the_journal_holds_is_its_own(console: Console, host: UUID) -> None:
    console.placement.set_inventories(host, 1, leaks.ROOMY)
    instance = uuid4()
    with (
        build(load_config(str(console.ini))) as scheduler,
        scheduler.reserve(CONTEXT, SPEC, [instance]) as reservation,
    ):
        assert found(console, "--heal", "--ttl", "0", status=0)["report"]["reservations"] == []
        reservation.confirm()
    assert list(console.placement.get_provider_allocations(host).allocations) == [str(instance)]


@pytest.mark.parametrize("ttl", ["-1", "soon", "nan", "inf"])
def test_a_ttl_that_is_no_time_is_2(console: Console, ttl: str) -> None:
    assert console("audit", "--heal", f"--ttl={ttl}").returncode == 2


def test_a_placement_that_cannot_be_reached_is_4(console: Console) -> None:
    text = console.ini.read_text()
    endpoint = next(line for line in text.splitlines() if line.startswith("endpoint ="))
    console.ini.write_text(text.replace(endpoint, "endpoint = https://127.0.0.1:1"))
    done = console("audit")
    assert (done.returncode, done.stdout) == (4, "")


def test_a_journal_that_cannot_be_trusted_stops_the_audit(console: Console, host: UUID, tmp_path: Path) -> None:
    """Without the journal every reservation would look as if nobody owned it."""
    consumer = leaks.hold(console.placement, host)
    (tmp_path / "journal").mkdir(mode=0o700)
    (tmp_path / "journal" / "journal.sqlite").write_bytes(b"this is no database" * 100)
    (tmp_path / "journal" / "journal.sqlite").chmod(0o600)
    done = console("audit", "--heal", "--ttl", "0")
    assert done.returncode in (3, 4)
    assert done.stdout == ""
    assert str(consumer) in console.placement.get_provider_allocations(host).allocations


def test_only_what_was_released_counts_as_put_right() -> None:
    reservation = UnownedReservation(UUID(int=1), None, None, None, None, minted=True, allocations={})
    report = AuditReport(1, 1, (reservation,), (), (), (), ())
    outcomes = {outcome: is_clean(report, [Healed(UUID(int=1), outcome)]) for outcome in Healing}
    assert outcomes == {Healing.RELEASED: True, Healing.GONE: True, Healing.KEPT: False, Healing.FAILED: False}


def test_names_of_providers_cannot_command_a_terminal() -> None:
    report = AuditReport(
        providers=1,
        consumers=1,
        reservations=(),
        orphans=(Orphan(UUID(int=1), "h\x1b[2J", "VCPU", 2, 1),),
        hidden=(HiddenConsumer(UUID(int=1), "h\x1b[2J", UUID(int=2)),),
        over_capacity=(),
        unsteady=(),
    )
    tables = list(tables_of(report))
    assert len(tables) == 2
    assert all("\x1b" not in cell for table in tables for row in table.rows for cell in row)


class Terminal:
    """Remembers what is drawn."""

    def __init__(self, terminal: bool) -> None:
        self.terminal = terminal
        self.written: list[str] = []

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> None:
        self.written.append(text)

    def flush(self) -> None:
        """Do nothing."""


def test_progress_is_drawn_on_a_terminal_a_bounded_number_of_times_and_taken_away() -> None:
    terminal = Terminal(True)
    progress = Progress(terminal)
    for number in range(1, 10_001):
        progress("reading", number, 10_000)
    assert len(terminal.written) == 100
    assert terminal.written[-1].endswith("reading: 10000 of 10000")
    progress.clear()
    assert terminal.written[-1] == "\r\x1b[K"


def test_progress_is_silent_elsewhere() -> None:
    file = Terminal(False)
    progress = Progress(file)
    progress("reading", 1, 1)
    progress.clear()
    assert file.written == []
