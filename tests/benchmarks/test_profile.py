"""The profiles: what is counted for whom, what is said of it, and that what is on the page was measured."""

import cProfile
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import msgspec
import numpy as np
import pytest

import benchmarks.profile.__main__ as command
from benchmarks.profile import imports, own, report
from benchmarks.profile.at_once import Busy, busy, mean
from benchmarks.profile.own import Rank
from benchmarks.profile.report import Profile
from benchmarks.profile.requests import Call, Request, Side, _side, named_calls
from benchmarks.profile.rooms import ELSEWHERE, Threads, by_room, calls, room_of
from benchmarks.profile.watched import Answered, WatchedServer
from benchmarks.results import ROOT
from benchmarks.speed import fleet
from benchmarks.speed.clock import Spent
from benchmarks.speed.plan import FULL
from benchmarks.speed.stage import Consumers, create
from faults.environments import CannotInstall
from placement_client.models import ConsumerWrite, Resources

HERE = "tests/benchmarks"


def spin(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def sort_five_times(values: list[int]) -> None:
    for _ in range(5):
        sorted(values)


def wait_for(lock: threading.Lock) -> None:
    lock.acquire(timeout=0.2)


class TestRooms:
    @pytest.mark.parametrize(
        ("file", "room"),
        [
            (str(ROOT / "scheduler" / "hosts" / "build.py"), "scheduler/hosts"),
            (str(ROOT / "scheduler" / "candidates.py"), "scheduler/candidates"),
            (np.__file__, "numpy"),
            (json.__file__, ELSEWHERE),
            ("<frozen importlib._bootstrap>", ELSEWHERE),
        ],
    )
    def test_a_function_belongs_where_its_file_is(self, file: str, room: str) -> None:
        assert room_of(file, depth=2) == room

    def test_what_is_written_in_c_counts_for_its_library_or_for_who_called_it(self) -> None:
        numbers, values = np.arange(1_000_000.0), list(range(300_000, 0, -1))
        with cProfile.Profile() as profile:
            np.sort(numbers[::-1])
            sorted(values)
        seconds = by_room(profile, depth=2)
        assert seconds["numpy"] > 0
        with cProfile.Profile() as profile:
            sort_five_times(values)
        seconds = by_room(profile, depth=2)
        assert seconds[HERE] > 0.9 * sum(seconds.values())
        assert calls(profile)[1] >= 5

    def test_waiting_counts_for_nobody(self) -> None:
        lock = threading.Lock()
        lock.acquire()
        with cProfile.Profile() as profile:
            wait_for(lock)
        assert sum(by_room(profile, depth=2).values()) < 0.1

    def test_new_threads_count_and_older_ones_do_not(self) -> None:
        threads = Threads()
        with threads.of_new_threads():
            new = threading.Thread(target=spin, args=(0.1,))
            new.start()
        other = threading.Thread(target=spin, args=(0.5,))
        other.start()
        new.join()
        other.join()
        spin(0.5)  # not in the block
        assert 0.09 < threads.seconds(depth=2)[HERE] < 0.5
        with threads:
            spin(0.5)
        assert threads.seconds(depth=2)[HERE] > 0.55


def test_modules_are_added_up_by_package() -> None:
    said = """import time: self [us] | cumulative | imported package
import time:      1500 |       1500 |   numpy._core
import time:       500 |       2000 | numpy
import time:        40 |         40 |     json.decoder
a line of somebody else's | 7 | numpy
"""
    assert imports.packages_of(said) == {"numpy": 2.0, ELSEWHERE: 0.04}


def test_an_import_is_that_of_the_library() -> None:
    found = imports.by_package(Path(sys.executable), 1)
    assert {"scheduler", "placement_client", "numpy", ELSEWHERE} <= set(found)
    assert list(found.values()) == sorted(found.values(), reverse=True)


class TestProcessors:
    def test_children_count_as_long_as_they_live(self) -> None:
        child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        try:
            found = busy("s", lambda: spent_sleeping(0.5), {"child": child.pid}, requests=2)
            grown = busy("s", lambda: spent_sleeping(0.5), {"all": os.getpid()}, requests=1)
        finally:
            child.kill()
            child.wait()
        assert 50 < found.processor["child"] < 300
        assert found.processor["client"] == 1.5
        assert found.wall == 2
        assert grown.processor["all"] > 100

    def test_a_mean_is_of_every_part(self) -> None:
        rounds = [Busy(name="s", wall=1, processor={"a": 2}), Busy(name="s", wall=3, processor={"a": 6})]
        assert mean(rounds) == Busy(name="s", wall=2, processor={"a": 4})
        assert Busy(name="s", wall=1, processor={"a": 2, "b": 3}).needed == 5


def spent_sleeping(seconds: float) -> Spent:
    time.sleep(seconds)
    return Spent(4, 3)


def answered(method: str, path: str, whole: float = 10.0, **statements: int) -> Answered:
    return Answered(method, path, statements, {"whole": whole, "database": 4.0, "garbage": 1.0})


class TestRequests:
    def test_calls_are_named_by_what_they_are_for(self) -> None:
        sent = [
            answered("GET", "/allocation_candidates"),
            answered("POST", "/allocations"),
            answered("POST", "/allocations"),
            answered("PUT", "/allocations/some-uuid"),
        ]
        assert [what for what, _ in named_calls(sent)] == [
            "GET /allocation_candidates",
            "POST /allocations, reserve",
            "POST /allocations, confirm",
            "PUT /allocations",
        ]

    def test_a_side_is_the_mean_of_its_rounds(self) -> None:
        first = [answered("GET", "/a", 10, SELECT=3), answered("PUT", "/a/1", 2), answered("PUT", "/a/2", 4)]
        second = [answered("GET", "/a", 20, SELECT=5), answered("PUT", "/a/1", 2), answered("PUT", "/a/2", 4)]
        side = _side("Nova", [Spent(30, 0), Spent(50, 0)], [first, second])
        assert side.wall == 40
        assert side.calls == (
            Call(what="GET /a", times=1, statements=4, whole=15, database=4, garbage=1),
            Call(what="PUT /a", times=2, statements=0, whole=6, database=8, garbage=2),
        )
        assert side.placement == 21


@pytest.mark.parametrize(("took", "said"), [(99.0, "leaves room for that"), (101.0, "is more than that by itself")])
def test_a_request_is_judged_by_what_placement_takes_for_it(took: float, said: str) -> None:
    one = Call(what="GET /a", times=1, statements=1, whole=took, database=0, garbage=0)
    ours, nova = Side(name="ours", wall=150, calls=(one,)), Side(name="Nova", wall=500, calls=())
    request = Request(instances=10, bar=5, ours=ours, nova=nova)
    assert request.allowed == 100
    assert report.verdict(request).endswith(said + ".")


def test_a_server_tells_what_it_took_to_answer() -> None:
    with WatchedServer() as server:
        client = server.client()
        (host,) = fleet.hosts(1)
        create(client, host)
        server.calls()
        consumers = Consumers(client)
        held = {UUID(host["uuid"]): Resources({"VCPU": 1})}
        client.post_allocations({consumers.new(1)[0]: ConsumerWrite(held, project_id="p", user_id="u")})
        (call,) = server.calls()
        assert (call.method, call.path) == ("POST", "/allocations")
        assert call.statements["INSERT allocations"] == 1
        assert call.statements["COMMIT"] >= 1
        assert 0 < call.ms["database"] < call.ms["whole"]
        assert server.calls() == []


def test_our_own_time_is_that_of_the_request_and_of_the_journal() -> None:
    with WatchedServer() as server:
        client = server.client()
        for host in fleet.hosts(2):
            create(client, host)
        found = own.of_request(server, Consumers(client), 2)
    assert {"scheduler/hosts", "scheduler/claims", "sqlalchemy", "SQLite and the disk"} <= set(found)
    assert sum(found.values()) < 1_000  # no wait is in it


def test_ranks_are_profiled_and_timed(monkeypatch) -> None:
    monkeypatch.setattr(own, "RANKS", 3)
    monkeypatch.setattr(own, "TIMES", 3)
    found = own.of_rank()
    assert 50 < found.python_calls < 400
    assert "scheduler/selection/weighing" in found.rooms
    assert len(found.after) == 5
    assert min(found.after.values()) > 0


class TestThePage:
    def test_shows_what_was_kept(self) -> None:
        text = report.PAGE.read_text()
        assert report.page(text, report.kept()) == text

    def test_rooms_beyond_the_largest_are_added_up(self) -> None:
        rooms = {f"r{number:02}": 1.0 for number in range(report.SHOWN + 4)}
        rows = list(report._rooms(rooms))
        assert rows[-2:] == [("all others", "4.00 ms", "20 %"), ("**together**", "**20.0 ms**", "")]
        assert len(rows) == report.SHOWN + 2

    def test_the_rate_that_the_processors_allow_is_said(self) -> None:
        profile = msgspec.structs.replace(
            report.kept(),
            processors=2,
            at_once=(
                Busy(name="ours", wall=1, processor={"client": 5, "Placement": 90, "database": 10}),
                Busy(name="Nova", wall=200, processor={}),
            ),
        )
        assert report.bound(profile).endswith("would serve 20.0.")
        assert "5.0 a second, so that three times as many are 15.0" in report.bound(profile)


class TestTheCommand:
    @pytest.fixture
    def found(self, monkeypatch, tmp_path) -> Profile:
        busy_side = Busy(name="ours", wall=1, processor={"client": 1, "Placement": 1})
        profile = Profile(
            machine="m",
            load=(0, 0),
            processors=2,
            requests=(),
            freezing=(),
            at_once=(busy_side, msgspec.structs.replace(busy_side, name="Nova")),
            own={"scheduler/hosts": 1.0},
            rank=Rank(rooms={"numpy": 0.1}, python_calls=2, c_calls=1, after={"nothing": 0.1}),
            imports={"numpy": 1.0},
        )
        for name in ("nova_installed", "library_installed"):
            monkeypatch.setattr(command, name, lambda: Path(sys.executable))
        monkeypatch.setattr(command, "FULL", replace(FULL, logs=tmp_path))
        monkeypatch.setattr(command, "started", lambda python, log: threading.Lock())  # anything that can be entered
        monkeypatch.setattr(command, "profiled", lambda nova, library, rounds: profile)
        for name in ("FILE", "PAGE"):
            monkeypatch.setattr(report, name, tmp_path / name)
        (tmp_path / "PAGE").write_text(f"{report.BEGIN}\n{report.END}\n")
        return profile

    def test_a_profile_is_kept_and_shown(self, found, capsys) -> None:
        assert command.main([]) == 0
        assert report.kept() == found
        assert "| numpy | 100 µs | 100 % |" in report.PAGE.read_text()
        assert "### Import" in capsys.readouterr().out

    def test_a_quick_one_is_not(self, found, tmp_path) -> None:
        assert command.main(["--quick"]) == 0
        assert not report.FILE.exists()

    def test_without_an_environment_it_says_so(self, found, monkeypatch, capsys) -> None:
        def refuse() -> None:
            raise CannotInstall("no network")

        monkeypatch.setattr(command, "library_installed", refuse)
        assert command.main([]) == 2
        said = "Nova, or what the library requires, could not be installed: no network\n"
        assert capsys.readouterr().err == said
