"""Requests that share answers, on a real Placement: fewer questions, and no claim that would be wrong without."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from msgspec import structs

from placement_client.clock import SystemClock
from placement_client.models import ConsumerWrite, Inventory
from placement_client.testing import MockPlacement, RealPlacement
from placement_client.testing.faults import on_call, placement_error, raises, when
from scheduler import (
    DecisionRecord,
    Flavor,
    HostFact,
    LiveMigrate,
    NoValidHost,
    RequestContext,
    RequestSpec,
    SchedulingUnavailable,
    ServerGroup,
)
from scheduler.hosts import snapshot_of
from scheduler.model import AggregateFact
from scheduler.replay import replay
from tests.flow.fleet import CONTEXT, SPEC, add_hosts, hold, holders, over_capacity, reservations, scheduler_on

QUERY = "GET /allocation_candidates"
SHARING = "[scheduler]\ncandidate_window_ms = 5000\n"
SLOWER = 100
ONE_ROUND = "[claims]\nmax_rounds = 1\n"


class SlowClock(SystemClock):
    """Lets a window last a hundred times as long, however busy the machine is."""

    def monotonic(self) -> float:
        return super().monotonic() / SLOWER


@pytest.fixture
def real():
    with RealPlacement() as server:
        yield server


@pytest.fixture
def client(real):
    """Give a client whose calls are not listed."""
    return real.client(wrap=lambda adapter: adapter)


@pytest.fixture
def kept() -> list[DecisionRecord]:
    return []


@pytest.fixture
def scheduler(real, kept):
    with scheduler_on(real, SHARING, observers=(kept.append,), clock=SlowClock()) as scheduler:
        yield scheduler


def ready(scheduler, real):
    """Let everything be known that is asked once, so that only the calls of requests follow."""
    scheduler.placement.negotiate()
    scheduler.hosts.snapshot()
    real.faults.play()


def queries(real) -> int:
    return Counter(map(str, real.faults.calls))[QUERY]


def placed(scheduler, spec: RequestSpec = SPEC, **more) -> str:
    ((selection, *_),) = scheduler.select_destinations(CONTEXT, spec, [uuid4()], **more)
    return selection.service_host


def is_query(call) -> bool:
    return str(call) == QUERY


def answers(record: DecisionRecord) -> list[str]:
    return [one.answer for one in record.rounds]


def asked_by(record: DecisionRecord) -> list[str]:
    return [one.asked_by for one in record.inputs.rounds if one]


def identical(kept: list[DecisionRecord], scheduler) -> bool:
    return all(replay(record, scheduler.plugins).verdict == "identical" for record in kept)


# What is shared


def test_without_a_window_each_request_asks(real, client, kept):
    """Exactly as before there was one: question, reservation and confirmation a request."""
    add_hosts(client, 3)
    with scheduler_on(real, observers=(kept.append,)) as scheduler:
        ready(scheduler, real)
        for _ in range(3):
            placed(scheduler)
    called = [str(call) for call in real.faults.calls if not call.path.endswith("/usages")]
    assert called == [QUERY, "POST /allocations", "POST /allocations"] * 3
    assert [asked_by(record) for record in kept] == [[""]] * 3
    assert not any(one.assumed for record in kept for one in record.inputs.rounds)


def test_within_the_window_one_asks_and_the_others_see_what_is_taken(real, client, scheduler, kept):
    """Hosts are weighed by what is free, so that equal ones are taken in turn: each request knows of those before."""
    add_hosts(client, 4)
    ready(scheduler, real)
    assert sorted(placed(scheduler) for _ in range(4)) == ["h0", "h1", "h2", "h3"]
    assert queries(real) == 1
    assert [asked_by(record) for record in kept] == [[""], *[[kept[0].request_id]] * 3]
    assert [len(record.inputs.rounds[0].assumed) for record in kept] == [0, 2, 4, 6]
    assert [record.placement_calls - record.rounds[0].verified_providers for record in kept] == [3, 2, 2, 2]
    assert identical(kept, scheduler)


def test_a_burst_asks_a_few_times_and_nothing_is_over_capacity(real, client, kept):
    hosts = add_hosts(client, 8, vcpus=16)
    with scheduler_on(real, SHARING, observers=(kept.append,), clock=SlowClock()) as scheduler:
        ready(scheduler, real)
        with ThreadPoolExecutor(16) as pool:
            where = Counter(pool.map(lambda _: placed(scheduler), range(32)))
        assert where == {f"h{number}": 4 for number in range(8)}
        assert queries(real) == 1
        assert not [record for record in kept if len(record.rounds) > 1], "they went for the same room"
        assert len(holders(client, hosts)) == 32
        assert not over_capacity(client, hosts)
        assert identical(kept, scheduler)
    assert reservations(client) == 0


def test_a_batch_and_a_single_request_of_one_flavor_share(real, client, scheduler):
    add_hosts(client, 4)
    ready(scheduler, real)
    scheduler.select_destinations(CONTEXT, SPEC, [uuid4() for _ in range(3)])
    placed(scheduler)
    assert queries(real) == 1


def test_what_other_shapes_take_is_seen_too(real, client, scheduler, kept):
    """The answer to the first question is older than the claim of the second request, which asks something else."""
    add_hosts(client, 2, vcpus=8)
    ready(scheduler, real)
    other = structs.replace(SPEC, flavor=Flavor(vcpus=5, memory_mb=512))
    first, second = placed(scheduler), placed(scheduler, other)
    assert {first, second} == {"h0", "h1"}
    assert placed(scheduler, other) == first
    assert placed(scheduler, structs.replace(SPEC, flavor=Flavor(vcpus=3, memory_mb=512))) == second
    assert (queries(real), identical(kept, scheduler)) == (3, True)


def test_the_second_question_for_dedicated_cpus_is_shared_with_the_first():
    mock = MockPlacement()
    client = mock.client()
    client.create_resource_provider("h0", UUID(int=1))
    room = {name: Inventory(total=64) for name in ("VCPU", "PCPU")} | {"MEMORY_MB": Inventory(total=8192)}
    client.set_inventories(UUID(int=1), 0, room)
    pinned = structs.replace(SPEC, flavor=Flavor(vcpus=2, memory_mb=64, extra_specs={"hw:cpu_policy": "dedicated"}))
    ini = SHARING + "[workarounds]\ndisable_fallback_pcpu_query = false\n"
    with scheduler_on(mock, ini, clock=SlowClock()) as scheduler:
        ready(scheduler, mock)
        placed(scheduler, pinned)
        placed(scheduler, pinned)
    assert queries(mock) == 2


# What is not


def test_projects_share_unless_their_questions_differ(real, client):
    """Tenant isolation is part of the question, so that nobody gets the answer for somebody else's hosts."""
    first, second = add_hosts(client, 2)
    zone = uuid4()
    generation = client.get_aggregates(first).resource_provider_generation
    client.set_aggregates(first, generation, [zone])
    own = AggregateFact(uuid=zone, name="own", metadata={"filter_tenant_id": "tenant"})

    class Facts:
        def snapshot(self, wanted=(), deadline=None):
            facts = [HostFact(name=f"h{n}", provider_uuid=uuid) for n, uuid in enumerate((first, second))]
            return snapshot_of(facts, aggregates=[own])

    projects = [
        (RequestContext(project_id=name, user_id="somebody"), structs.replace(SPEC, project_id=name))
        for name in ("tenant", "tenant", "other", "third")
    ]
    for isolated, expected in ((False, 1), (True, 2)):
        ini = SHARING + f"limit_tenants_to_placement_aggregate = {isolated}\n"
        with scheduler_on(real, ini, hosts=Facts(), clock=SlowClock()) as scheduler:
            ready(scheduler, real)
            where = [scheduler.select_destinations(*one, [uuid4()])[0][0].service_host for one in projects]
            assert queries(real) == expected
            assert not isolated or where[:2] == ["h0", "h0"]


