"""Server groups on a real Placement: what another scheduler does between any two steps of a request."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec import structs

from placement_client.client import PlacementClient
from placement_client.testing import RealPlacement, faults
from scheduler import Destination, FilterScheduler, Flavor, NoValidHost, RequestSpec, SchedulingUnavailable, ServerGroup
from scheduler.claims.tags import meeting_point_of, tag_of
from tests.flow.fleet import CONTEXT, add_hosts, reservations, scheduler_on
from tests.flow.group_races import (
    ANY_HOST,
    SAME_HOST_FOR_ALL,
    all_that_fit,
    asked_again,
    big_hosts,
    blind,
    broken,
    new_groups,
    raced,
    whereabouts,
)

FIRST, SECOND = sorted((uuid4(), uuid4()), key=tag_of)
ORDERS = pytest.mark.parametrize(("mine", "theirs"), [(FIRST, SECOND), (SECOND, FIRST)], ids=["lower", "higher"])


@pytest.fixture
def real() -> Iterator[RealPlacement]:
    with RealPlacement() as server:
        yield server


@pytest.fixture
def client(real: RealPlacement) -> PlacementClient:
    return real.client(wrap=lambda adapter: adapter)


@pytest.fixture
def hosts(client: PlacementClient) -> list[UUID]:
    return add_hosts(client, 2, vcpus=64)


@pytest.fixture
def schedulers(real: RealPlacement, hosts: list[UUID]) -> Iterator[list[FilterScheduler]]:
    """Yield two schedulers, with a journal each, that have listed the hosts already."""
    both = [scheduler_on(real, SAME_HOST_FOR_ALL) for _ in range(2)]
    for scheduler in both:
        scheduler.placement.negotiate()
        scheduler.hosts.snapshot()
    real.faults.play()
    yield both
    for scheduler in both:
        assert scheduler.close() == type(scheduler.figures())(0, 0, 0)


def asked(policy: Any, *members: UUID, host: str | None = None, **fields: Any) -> RequestSpec:
    return RequestSpec(
        flavor=Flavor(vcpus=1, memory_mb=64),
        project_id="tenant",
        user_id="somebody",
        instance_group=ServerGroup(policy=policy, members=members, **fields),
        requested_destination=host and Destination(host=host),
    )


def after(step: Callable[[], object]) -> Callable[..., Any]:
    """Return a fault that lets a call through and then does a step before its answer arrives."""

    def fault(request: Any, forward: Callable[[], Any]) -> Any:
        answer = forward()
        step()
        return answer

    return fault


def answers(scheduler: FilterScheduler) -> list[str]:
    record = scheduler.record()
    return [one.answer for one in record.rounds] if record else []


def spread(client: PlacementClient, hosts: list[UUID], instances: Iterable[UUID]) -> list[set[UUID]]:
    assert reservations(client) == 0
    held = whereabouts(client, hosts)
    return [held.get(instance, set()) for instance in instances]


def test_a_look_costs_one_call_a_host_and_nothing_where_nobody_else_is_in_the_group(
    real: RealPlacement, schedulers: list[FilterScheduler]
) -> None:
    new = [uuid4(), uuid4()]
    schedulers[0].select_destinations(CONTEXT, asked("anti-affinity", *new, uuid4()), new)
    flow = ["GET /allocation_candidates", "POST /allocations", *["GET /resource_providers/"] * 2, "POST /allocations"]
    calls = list(map(str, real.faults.calls))
    assert [call[: len(wanted)] for call, wanted in zip(calls, flow, strict=True)] == flow
    assert schedulers[0].record().rounds[0].group_looks == 2
    real.faults.play()
    alone = [uuid4(), uuid4()]
    schedulers[0].select_destinations(CONTEXT, asked("anti-affinity", *alone), alone)
    assert len(real.faults.calls) == 3


@ORDERS
def test_another_scheduler_between_my_reservation_and_my_look(
    real: RealPlacement,
    client: PlacementClient,
    hosts: list[UUID],
    schedulers: list[FilterScheduler],
    mine: UUID,
    theirs: UUID,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It sees my hold, and gives way even where it comes first, because I do not move while it waits."""
    me, other = schedulers
    spec = asked("anti-affinity", mine, theirs)
    real.faults.play(faults.on_call(2, after(lambda: other.select_destinations(CONTEXT, spec, [theirs]))))
    with caplog.at_level(logging.WARNING):
        me.select_destinations(CONTEXT, spec, [mine])
    assert answers(me) == ["reserved"]
    assert answers(other) == ["group_changed", "reserved"]
    one, two = spread(client, hosts, (mine, theirs))
    assert (len(one), len(two), len(one | two)) == (1, 1, 2)
    told = [record.getMessage() for record in caplog.records if "group_changed" in record.getMessage()]
    assert len(told) == 1
    assert not any(str(uuid) in told[0] for uuid in (mine, theirs, *hosts))


