"""The requests of the demo, one after another through the library's public face, until the fleet refuses."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from demo.workload import Job
from placement_client.clock import SYSTEM_CLOCK
from scheduler import NoValidHost, RequestContext, Selection
from scheduler.filter_scheduler import FilterScheduler
from scheduler.model import DecisionRecord


@dataclass(frozen=True, slots=True)
class Answer:
    """What one job got: selections, or none where nothing fits; the record says why either way."""

    job: Job
    selections: tuple[Selection, ...]
    record: DecisionRecord
    milliseconds: float

    @property
    def placed(self) -> bool:
        """Tell whether the job got hosts."""
        return bool(self.selections)


@dataclass(frozen=True, slots=True)
class StopRule:
    """When the fleet has refused enough: after ``at_least`` jobs, once ``refused`` of the last ``window`` were."""

    at_least: int = 500
    at_most: int = 700
    window: int = 20
    refused: int = 10


def run(scheduler: FilterScheduler, jobs: Iterable[Job], rule: StopRule) -> Iterator[Answer]:
    """Schedule job by job and yield each answer, until the rule says that it is enough."""
    host_of: dict[UUID, str] = {}
    recent: deque[bool] = deque(maxlen=rule.window)
    for done, job in enumerate(jobs, 1):
        answer = schedule(scheduler, job, host_of)
        host_of.update((selection.instance_uuid, selection.service_host) for selection in answer.selections)
        recent.append(answer.placed)
        yield answer
        if done >= rule.at_most or (done >= rule.at_least and recent.count(False) >= rule.refused):
            return


def schedule(scheduler: FilterScheduler, job: Job, host_of: Mapping[UUID, str]) -> Answer:
    """Schedule one job, whose group knows the hosts its members have so far."""
    spec = job.knowing(host_of).spec
    context = RequestContext(project_id=spec.project_id, user_id=spec.user_id, request_id=job.request_id)
    started = SYSTEM_CLOCK.monotonic()
    selections: tuple[Selection, ...] = ()
    with suppress(NoValidHost):  # a normal answer; the record has the reasons
        selections = tuple(first for first, *_ in scheduler.select_destinations(context, spec, job.instances))
    milliseconds = 1000 * (SYSTEM_CLOCK.monotonic() - started)
    return Answer(job, selections, _record(scheduler, job.request_id), milliseconds)


def _record(scheduler: FilterScheduler, request_id: str) -> DecisionRecord:
    record = scheduler.record(request_id)
    if record is None:
        raise RuntimeError("a request left no decision record")
    return record