def test_a_move_asks_for_itself_and_is_seen_by_the_others(real, client, scheduler, kept):
    add_hosts(client, 3)
    instance = uuid4()
    ready(scheduler, real)
    ((first,),) = scheduler.select_destinations(CONTEXT, SPEC, [instance])
    ((moved,),) = scheduler.select_destinations(CONTEXT, SPEC, [instance], operation=LiveMigrate(uuid4()))
    assert len({first.service_host, moved.service_host, placed(scheduler)}) == 3
    assert queries(real) == 2
    assert asked_by(kept[1]) == [""]
    assert not kept[1].inputs.rounds[0].assumed
    assert identical(kept, scheduler)


def test_a_group_shares_with_groups_only(real, client, scheduler):
    """A question without a limit is another one; hard policies are kept within a shared answer as without."""
    add_hosts(client, 4)
    ready(scheduler, real)
    members = [uuid4() for _ in range(4)]
    group = structs.replace(SPEC, instance_group=ServerGroup(policy="anti-affinity", members=tuple(members)))
    placed(scheduler)
    where = {scheduler.select_destinations(CONTEXT, group, [one])[0][0].service_host for one in members}
    assert len(where) == 4
    assert queries(real) <= 5


# Stale answers


def test_a_stale_answer_costs_a_refused_reservation_and_a_question(real, client, scheduler, kept):
    hosts = add_hosts(client, 2, vcpus=8)
    ready(scheduler, real)
    first = placed(scheduler)
    other = next(number for number in range(2) if f"h{number}" != first)
    hold(client, uuid4(), hosts[other], vcpus=8)
    assert placed(scheduler) == first
    assert answers(kept[1]) == ["capacity_exceeded", "reserved"]
    assert asked_by(kept[1]) == [kept[0].request_id, ""]
    assert queries(real) == 2
    placed(scheduler)
    assert (queries(real), asked_by(kept[2])) == (2, [kept[1].request_id])
    assert not over_capacity(client, hosts)
    assert identical(kept, scheduler)


