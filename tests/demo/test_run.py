"""When a run ends."""

from itertools import count
from uuid import UUID

import pytest

from demo.run import StopRule, run
from demo.workload import Job
from placement_client.models import AllocationRequest
from scheduler import NoValidHost
from scheduler.model import DecisionRecord, Flavor, RequestSpec, Selection

SPEC = RequestSpec(flavor=Flavor(vcpus=1, memory_mb=1), project_id="p", user_id="u")
RULE = StopRule(at_least=10, at_most=30, window=4, refused=2)


class Until:
    """A scheduler that places so many requests and refuses all others."""

    def __init__(self, placed: int) -> None:
        self._left = placed

    def select_destinations(self, context, spec, instances) -> list[list[Selection]]:
        self._left -= 1
        if self._left < 0:
            raise NoValidHost(context.request_id)
        return [[_selection(instance)] for instance in instances]

    def record(self, request_id: str) -> DecisionRecord:
        return DecisionRecord(request_id=request_id, outcome="selected")


def _selection(instance: UUID) -> Selection:
    return Selection(
        instance_uuid=instance,
        service_host="h1",
        nodename="h1",
        compute_node_uuid=UUID(int=1),
        allocation_request=AllocationRequest(allocations={}),
        allocation_request_version="1.39",
        claimed=True,
    )


@pytest.mark.parametrize(
    ("placed", "answers"),
    [
        (0, 10),  # refusals before the least number do not end it
        (9, 11),
        (20, 22),
        (1000, 30),  # a fleet that never refuses
    ],
)
def test_it_ends_when_enough_was_refused(placed: int, answers: int) -> None:
    jobs = (Job("single", SPEC, (UUID(int=number),)) for number in count(1))
    outcome = list(run(Until(placed), jobs, RULE))
    assert len(outcome) == answers
    assert sum(answer.placed for answer in outcome) == min(placed, answers)
