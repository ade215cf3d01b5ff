"""Processes and threads that race on one Placement and one journal, while processes are killed and taken over.

Four processes of eight threads share a Placement with default settings (four workers of two threads, PostgreSQL) and a
journal on PostgreSQL. Some requests race for a host with room for one of them, some are delivered twice at the same
time or again much later. Processes are killed at random moments; whoever follows one gets what it had not answered,
under another name, so that the claims which it left are for the others to take over.
"""

import json
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID

from faults.fleet import Fleet, context_of, hush, set_up, settings
from faults.judge import Answer, Job, judged
from faults.report import Options, Report, Row
from placement_client.clock import SYSTEM_CLOCK, Deadline
from placement_client.testing import PlacementServer, PostgresServer
from scheduler import (
    Destination,
    FilterScheduler,
    Flavor,
    NoValidHost,
    RequestSpec,
    SchedulingUnavailable,
    build,
    load_config,
)
from scheduler.randomness import RandomStream

PROCESSES, THREADS = 4, 8
REQUESTS, QUICK_REQUESTS = 10_000, 100
REQUESTS_A_KILL = 250
RACERS = 5  # requests for the same last slot
ROOMY_HOSTS = 8
GIVES_UP_S = 120.0
LEASE = {"lease": "5", "heartbeat": "1"}
FORGETS_NOTHING = {"keep_claims": "1000000"}


@dataclass(frozen=True, slots=True)
class Hand:
    """What one process is to do: deliver these jobs, in this order, and append a line for each answer."""

    ini: Path
    answers: Path
    jobs: tuple[Job, ...]


def run(options: Options) -> Report:
    """Serve all deliveries while processes are killed, then count."""
    started = SYSTEM_CLOCK.monotonic()
    with PostgresServer() as postgres, tempfile.TemporaryDirectory() as directory:
        journal = postgres.create_database("journal")
        placement = postgres.create_database("placement", driver="psycopg2")
        with PlacementServer(placement, workers=4, threads=2) as server:
            return Contest(options, server, journal, Path(directory)).report(started)