def test_a_claim_on_the_answer_to_another_question_is_read_back_although_there_seems_to_be_plenty(
    real, client, scheduler, kept
):
    add_hosts(client, 4, vcpus=1000, memory_mb=10**6)
    ready(scheduler, real)
    for _ in range(3):
        placed(scheduler)
    assert [record.rounds[0].verified_providers for record in kept] == [0, 1, 1]


def test_a_stale_answer_takes_none_of_the_attempts(real, client, kept):
    hosts = add_hosts(client, 2, vcpus=8)
    ini = SHARING + ONE_ROUND
    with scheduler_on(real, ini, observers=(kept.append,), clock=SlowClock()) as scheduler:
        ready(scheduler, real)
        first = placed(scheduler)
        hold(client, uuid4(), hosts[1 if first == "h0" else 0], vcpus=8)
        assert placed(scheduler) == first
        real.faults.play(when(lambda call: call.method == "POST", placement_error(409, "Conflict", "no")))
        with pytest.raises(SchedulingUnavailable):
            placed(scheduler)


def test_room_that_became_free_is_found_although_the_shared_answer_does_not_know(real, client, scheduler, kept):
    add_hosts(client, 1, vcpus=2)
    ready(scheduler, real)
    instance = uuid4()
    scheduler.select_destinations(CONTEXT, SPEC, [instance])
    client.put_allocations(instance, ConsumerWrite({}, "tenant", "somebody", 1))
    assert placed(scheduler) == "h0"
    assert answers(kept[1]) == ["filtered_out", "reserved"]
    assert (asked_by(kept[1]), kept[1].reason) == ([kept[0].request_id, ""], "")
    assert identical(kept, scheduler)


def test_nobody_is_told_that_nothing_is_left_without_an_own_question(real, client, scheduler, kept):
    add_hosts(client, 1, vcpus=2)
    ready(scheduler, real)
    placed(scheduler)
    for _ in range(2):
        with pytest.raises(NoValidHost):
            placed(scheduler)
    assert [record.reason for record in kept[1:]] == ["no_candidates"] * 2
    assert queries(real) == 3
    assert identical(kept, scheduler)


def test_what_a_refused_or_released_claim_takes_is_forgotten(real, client, scheduler, kept):
    add_hosts(client, 2, vcpus=2)
    ready(scheduler, real)
    with scheduler.reserve(CONTEXT, SPEC, [uuid4()]):
        pass
    real.faults.play(when(lambda call: call.method == "POST", placement_error(400, "Bad Request", "no")))
    with pytest.raises(SchedulingUnavailable):
        placed(scheduler)
    real.faults.play()
    placed(scheduler)
    assert not kept[-1].inputs.rounds[0].assumed


# Who asks, and who waits


class Gate:
    """Holds the first candidate query until it is opened, then lets ``then`` happen to it."""

    def __init__(self, then) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self._then = then

    def script(self, call):
        return self.hold if is_query(call) and not self.reached.is_set() else None

    def hold(self, request, forward):
        self.reached.set()
        assert self.opened.wait(20)
        return self._then(request, forward)


def forwarded(request, forward):
    return forward()


def test_an_error_is_for_the_one_who_asked_and_the_next_one_asks(real, client, scheduler):
    add_hosts(client, 2)
    ready(scheduler, real)
    gate = Gate(placement_error(500, "Broken", "no"))
    real.faults.play(gate.script)
    with ThreadPoolExecutor(9) as pool:
        unlucky = pool.submit(placed, scheduler)
        assert gate.reached.wait(20)
        waiting = [pool.submit(placed, scheduler) for _ in range(8)]
        gate.opened.set()
        with pytest.raises(SchedulingUnavailable) as caught:
            unlucky.result(20)
        assert caught.value.reason == "outcome_unknown"
        assert {one.result(20) for one in waiting} == {"h0", "h1"}
    assert queries(real) == 2


def test_who_waits_waits_no_longer_than_its_own_deadline(real, client, scheduler):
    add_hosts(client, 2)
    ready(scheduler, real)
    gate = Gate(forwarded)
    real.faults.play(gate.script)
    with ThreadPoolExecutor(2) as pool:
        patient = pool.submit(placed, scheduler)
        assert gate.reached.wait(20)
        hasty = pool.submit(placed, scheduler, deadline=0.2 / SLOWER)
        with pytest.raises(SchedulingUnavailable) as caught:
            hasty.result(5)
        assert caught.value.reason == "deadline_exceeded"
        gate.opened.set()
        assert patient.result(20) in {"h0", "h1"}
    assert queries(real) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_nobody_waits_for_one_who_was_interrupted_while_asking(real, client, scheduler, error):
    add_hosts(client, 2)
    ready(scheduler, real)
    real.faults.play(on_call(1, raises(error())))
    with pytest.raises(error):
        placed(scheduler)
    assert placed(scheduler, deadline=5.0 / SLOWER) in {"h0", "h1"}