@ORDERS
def test_another_scheduler_between_my_look_and_my_confirmation(
    client: PlacementClient, hosts: list[UUID], schedulers: list[FilterScheduler], mine: UUID, theirs: UUID
) -> None:
    me, other = schedulers
    spec = asked("anti-affinity", mine, theirs)
    with me.reserve(CONTEXT, spec, [mine]) as reservation:
        other.select_destinations(CONTEXT, spec, [theirs])
        reservation.confirm()
    one, two = spread(client, hosts, (mine, theirs))
    assert (len(one), len(two), len(one | two)) == (1, 1, 2)


@ORDERS
def test_another_scheduler_between_my_plan_and_my_reservation(
    real: RealPlacement,
    client: PlacementClient,
    hosts: list[UUID],
    schedulers: list[FilterScheduler],
    mine: UUID,
    theirs: UUID,
) -> None:
    me, other = schedulers
    spec = asked("anti-affinity", mine, theirs)
    real.faults.play(faults.on_call(1, after(lambda: other.select_destinations(CONTEXT, spec, [theirs]))))
    me.select_destinations(CONTEXT, spec, [mine])
    assert answers(me) == ["group_changed", "reserved"]
    one, two = spread(client, hosts, (mine, theirs))
    assert (len(one), len(two), len(one | two)) == (1, 1, 2)


def test_a_group_that_does_not_fit_is_refused_and_leaves_nothing(
    client: PlacementClient, hosts: list[UUID], schedulers: list[FilterScheduler]
) -> None:
    """The request does not say where the others are; what it learns from one look it still knows in the next one."""
    members = [uuid4() for _ in range(3)]
    spec = asked("anti-affinity", *members)
    for number, member in enumerate(members[:2]):
        schedulers[number].select_destinations(CONTEXT, spec, [member])
    with pytest.raises(NoValidHost):
        schedulers[0].select_destinations(CONTEXT, spec, [members[2]])
    assert answers(schedulers[0]) == ["group_changed", "group_changed", "filtered_out"]
    assert spread(client, hosts, members[2:]) == [set()]


def test_two_on_a_host_where_the_group_allows_two(
    client: PlacementClient, hosts: list[UUID], schedulers: list[FilterScheduler]
) -> None:
    members = [uuid4() for _ in range(5)]
    spec = asked("anti-affinity", *members, max_server_per_host=2)
    schedulers[0].select_destinations(CONTEXT, spec, members[:3])
    schedulers[1].select_destinations(CONTEXT, spec, members[3:4])
    with pytest.raises(NoValidHost):
        schedulers[1].select_destinations(CONTEXT, spec, members[4:])
    held = spread(client, hosts, members)
    assert [sum(host in one for one in held) for host in hosts] == [2, 2]


class Controller:
    """Knows all members, also those that were added after a request was made."""

    def __init__(self, *members: UUID) -> None:
        self._members = members

    def members(self, group_uuid: UUID) -> Iterable[UUID]:
        return self._members


@pytest.mark.parametrize("source", [None, Controller(FIRST, SECOND)], ids=["without a source", "with a source"])
def test_a_list_of_members_that_is_too_old_is_made_good_by_a_source(
    real: RealPlacement, client: PlacementClient, hosts: list[UUID], source: Controller | None
) -> None:
    """The other one was added, asked for and placed after the controller had read the list of this request."""
    with scheduler_on(real, SAME_HOST_FOR_ALL, groups=source) as scheduler:
        old, new = (asked("anti-affinity", *known, uuid=uuid4()) for known in ((FIRST,), (FIRST, SECOND)))
        scheduler.select_destinations(CONTEXT, new, [SECOND])
        scheduler.select_destinations(CONTEXT, old, [FIRST])
    one, two = spread(client, hosts, (FIRST, SECOND))
    assert len(one | two) == (2 if source else 1)


def test_an_affinity_group_is_followed_to_where_another_scheduler_took_it(
    client: PlacementClient, hosts: list[UUID], schedulers: list[FilterScheduler]
) -> None:
    me, other = schedulers
    other.select_destinations(CONTEXT, asked("affinity", FIRST, SECOND, host="h1"), [FIRST])
    home = spread(client, hosts, [FIRST])[0]
    elsewhere = next(f"h{number}" for number, host in enumerate(hosts) if host not in home)
    me.select_destinations(CONTEXT, asked("affinity", FIRST, SECOND, hosts=(elsewhere,)), [SECOND])
    assert answers(me) == ["group_changed", "reserved"]
    assert spread(client, hosts, [SECOND]) == [home]


