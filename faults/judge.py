"""What must be true after a contest: nothing claimed twice, nothing overfull, nothing left, nobody told two things."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from faults.fleet import FOREIGN, Fleet, over_capacity, reservations
from faults.report import Failure, Options
from placement_client.clock import SYSTEM_CLOCK, Deadline
from scheduler import FilterScheduler

REQUESTS = UUID("f0000000-0000-4000-8000-00000000c0de")  # makes the request ids of a run those of every run
SETTLES_S = 90.0

Holding = Mapping[str, list[tuple[str, Mapping[str, int]]]]  # by consumer: on which hosts, and how much


@dataclass(frozen=True, slots=True)
class Job:
    """One request; with a host, it races for the last slot there. ``delivery`` tells its deliveries apart."""

    number: int
    instances: tuple[UUID, ...]
    host: str | None = None
    delivery: str = ""

    @property
    def request_id(self) -> str:
        """Return the id that all its deliveries share."""
        return f"req-{uuid5(REQUESTS, str(self.instances[0]))}"

    @property
    def memory_mb(self) -> int:
        """Return the memory of an instance: too much for a host of the races, unless it is one of theirs."""
        return 64 if self.host else 512

    @property
    def amounts(self) -> dict[str, int]:
        """Return what each of its instances shall hold."""
        return {"VCPU": 2, "MEMORY_MB": self.memory_mb}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one delivery got: "selected" with a host for each instance, "no valid host", or "unavailable" and why."""

    delivery: str
    number: int
    verdict: str
    hosts: list[str]
    rounds: int
    reason: str = ""


def judged(
    fleet: Fleet, jobs: Sequence[Job], answers: Sequence[Answer], scheduler: FilterScheduler, options: Options
) -> list[Failure]:
    """Wait until everything is settled, count, and return what is wrong."""
    _wait(fleet, jobs, scheduler)
    holding = _holding(fleet)
    by_number: dict[int, list[Answer]] = {}
    for answer in answers:
        by_number.setdefault(answer.number, []).append(answer)
    found = [text for job in jobs for text in _wrongs(job, by_number.get(job.number, []), holding, scheduler)]
    found += _residues(fleet, jobs, holding)
    count = f" --count {options.count}" if options.count else ""
    quick = " --quick" if options.quick else ""
    return [Failure(text, f"python -m faults contention --seed {options.seed}{quick}{count}") for text in found]


def _wait(fleet: Fleet, jobs: Sequence[Job], scheduler: FilterScheduler) -> None:
    """Let the scheduler take over and settle what the last processes left, which takes as long as their leases."""
    deadline = Deadline.after(SETTLES_S)
    waiting = [job.request_id for job in jobs]
    while (waiting or reservations(fleet.client)) and not deadline.expired():
        scheduler.settle()
        waiting = [one for one in waiting if scheduler.outcome(one) in ("open", "in_doubt")]
        SYSTEM_CLOCK.sleep(0.1)


def _wrongs(job: Job, answers: Sequence[Answer], holding: Holding, scheduler: FilterScheduler) -> list[str]:
    """Compare the verdict of the journal with what the instances hold, and with what the callers were told."""
    outcome = scheduler.outcome(job.request_id)
    held = [holding.get(str(instance), []) for instance in job.instances]
    told = {tuple(answer.hosts) for answer in answers if answer.verdict == "selected"}
    right = [len(one) == 1 and one[0][1] == job.amounts for one in held]
    placed = tuple(one[0][0] for one in held if one)
    found = {
        "its outcome is not known": outcome not in ("committed", "aborted", "unknown"),
        "it was claimed twice": any(len(one) > 1 for one in held),
        "it is committed, but an instance does not hold its own": outcome == "committed" and not all(right),
        "it is not committed, but an instance holds something": outcome != "committed" and any(held),
        "its deliveries were told different hosts": len(told) > 1,
        "a delivery was told hosts on which it is not": bool(told) and told != {placed},
        "no delivery was answered": not answers,
        "a delivery was never served": any(answer.verdict == "unavailable" for answer in answers),
    }
    return [f"request {job.number} ({outcome}): {text}" for text, wrong in found.items() if wrong]


def _residues(fleet: Fleet, jobs: Sequence[Job], holding: Holding) -> list[str]:
    """Return what is left of anything, and what is not as it was."""
    ours = {str(instance) for job in jobs for instance in job.instances}
    foreign = {str(consumer) for consumer in fleet.foreign}
    left = reservations(fleet.client)
    return [
        *([f"{left} reservations are left"] if left else []),
        *(f"host {host} is over its capacity" for host in over_capacity(fleet.client, fleet.hosts)),
        *(f"consumer {one} holds something" for one in sorted(holding.keys() - ours - foreign)),
        *(f"foreign {one} was touched" for one in sorted(foreign) if not _untouched(holding.get(one, []))),
    ]


def _untouched(held: Sequence[tuple[str, Mapping[str, int]]]) -> bool:
    return [amounts for _, amounts in held] == [FOREIGN]


def _holding(fleet: Fleet) -> Holding:
    """Read every host: who holds what on which."""
    names = {one.uuid: one.name for one in fleet.client.list_resource_providers()}
    found: dict[str, list[tuple[str, Mapping[str, int]]]] = {}
    for host in fleet.hosts:
        held: Any
        for consumer, held in fleet.client.get_provider_allocations(host).allocations.items():
            found.setdefault(consumer, []).append((names[host], dict(held.resources)))
    return found