class Contest:
    """One run: the jobs, the processes, and what they answered."""

    def __init__(self, options: Options, server: PlacementServer, journal: str, directory: Path) -> None:
        self._options = options
        self._server = server
        self._journal = journal
        self._directory = directory
        self._stream = RandomStream(str(options.seed).encode().rjust(32, b"0"), "contention")
        count = options.count or (QUICK_REQUESTS if options.quick else REQUESTS)
        self._jobs = jobs(self._stream, count)
        self._kills = max(2, count // REQUESTS_A_KILL)
        self._killed = 0

    def report(self, started: float) -> Report:
        """Set up the fleet, serve, judge."""
        client = self._server.client()
        roomy = set_up(client, ROOMY_HOSTS, vcpus=20 * len(self._jobs))
        slots = len({job.host for job in self._jobs if job.host})
        tight = set_up(client, slots, vcpus=3, memory_mb=300, name="slot")
        began = SYSTEM_CLOCK.monotonic()
        answers = self._serve()
        seconds = SYSTEM_CLOCK.monotonic() - began
        fleet = Fleet(client, roomy.hosts + tight.hosts, roomy.foreign + tight.foreign)
        with build(load_config(str(self._ini("judge")))) as scheduler:
            failures = judged(fleet, self._jobs, answers, scheduler, self._options)
        notes = [_summary(answers, seconds), f"{self._killed} processes were killed and taken over"]
        rows = list(_rows(self._jobs, answers))
        return Report("contention", len(answers), failures, rows, SYSTEM_CLOCK.monotonic() - started, notes)

    def _serve(self) -> list[Answer]:
        """Let all processes work; kill one now and then; start another one with what it had not answered."""
        hands = [self._hand(number, 0, work) for number, work in enumerate(dealt_out(self._jobs))]
        total = sum(len(hand.jobs) for hand in hands)
        deaths = sorted(1 + self._stream.below(max(1, total * 9 // 10)) for _ in range(self._kills))
        working = {hand: _started(hand) for hand in hands}
        while working:
            SYSTEM_CLOCK.sleep(0.05)
            if deaths and sum(len(_answered(hand)) for hand in hands) >= deaths[0]:
                deaths.pop(0)
                self._kill(working)
            for hand, process in list(working.items()):
                if not process.is_alive():
                    del working[hand]
                    self._go_on_after(hand, hands, working)
        return list(chain.from_iterable(_answered(hand) for hand in hands))

    def _kill(self, working: Mapping[Hand, BaseProcess]) -> None:
        process = list(working.values())[self._stream.below(len(working))]
        if process.is_alive() and process.pid:
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            self._killed += 1

    def _go_on_after(self, hand: Hand, hands: list[Hand], working: dict[Hand, BaseProcess]) -> None:
        """Start a process for what an ended one has left, if anything."""
        done = {answer.delivery for answer in _answered(hand)}
        left = tuple(job for job in hand.jobs if job.delivery not in done)
        if left:
            following = self._hand(len(hands), 1, left)
            hands.append(following)
            working[following] = _started(following)

    def _hand(self, number: int, life: int, work: Sequence[Job]) -> Hand:
        name = f"node-{number}-{life}"
        return Hand(self._ini(name), self._directory / f"{name}.answers", tuple(work))

    def _ini(self, name: str) -> Path:
        journal = {"connection": self._journal, **LEASE, **FORGETS_NOTHING}
        ini = self._directory / f"{name}.ini"
        ini.write_text(settings(self._server.ini(), journal, name, backoff_base="0.05", backoff_cap="1.0"))
        return ini


def jobs(stream: RandomStream, count: int) -> tuple[Job, ...]:
    """Return this many requests: half of them race for last slots, the others are batches of 1 to 3."""
    made, racing = [], count // 2
    for number in range(count):
        host = f"slot{number // RACERS}" if number < racing else None
        batch = 1 if host else 1 + stream.below(3)
        made.append(Job(number, tuple(_drawn_uuid(stream) for _ in range(batch)), host))
    return tuple(made)


def _drawn_uuid(stream: RandomStream) -> UUID:
    return UUID(int=stream.below(2**64) << 64 | stream.below(2**64), version=4)


def dealt_out(made: Sequence[Job]) -> list[list[Job]]:
    """Deal the requests to the processes so that racers meet; every fifth is delivered to two, every tenth again later.

    The place of a job in the hands stays the same for its second delivery at the same time.
    """
    order = sorted(made, key=lambda job: (job.number % (len(made) // 2 or 1), job.number))
    hands: list[list[Job]] = [[] for _ in range(PROCESSES)]
    for place, job in enumerate(order):
        hands[place % PROCESSES].append(replace(job, delivery=f"{job.number}:first"))
        if job.number % 5 == 0:
            hands[(place + 1) % PROCESSES].append(replace(job, delivery=f"{job.number}:twin"))
    for place, job in enumerate(order):
        if job.number % 10 == 3:
            hands[(place + 2) % PROCESSES].append(replace(job, delivery=f"{job.number}:later"))
    return hands


# One process


def _started(hand: Hand) -> BaseProcess:
    process = get_context("spawn").Process(target=_work, args=(hand,), daemon=True)
    process.start()
    return process


def _work(hand: Hand) -> None:
    """Deliver all jobs of a hand from several threads to one scheduler."""
    hush()
    with build(load_config(str(hand.ini))) as scheduler, ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(partial(_deliver, scheduler, hand.answers), hand.jobs):
            pass


def _deliver(scheduler: FilterScheduler, answers: Path, job: Job) -> None:
    """Deliver one job, again while it is unavailable, as a queue would; write the answer down in one piece."""
    deadline = Deadline.after(GIVES_UP_S)
    answer = _asked(scheduler, job)
    while answer.verdict == "unavailable" and not deadline.expired():
        SYSTEM_CLOCK.sleep(0.2)
        answer = _asked(scheduler, job)
    line = json.dumps([answer.delivery, answer.number, answer.verdict, answer.hosts, answer.rounds, answer.reason])
    file = os.open(answers, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, f"{line}\n".encode())
    finally:
        os.close(file)


def _asked(scheduler: FilterScheduler, job: Job) -> Answer:
    verdict, reason, hosts = "selected", "", []
    try:
        selections = scheduler.select_destinations(context_of(job.request_id), _spec(job), job.instances)
        hosts = [selected.service_host for selected, *_ in selections]
    except NoValidHost:
        verdict = "no valid host"
    except SchedulingUnavailable as error:
        verdict, reason = "unavailable", error.reason or error.code
    record = scheduler.record(job.request_id)
    return Answer(job.delivery, job.number, verdict, hosts, len(record.rounds) if record else 0, reason)


def _spec(job: Job) -> RequestSpec:
    return RequestSpec(
        flavor=Flavor(vcpus=2, memory_mb=job.memory_mb),
        project_id="tenant",
        user_id="somebody",
        num_instances=len(job.instances),
        requested_destination=Destination(host=job.host) if job.host else None,
    )


def _answered(hand: Hand) -> list[Answer]:
    """Return the answers that are written completely."""
    if not hand.answers.exists():
        return []
    lines = hand.answers.read_text().split("\n")[:-1]
    return [Answer(*json.loads(line)) for line in lines]


# What is shown


def _summary(answers: Sequence[Answer], seconds: float) -> str:
    planned = [answer for answer in answers if answer.rounds]
    again = sum(answer.rounds > 1 for answer in planned)
    return (
        f"{len(answers) / max(seconds, 0.001):.1f} requests per second; "
        f"{100 * again / max(1, len(planned)):.1f} % of {len(planned)} planned requests had to plan again"
    )


def _rows(made: Sequence[Job], answers: Sequence[Answer]) -> Iterator[Row]:
    racing = {job.number for job in made if job.host}
    for name, wanted in (("race for a last slot", True), ("batch of 1 to 3", False)):
        found = [answer for answer in answers if (answer.number in racing) is wanted]
        yield {
            "request": name,
            "answers": len(found),
            "delivered again": sum(not answer.delivery.endswith(":first") for answer in found),
            "selected": sum(answer.verdict == "selected" for answer in found),
            "no valid host": sum(answer.verdict == "no valid host" for answer in found),
            "unavailable": sum(answer.verdict == "unavailable" for answer in found),
            "planned again": sum(answer.rounds > 1 for answer in found),
        }
