"""Requests that fail on purpose cannot take a fleet's room away: how many claims may hold room is bounded."""

import contextlib
from uuid import uuid4

import msgspec
import pytest

from placement_client.testing import RealPlacement
from placement_client.testing.faults import placement_error, reset_after_apply, when
from scheduler import NoValidHost, RequestContext, SchedulingUnavailable
from tests.flow.fleet import CONTEXT, SPEC, add_hosts, holders, reservations, scheduler_on

LIMITS = """
[claims]
max_rounds = 1
max_open = 5
max_open_per_project = 3
"""
OTHERS = [
    (RequestContext(project_id=name, user_id="somebody"), msgspec.structs.replace(SPEC, project_id=name))
    for name in ("other", "third")
]


def is_write(call) -> bool:
    return call.method == "POST" and call.path.endswith("/allocations")


@pytest.fixture
def real():
    with RealPlacement() as server:
        yield server


@pytest.fixture
def scheduler(real):
    with scheduler_on(real, LIMITS) as scheduler:
        yield scheduler


def test_a_project_may_not_hold_more_room_than_its_bound(real, scheduler):
    hosts = add_hosts(real.client(), 2, vcpus=100)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(scheduler.reserve(CONTEXT, SPEC, [uuid4()]))
        real.faults.play()
        with pytest.raises(NoValidHost):
            scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
        assert scheduler.record().reason == "too_many_claims"
        assert not [call for call in real.faults.calls if is_write(call)]
        instance = uuid4()
        scheduler.select_destinations(*OTHERS[0], [instance])
        assert str(instance) in holders(real.client(), hosts)
    scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])


def test_all_projects_together_have_a_bound_too(real, scheduler):
    add_hosts(real.client(), 2, vcpus=100)
    with contextlib.ExitStack() as stack:
        for context, spec in [(CONTEXT, SPEC)] * 3 + [OTHERS[0]] * 2:
            stack.enter_context(scheduler.reserve(context, spec, [uuid4()]))
        with pytest.raises(NoValidHost):
            scheduler.select_destinations(*OTHERS[1], [uuid4()])
        assert scheduler.record().reason == "too_many_claims"


def test_requests_that_end_well_are_not_counted(real, scheduler):
    hosts = add_hosts(real.client(), 2, vcpus=100)
    for _ in range(8):
        scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
    assert len(holders(real.client(), hosts)) == 8


def test_after_many_hostile_requests_there_is_as_much_room_as_before(real):
    """Every reservation of a hostile tenant is refused, lost or given up; nothing of it stays."""
    hosts = add_hosts(real.client(), 2, vcpus=8)
    ways = [
        when(is_write, reset_after_apply),
        when(is_write, placement_error(503, "Service Unavailable", "")),
        when(is_write, placement_error(409, "Conflict", "", "placement.concurrent_update")),
    ]
    with scheduler_on(real, LIMITS) as scheduler:
        for number in range(30):
            real.faults.play(ways[number % len(ways)])
            with pytest.raises((NoValidHost, SchedulingUnavailable)):
                scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
        real.faults.play()
        scheduler.recover(10)
    assert reservations(real.client()) == 0
    assert not holders(real.client(), hosts)
