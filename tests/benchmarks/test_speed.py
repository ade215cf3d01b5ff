"""The comparison with Nova: what it measures, what it says of it, and that what is on the pages was measured."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import cycle, permutations
from pathlib import Path
from ssl import SSLContext
from uuid import UUID, uuid4

import pytest

import benchmarks.speed.__main__ as command
from benchmarks.results import between
from benchmarks.speed import end_to_end, fleet, footprint, plot, report
from benchmarks.speed.bare import Bare, Call, fresh, sent
from benchmarks.speed.clock import Connected, Spent, Step, anew, averaged, in_turns, spent
from benchmarks.speed.end_to_end import EndToEnd
from benchmarks.speed.footprint import Footprint
from benchmarks.speed.in_memory import InMemory
from benchmarks.speed.ours import Ours, bodies, held_by_table, plan, rank
from benchmarks.speed.plan import FULL, QUICK
from benchmarks.speed.report import Point, Results, Row
from benchmarks.speed.service import calls_of, service
from benchmarks.speed.stage import Consumers, create
from benchmarks.speed.wire import Wire
from faults.environments import CannotInstall
from placement_client.models import ConsumerWrite, Resources
from placement_client.testing import PlacementServer

TINY = replace(
    FULL,
    rounds=1,
    batch_rounds=1,
    ranks=(100,),
    batches=(),
    once=(),
    ours_only=(),
    requests=(1,),
    hosts=3,
    at_once=2,
    threads=1,
)
BARS = {
    "rank 100 hosts": (20, 40),
    "rank 1,000 hosts": (100, 300),
    "rank 10,000 hosts": (200, 600),
    "rank 100,000 hosts": (60, 25),
    "batch of 100 in memory, 1,000 hosts": (300, 600),
    "batch of 100 in memory, 10,000 hosts": (1000, 3000),
    "batch of 100 in memory, 100,000 hosts": (1000, 300),
    "answer of 1,000 candidates (470 KB) to hosts": (5, 10),
    "request for 1 on PostgreSQL": (1.8, 2.2),
    "request for 10 on PostgreSQL": (5, 6),
    "request for 100 on PostgreSQL": (7, 9),
    "own time in a request for 1, share": (10, 5),
    "own time in a request for 1": (8, None),
    "requests a second, 4 threads": (3, None),
    "requests a second, 4 threads, of bare calls": (90, 95),
    "requests a second, 4 threads, sharing answers": (None, None),
    "memory of the table, 100,000 hosts": (150, 80),
    "import of the library": (400, None),
    "import of the library, nothing compiled": (400, None),
    "import and build": (None, None),
    "memory of a process that imported it": (90, None),
    "memory of a scheduler that waits": (90, None),
}


def row(**change) -> Row:
    return Row(**({"what": "w", "unit": "ms", "ours": 2.0, "other": 20.0, "bar": 5, "aim": 10} | change))


class TestTheTable:
    @pytest.mark.parametrize(
        ("change", "verdict"),
        [
            ({}, "yes, and the aim"),
            ({"other": 19.9}, "yes"),
            ({"other": 9.9}, "NO"),
            ({"ours": 30.0, "other": 3.0, "rate": True}, "yes, and the aim"),
            ({"ours": 14.0, "other": 3.0, "rate": True}, "NO"),
            ({"kind": "at most", "bar": 2, "aim": None, "other": None}, "yes"),
            ({"kind": "at most", "bar": 1.9, "aim": None, "other": None}, "NO"),
            ({"kind": "at least", "ours": 94.0, "bar": 90, "aim": 95, "other": None}, "yes"),
            ({"kind": "at least", "ours": 89.0, "bar": 90, "aim": 95, "other": None}, "NO"),
            ({"kind": "at most", "bar": None, "aim": None, "other": None}, "-"),
        ],
    )
    def test_a_row_is_held_against_its_bar_and_its_aim(self, change, verdict) -> None:
        assert row(**change).verdict == verdict

    def test_what_is_not_reached_is_said(self) -> None:
        good, bad = row(what="good"), row(what="bad", ours=50.0, note="mind this")
        shown = report.screen(Results(machine="m", load=(0, 0), quick=True, rows=(good, bad))).splitlines()
        assert [line.split() for line in shown[:3]] == [
            ["what", "ours", "Nova", "ratio", "bar", "aim", "reached"],
            ["good", "2.00", "ms", "20.0", "ms", "10.0x", "5x", "10x", "yes,", "and", "the", "aim"],
            ["bad", "50.0", "ms", "20.0", "ms", "0.4x", "5x", "10x", "NO"],
        ]
        assert shown[3:] == ["", "* bad: mind this", "", "NOT REACHED: bad"]

    def test_when_all_is_reached_that_is_said(self) -> None:
        assert report.screen(Results(machine="m", load=(0, 0), quick=True, rows=(row(),))).endswith("bar is reached.")

    def test_the_pages_get_their_tables_between_the_marks_and_nothing_else_changes(self) -> None:
        results = Results(machine="m", load=(0, 0), quick=False, rows=(row(what="rank 1,000 hosts"), row(what="x")))
        text = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
        for written, rows in ((report.page, 2), (report.front, 1)):
            new = written(text, results)
            assert between(new, report.BEGIN, report.END, "") == between(text, report.BEGIN, report.END, "")
            assert new.count("| 2.00 ms |") == rows
            assert "old" not in new


class TestWhatIsKept:
    """The figures in this tree."""

    def test_they_are_of_every_row_and_its_bar(self) -> None:
        assert {one.what: (one.bar, one.aim) for one in report.kept().rows} == BARS
        assert not report.kept().quick

    def test_they_are_medians_of_at_least_seven_unless_said(self) -> None:
        kept = report.kept()
        noted = [one.what for one in kept.rows if "run once" in one.note]
        counts = {name: len(found) for name, found in kept.samples.items() if "memory of the table" not in name}
        few = {name.rpartition(",")[0] for name, count in counts.items() if count < 7}
        assert few == set(noted)

    def test_they_are_on_the_pages(self) -> None:
        for file, written in ((report.PAGE, report.page), (report.README, report.front)):
            text = file.read_text(encoding="utf-8")
            assert written(text, report.kept()) == text
        assert len(report.front("", report.kept()).splitlines()) == 4 + 2 + len(report.SHOWN)

    def test_the_plot_is_there_and_small(self) -> None:
        assert 1_000 < plot.FILE.stat().st_size < 60_000


class TestMeasuring:
    def test_sides_take_turns_and_the_first_rounds_do_not_count(self) -> None:
        told: list[str] = []

        def step(name: str) -> Spent:
            told.append(name)
            return Spent(len(told), 0)

        kept = in_turns({"a": lambda: step("a"), "b": lambda: step("b")}, rounds=2, warm=1)
        assert told == ["a", "b"] * 3
        assert [one.wall_ms for one in kept["a"]] == [3, 5]

    def test_turns_may_be_mixed_and_something_follows_each_round(self) -> None:
        told: list[str] = []
        orders = cycle(permutations("abc"))

        def step(name: str) -> Spent:
            told.append(name)
            return Spent(len(told), 0)

        sides = {name: partial(step, name) for name in "abc"}
        kept = in_turns(
            sides, rounds=20, warm=0, order=lambda names: list(next(orders)), between=lambda: told.append(".")
        )
        rounds = "".join(told).split(".")[:-1]
        assert rounds[:6] == ["".join(one) for one in permutations("abc")]
        assert {len(found) for found in kept.values()} == {20}

    def test_a_step_that_is_taken_several_times_costs_what_they_cost_on_average(self) -> None:
        costs = iter((Spent(1, 2, 3), Spent(5, 4, 9)))
        assert averaged(lambda: next(costs), 2)() == Spent(3, 3, 6)

    def test_what_was_not_waiting_is_ones_own(self) -> None:
        wire = Wire()

        def work() -> None:
            wire.seconds += 0.25

        found = spent(work, wire)
        assert found.wire_ms == 250
        assert found.own_ms == found.wall_ms - 250

    def test_work_costs_time(self) -> None:
        found = spent(lambda: sum(range(100_000)))
        assert found.wall_ms > 0
        assert found.cpu_ms > 0

    def test_the_quick_form_is_part_of_the_long_one(self) -> None:
        for one in ("ranks", "batches", "once", "ours_only", "requests"):
            assert set(getattr(QUICK, one)) <= set(getattr(FULL, one))
        assert min(FULL.rounds, FULL.batch_rounds) >= 7


class TestOurs:
    def test_every_host_of_the_fleet_is_ranked_and_a_batch_is_placed(self) -> None:
        hosts = Ours(8).table()
        assert len(hosts) == 8
        rank(hosts)
        instances = [UUID(one) for one in fleet.instances(0, 5)]
        found = plan(hosts, instances)
        assert [one.instance_uuid for one in found.placings] == instances
        reserve, confirm = map(json.loads, bodies(found))
        assert set(confirm) == set(reserve) | set(map(str, instances))

    def test_a_host_that_is_filtered_out_is_an_error(self) -> None:
        hosts = Ours(2).table()
        while (candidates := hosts.fitting(0)).size:
            hosts = hosts.with_claim(0, int(candidates[0]), uuid4())
        with pytest.raises(RuntimeError, match="filtered out"):
            rank(hosts)

    def test_a_batch_without_room_is_an_error(self) -> None:
        with pytest.raises(RuntimeError, match="no room"):
            plan(Ours(1).table(), [UUID(int=number) for number in range(200)])

    def test_what_a_table_keeps_is_counted(self) -> None:
        assert 0 < held_by_table(16) < 1


class Played:
    """A Nova that claims each instance on the first host, and takes a millisecond for everything."""

    def __init__(self, client=None) -> None:
        self._client = client
        self.asked: list[str] = []

    def disconnect(self) -> None:
        self.asked.append("disconnect")

    def do(self, what: str, **arguments) -> Spent:
        self.asked.append(what)
        for instance in arguments.get("instances", ()):
            held = {UUID(next(fleet.hosts(1))["uuid"]): Resources({"VCPU": 1})}
            self._client.put_allocations(UUID(instance), ConsumerWrite(held, "p", "u"))
        return Spent(1000.0, 1000.0)


def test_everything_in_memory_is_measured_in_turns_with_nova() -> None:
    nova = Played()
    part = InMemory(nova, replace(TINY, ranks=(100,), batches=(), hosts=100))
    part.run()
    assert nova.asked == ["load", "rank", "rank", "states", "states"]
    assert [(one.what.split()[0], one.other) for one in part.rows] == [("rank", 1000), ("answer", 1000)]
    assert [(one.hosts, one.nova) for one in part.points] == [(100, 1000)]


@pytest.fixture(scope="module")
def served() -> Iterator[PlacementServer]:
    """A server with the tiny fleet; every test gives back what it claims."""
    with PlacementServer() as server:
        for host in fleet.hosts(TINY.hosts):
            create(server.client(), host)
        yield server


def test_the_calls_of_a_request_are_sent_again_for_consumers_of_their_own(served) -> None:
    consumers = Consumers(served.client())
    instances = consumers.new(2)
    calls = calls_of(served, consumers.new(1), instances)
    assert [call.method for call in calls] == ["GET", "POST", "POST"]
    again = fresh(calls, consumers)
    assert not set(map(str, instances)) & set(json.loads(again[-1].body))
    with Bare(served) as bare:
        bare.send(again)
    held = [UUID(name) for name, write in json.loads(again[-1].body).items() if write["allocations"]]
    assert all(served.client().get_allocations(one).allocations for one in held)
    assert len(held) == 2
    consumers.give_back()
    assert not any(served.client().get_allocations(one).allocations for one in [*held, *instances])


def test_waiting_for_the_server_is_counted_and_what_a_client_does_beside_is_not(served) -> None:
    consumers, wire = Consumers(served.client()), Wire()
    calls = calls_of(served, consumers.new(1), consumers.new(1))
    with Bare(served, wire) as bare:
        bare.send(calls[:1])
        found = spent(lambda: bare.send(calls[:1]), wire)
    assert 0 < found.wire_ms < found.wall_ms
    with service(served) as ours:
        found = ours.select(consumers.new(1))
    assert found.own_ms < found.wall_ms
    consumers.give_back()


def test_a_side_that_begins_anew_makes_its_connections_in_the_time_that_is_measured(served, monkeypatch) -> None:
    consumers, made, wrap = Consumers(served.client()), [], SSLContext.wrap_socket
    calls = calls_of(served, consumers.new(1), consumers.new(1))
    monkeypatch.setattr(SSLContext, "wrap_socket", lambda *args, **more: made.append(args) or wrap(*args, **more))

    def connections(step: Step) -> int:
        made.clear()
        step()
        return len(made)

    with service(served) as ours, Bare(served) as one, Bare(served) as other:
        sides: list[tuple[Step, tuple[Connected, ...], int]] = [
            (lambda: ours.select_each(consumers.new(1), 1), (ours,), 1),
            (lambda: sent((one, other), calls, consumers, 2), (one, other), 2),
        ]
        for step, connected, count in sides:
            step()
            assert connections(step) == 0
            assert connections(anew(connected, step)) == count
    consumers.give_back()


def test_a_call_that_is_refused_is_an_error(served) -> None:
    headers = {"X-Auth-Token": "admin", "OpenStack-API-Version": "placement 1.39"}
    with Bare(served) as bare, pytest.raises(RuntimeError, match="404"):
        bare.send([Call("GET", "/nothing", headers, b"")])


def test_everything_end_to_end_is_measured_and_given_back(monkeypatch, served) -> None:
    @contextmanager
    def there(hosts: int) -> Iterator[object]:
        yield served

    monkeypatch.setattr(end_to_end, "placement", there)
    part = EndToEnd(nova := Played(served.client()), TINY)
    part.run()
    assert nova.asked[-4:] == ["disconnect", "select_each"] * 2
    wanted = [
        what.replace("4 threads", "1 threads")
        for what in BARS
        if what.startswith(("request for 1 ", "own", "requests"))
    ]
    assert [one.what for one in part.rows] == wanted
    assert served.client().get_project_usages("p").consumers("all") == 0


def test_the_footprint_is_of_fresh_processes(monkeypatch) -> None:
    monkeypatch.setattr(Footprint, "_figure", lambda self, program, said, *arguments: float(len(arguments) + 1))
    part = Footprint(Path(sys.executable), replace(TINY, ours_only=(7,)))
    part.run()
    assert [(one.what, one.ours) for one in part.rows] == [
        ("memory of the table, 7 hosts", 2),
        ("import of the library", 1),
        ("import of the library, nothing compiled", 1),
        ("import and build", 2),
        ("memory of a process that imported it", 1),
        ("memory of a scheduler that waits", 2),
    ]


def test_a_figure_is_what_a_program_prints(monkeypatch) -> None:
    monkeypatch.setenv(footprint.NO_BYTECODE, "1")
    program = "import os, sys; print(len(sys.argv) + ('PYTHONDONTWRITEBYTECODE' in os.environ))"
    assert Footprint(Path(sys.executable), TINY)._figure(program, {}, "one") == 2


class TestTheCommand:
    def play(self, monkeypatch, tmp_path: Path) -> list[Results]:
        results, kept = Results(machine="m", load=(0, 0), quick=False, rows=(row(),)), []
        monkeypatch.setattr(command, "nova_installed", lambda: sys.executable)
        monkeypatch.setattr(command, "library_installed", lambda: sys.executable)
        monkeypatch.setattr(command, "measured", lambda python, library, plan, quick: results)
        monkeypatch.setattr(command, "keep", kept.append)
        monkeypatch.setattr(command, "FULL", replace(FULL, logs=tmp_path))
        monkeypatch.setattr(command, "QUICK", replace(QUICK, logs=tmp_path))
        return kept

    def test_the_long_form_is_kept(self, monkeypatch, tmp_path, capsys) -> None:
        kept = self.play(monkeypatch, tmp_path)
        assert command.main([]) == 0
        assert len(kept) == 1
        assert "Every bar is reached." in capsys.readouterr().out

    def test_the_quick_form_is_not(self, monkeypatch, tmp_path) -> None:
        kept = self.play(monkeypatch, tmp_path)
        assert command.main(["--quick"]) == 0
        assert kept == []

    @pytest.mark.parametrize("what", ["nova_installed", "library_installed"])
    def test_without_an_environment_it_says_so(self, monkeypatch, capsys, what) -> None:
        def refuse() -> None:
            raise CannotInstall("no network")

        monkeypatch.setattr(command, "nova_installed", lambda: sys.executable)
        monkeypatch.setattr(command, what, refuse)
        assert command.main([]) == 2
        said = "Nova, or what the library requires, could not be installed: no network\n"
        assert capsys.readouterr().err == said

    def test_what_is_kept_is_written_where_it_is_read(self, monkeypatch, tmp_path) -> None:
        results = Results(
            machine="m", load=(0, 0), quick=False, rows=(row(),), points=(Point(100, 1, 9), Point(1000, 2))
        )
        for name in ("FILE", "PAGE", "README"):
            monkeypatch.setattr(report, name, tmp_path / name)
            (tmp_path / name).write_text(f"{report.BEGIN}\n{report.END}\n")
        drawn: list[object] = []
        monkeypatch.setattr(plot, "draw", drawn.append)
        command.keep(results)
        assert report.kept() == results
        assert "| w | 2.00 ms |" in (tmp_path / "PAGE").read_text()
        assert drawn == [results.points]


def test_the_plot_shows_both_sides(tmp_path) -> None:
    file = tmp_path / "deep" / "rank.png"
    plot.draw([Point(100, 1.0, 9.0), Point(1_000, 2.0, 90.0), Point(10_000, 9.0)], file)
    assert file.read_bytes().startswith(b"\x89PNG")
    assert file.stat().st_size < 60_000