def test_an_affinity_group_whose_host_is_full_is_not_split(
    client: PlacementClient, hosts: list[UUID], schedulers: list[FilterScheduler]
) -> None:
    me, other = schedulers
    full = RequestSpec(
        flavor=Flavor(vcpus=64, memory_mb=64),
        project_id="tenant",
        user_id="somebody",
        instance_group=ServerGroup(policy="affinity", members=(FIRST, SECOND)),
    )
    other.select_destinations(CONTEXT, full, [FIRST])
    with pytest.raises(NoValidHost):
        me.select_destinations(CONTEXT, asked("affinity", FIRST, SECOND), [SECOND])
    assert answers(me) == ["group_changed", "filtered_out"]
    assert spread(client, hosts, [SECOND]) == [set()]


@pytest.mark.parametrize(
    ("policy", "unanswered"),
    [("anti-affinity", "/resource_providers/"), ("affinity", f"/allocations/{SECOND}")],
    ids=["anti-affinity", "affinity"],
)
def test_a_placement_that_cannot_be_asked_is_an_outage_and_nothing_stays(
    real: RealPlacement,
    client: PlacementClient,
    hosts: list[UUID],
    schedulers: list[FilterScheduler],
    policy: str,
    unanswered: str,
) -> None:
    real.faults.play(faults.when(lambda call: call.path.startswith(unanswered), faults.reset_before_apply))
    with pytest.raises(SchedulingUnavailable):
        schedulers[0].select_destinations(CONTEXT, asked(policy, FIRST, SECOND), [FIRST])
    assert spread(client, hosts, [FIRST]) == [set()]


def test_a_hold_of_a_group_is_released_in_the_name_in_which_it_was_made(
    real: RealPlacement, schedulers: list[FilterScheduler]
) -> None:
    """Where it is emptied it is counted up to that moment."""
    written: list[dict[str, Any]] = []

    def note(request: Any, forward: Callable[[], Any]) -> Any:
        written.append(json.loads(request.body))
        return forward()

    real.faults.play(faults.when(lambda call: call.method in ("POST", "PUT"), note))
    group = uuid4()
    with schedulers[0].reserve(CONTEXT, asked("affinity", FIRST, SECOND, uuid=group), [FIRST]):
        pass
    (made,), emptied = written[0].values(), written[1]
    assert (made["user_id"], emptied["user_id"]) == (meeting_point_of(group),) * 2
    assert emptied["allocations"] == {}


def test_a_forced_host_is_the_operators_word(
    client: PlacementClient, hosts: list[UUID], schedulers: list[FilterScheduler]
) -> None:
    """No filter is asked for it, as in Nova, and so nobody looks; others see that it is there."""
    elevated = structs.replace(CONTEXT, is_elevated=True)
    spec = asked("anti-affinity", FIRST, SECOND)
    ((one,),) = schedulers[0].select_destinations(CONTEXT, spec, [FIRST])
    forced = structs.replace(spec, force_hosts=(one.service_host,))
    ((two,),) = schedulers[1].select_destinations(elevated, forced, [SECOND])
    assert one.service_host == two.service_host
    assert spread(client, hosts, [FIRST]) == spread(client, hosts, [SECOND])


@pytest.mark.parametrize(
    ("policy", "order", "in_time"), [("anti-affinity", SAME_HOST_FOR_ALL, 0.5), ("affinity", ANY_HOST, 0.125)]
)
def test_eight_threads_of_two_schedulers_break_no_group(
    real: RealPlacement, client: PlacementClient, policy: str, order: str, in_time: float
) -> None:
    """Without the check they break groups; with it they do not, and whoever gives way until the end may ask again.

    How many get in at once depends on how the threads meet; on a busy machine few do.
    """
    hosts = big_hosts(client)
    schedulers = [scheduler_on(real, order) for _ in range(2)]
    control = raced(blind(schedulers), new_groups(2, policy=policy))
    race = raced(
        schedulers, new_groups(4, (1, 2), policy) if policy == "anti-affinity" else new_groups(2, policy=policy)
    )
    in_the_race = race.ended["placed"]
    asked_again(schedulers[0], race)
    for scheduler in schedulers:
        assert scheduler.close() == type(scheduler.figures())(0, 0, 0)
    held = whereabouts(client, hosts)
    assert broken(control, held), "the race is none: nobody met anybody"
    assert not broken(race, held)
    assert reservations(client) == 0
    assert set(race.ended) <= {"placed", "refused"}
    assert {one: {host} for one, host in (control.placed | race.placed).items()} == held
    assert in_the_race >= all_that_fit(race) * in_time
    assert len(race.placed) == all_that_fit(race)
