"""The soak finds what grows; and a short one, on a real Placement, finds nothing."""

import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from msgspec import structs

from benchmarks.soak.gauges import Sample, gauges
from benchmarks.soak.mock_server import MockServer
from benchmarks.soak.run import Plan, Soak, soaked
from benchmarks.soak.stage import stage
from benchmarks.soak.verdict import NEVER_MORE, PER, TOLERATED, parts, problems, slope
from benchmarks.soak.workload import KINDS, MIXTURE, NO_HOST
from scheduler import InvalidRequest, NoValidHost

SHORT = Plan(500, every=20, warm_up=100, threads=2)
CLIENTS = 2
"""The scheduler's, each of whose threads and whose sweeper may hold a connection, and the one that gives back."""

ONE_EACH = PER
"""The slope of a leak of one object a request. What is placed is remembered until the next snapshot, and weak
references that are over are forgotten many at once: that is some 400 objects now more, now less, which a line through
all samples of a short soak tells from a leak."""

FLAT = Sample(
    requests=0, rss_kib=100_000, objects=200_000, threads=8, sockets=6, files=9, claims=1_000, holds=1_100,
    journal_kib=9_000,
)  # fmt: skip
SAMPLES = [structs.replace(FLAT, requests=number) for number in range(500, 20_001, 500)]


def found(change: Callable[[Sample], Sample]) -> list[str]:
    return list(problems([change(one) for one in SAMPLES], 2_000))


def test_what_stays_as_it_is_does_not_grow() -> None:
    assert found(lambda one: one) == []


def test_what_grows_during_the_warm_up_alone_does_not_grow() -> None:
    assert found(lambda one: one if one.requests > 2_000 else structs.replace(one, rss_kib=one.requests)) == []


def test_memory_that_settles_in_the_first_half_does_not_grow_and_other_things_do() -> None:
    def settling(name: str) -> list[str]:
        return found(lambda one: structs.replace(one, **{name: 100_000 + min(one.requests, 10_000)}))

    assert settling("rss_kib") == []
    assert settling("objects") != []


@pytest.mark.parametrize("name", TOLERATED)
def test_twice_the_tolerated_growth_is_found_and_half_of_it_is_not(name: str) -> None:
    def grown(by: float) -> list[str]:
        start = getattr(FLAT, name)
        return found(lambda one: structs.replace(one, **{name: int(start + by * one.requests / 10_000)}))

    assert grown(0.5 * TOLERATED[name]) == []
    (problem,) = grown(2 * TOLERATED[name])
    assert problem.startswith(f"{name} grows by")


@pytest.mark.parametrize("name", NEVER_MORE)
def test_one_more_than_in_the_warm_up_is_found(name: str) -> None:
    more = getattr(FLAT, name) + 1
    (problem,) = found(lambda one: structs.replace(one, **{name: more}) if one.requests == 7_000 else one)
    assert problem == f"{name} were {more}, more than the {more - 1} of the warm-up"


def test_too_few_samples_tell_nothing() -> None:
    assert list(problems(SAMPLES[:5], 2_000)) == ["there are too few samples to tell"]


def test_the_mixture_has_every_kind() -> None:
    assert set(MIXTURE) == set(KINDS)
    assert {kind.end for kind in KINDS.values()} == {"selected", "released", "no valid host", "refused"}


class Played:
    """Ends each request as it must, without a Placement."""

    def select_destinations(self, context, spec, instances):
        if spec.scheduler_hints:
            raise InvalidRequest("no")
        if spec.flavor.vcpus > 2 or spec.flavor.extra_specs:
            raise NoValidHost(context.request_id)
        return [[instance] for instance in instances]

    def reserve(self, context, spec, instances):
        return nullcontext()


class PlayedStage:
    """A stage on which nothing is real but the threads and the file."""

    def __init__(self, directory: Path) -> None:
        self.scheduler, self.journal = Played(), directory / "claims.sqlite"
        with sqlite3.connect(self.journal) as database:
            database.executescript("CREATE TABLE claims (one); CREATE TABLE holds (one)")
        database.close()

    def give_back(self, instances) -> None:
        return None


def grown_with(stage: PlayedStage, leak: Callable[[int], None]) -> set[str]:
    """Return what is told to grow while a leak is called with each of 1,000 requests."""
    soak = Soak()
    for _ in soaked(stage, Plan(1_000, every=100, warm_up=300), soak, leak):
        pass
    assert soak.wrong_ends() == []
    return {problem.split()[0] for problem in problems(soak.samples, 300)}


def test_planted_leaks_are_found(tmp_path: Path) -> None:
    stage, kept, stop = PlayedStage(tmp_path), [], threading.Event()

    def one_file_in_500(number: int) -> None:
        if number % 500 == 499:
            kept.append(os.open(os.devnull, os.O_RDONLY))

    def one_thread_in_500(number: int) -> None:
        if number % 500 == 499:
            kept.append(threading.Thread(target=stop.wait))
            kept[-1].start()

    def one_row_in_50(number: int) -> None:
        if number % 50 == 49:
            with sqlite3.connect(stage.journal, timeout=60) as database:
                database.execute("INSERT INTO claims VALUES (1)")
            database.close()

    assert grown_with(stage, lambda _: kept.append([])) == {"objects"}
    assert "rss_kib" in grown_with(stage, lambda _: kept.append(bytearray(4096)))
    assert "files" in grown_with(stage, one_file_in_500)
    assert "threads" in grown_with(stage, one_thread_in_500)
    assert "claims" in grown_with(stage, one_row_in_50)
    assert grown_with(stage, lambda _: None) <= {"rss_kib"}
    stop.set()
    for one in kept:
        if isinstance(one, int):
            os.close(one)


def test_a_wrong_end_is_told() -> None:
    soak = Soak(ends=Counter({("one instance", "selected"): 3, ("one instance", NO_HOST): 2}))
    assert soak.wrong_ends() == ["2 times, a request of the kind 'one instance' ended as: no valid host"]


def test_a_sample_counts_what_is_open(tmp_path: Path) -> None:
    with gauges(PlayedStage(tmp_path).journal) as looking:
        before = looking.sample(0)
        opened = os.open(os.devnull, os.O_RDONLY)
        after = looking.sample(0)
        os.close(opened)
    assert (after.files, after.sockets, after.threads) == (before.files + 1, before.sockets, before.threads)


@pytest.fixture(scope="module")
def short() -> Soak:
    """A soak that takes seconds: too few requests to see a slope, enough to see a thread, a file, a row."""
    soak = Soak()
    with MockServer() as server, stage(server, keep=10) as ready:
        for _ in soaked(ready, SHORT, soak):
            ready.scheduler.claimer._journal.prune()
        assert ready.residue() == []
    return soak


def test_every_request_of_a_soak_ends_as_it_must(short: Soak) -> None:
    assert short.wrong_ends() == []
    assert {kind: count for (kind, _), count in short.ends.items()} == {
        kind: SHORT.requests // len(MIXTURE) * MIXTURE.count(kind) for kind in KINDS
    }


def test_a_short_soak_holds_no_more_at_its_end(short: Soak) -> None:
    _, *middle, last = short.samples
    assert last.threads <= max(one.threads for one in middle)
    assert last.files <= max(one.files for one in middle)
    assert last.sockets <= CLIENTS * (SHORT.threads + 1)
    assert last.claims <= 10 + SHORT.every
    _, after = parts(short.samples, SHORT.warm_up)
    assert slope(after, "objects") < ONE_EACH
