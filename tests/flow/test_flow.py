"""The public face on a real Placement: what is asked, what is held, what comes back."""

import gc
from uuid import uuid4

import pytest

from placement_client.models import ConsumerWrite, Inventory, Resources
from placement_client.testing import RealPlacement, faults
from scheduler import (
    Destination,
    Flavor,
    InstanceConflict,
    InvalidRequest,
    NotPermitted,
    NoValidHost,
    RequestContext,
    RequestSpec,
    SchedulingUnavailable,
    SeededRandomSource,
    ServerGroup,
)
from tests.flow.fleet import CONTEXT, SPEC, add_hosts, hold, holders, over_capacity, reservations, scheduler_on


@pytest.fixture
def real():
    with RealPlacement() as server:
        yield server


@pytest.fixture
def client(real):
    return real.client(wrap=lambda adapter: adapter)


def spec(**changes) -> RequestSpec:
    fields = {"flavor": Flavor(vcpus=1, memory_mb=64), "project_id": "tenant", "user_id": "somebody"}
    return RequestSpec(**(fields | changes))


@pytest.mark.parametrize("batch", [1, 2, 10, 40])
def test_a_batch_of_any_size_costs_three_calls_where_room_is_not_tight(real, client, batch):
    add_hosts(client, 5, vcpus=1000, memory_mb=10**6)
    with scheduler_on(real) as scheduler:
        scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
        real.faults.play()
        scheduler.select_destinations(CONTEXT, SPEC, [uuid4() for _ in range(batch)])
    assert [str(call) for call in real.faults.calls] == [
        "GET /allocation_candidates",
        "POST /allocations",
        "POST /allocations",
    ]


def test_every_instance_holds_exactly_its_selection_for_its_owner(real, client):
    hosts = add_hosts(client, 3)
    instances = [uuid4() for _ in range(6)]
    with scheduler_on(real) as scheduler:
        answer = scheduler.select_destinations(CONTEXT, SPEC, instances)
    for instance, (selection,) in zip(instances, answer, strict=True):
        held = client.get_allocations(instance)
        assert held.amounts() == {selection.compute_node_uuid: {"VCPU": 2, "MEMORY_MB": 512}}
        assert (held.project_id, held.user_id, held.consumer_type) == ("tenant", "somebody", "INSTANCE")
        assert selection.claimed
        assert selection.instance_uuid == instance
        assert selection.service_host == f"h{hosts.index(selection.compute_node_uuid)}"
        assert selection.allocation_request_version == "1.39"
    assert reservations(client) == 0


def test_a_batch_that_does_not_fit_whole_leaves_nothing(real, client):
    hosts = add_hosts(client, 2, vcpus=4)
    with scheduler_on(real) as scheduler:
        with pytest.raises(NoValidHost, match=r"^No valid host was found\.$") as caught:
            scheduler.select_destinations(CONTEXT, SPEC, [uuid4() for _ in range(5)])
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None
        record = scheduler.record(caught.value.request_id)
        assert (record.outcome, record.reason) == ("no_valid_host", "filtered_out")
        assert len(record.rounds[0].instances) == 5
        assert record.rounds[0].instances[-1].steps[0].name == "RoomFilter"
        scheduler.select_destinations(CONTEXT, SPEC, [uuid4() for _ in range(4)])
    assert len(holders(client, hosts)) == 4


def test_a_request_takes_any_candidate_of_a_host_not_only_the_first(real, client):
    (root,) = add_hosts(client, 1, vcpus=64)
    for name in ("numa0", "numa1"):
        child = uuid4()
        client.create_resource_provider(name, child, root)
        client.set_inventories(child, 0, {"PGPU": Inventory(total=2)})
    gpus = spec(flavor=Flavor(vcpus=1, memory_mb=64, extra_specs={"resources:PGPU": "2"}))
    with scheduler_on(real) as scheduler:
        answer = scheduler.select_destinations(CONTEXT, gpus, [uuid4(), uuid4()])
    assert {selections[0].service_host for selections in answer} == {"h0"}
    used = [client.get_provider_usages(p.uuid).usages for p in client.list_resource_providers() if p.uuid != root]
    assert used == [{"PGPU": 2}, {"PGPU": 2}]


def test_two_instances_that_fill_a_unit_constraint_share_a_provider(real, client):
    host = uuid4()
    client.create_resource_provider("h0", host)
    inventory = {"VCPU": Inventory(total=4, max_unit=2), "MEMORY_MB": Inventory(total=4096)}
    client.set_inventories(host, 0, inventory)
    with scheduler_on(real) as scheduler:
        scheduler.select_destinations(CONTEXT, SPEC, [uuid4(), uuid4()])
    assert client.get_provider_usages(host).usages["VCPU"] == 4


def test_leaving_the_block_without_confirm_releases_everything(real, client):
    hosts = add_hosts(client, 2)
    with scheduler_on(real) as scheduler:
        with scheduler.reserve(CONTEXT, SPEC, [uuid4(), uuid4()]) as reservation:
            assert reservations(client) == 1
            assert len(reservation.selections) == 2
        assert reservations(client) == 0
        assert not holders(client, hosts)
        assert scheduler.record().outcome == "released"
        assert scheduler.outcome(reservation.request_id) == "aborted"
        with pytest.raises(InvalidRequest, match="confirmed or released before"):
            reservation.confirm()


@pytest.mark.parametrize("error", [ValueError(), KeyboardInterrupt(), SystemExit(), GeneratorExit()], ids=repr)
def test_an_exception_in_the_block_releases_everything_and_passes_through(real, client, error):
    hosts = add_hosts(client, 2)
    with scheduler_on(real) as scheduler:
        with pytest.raises(type(error)) as caught, scheduler.reserve(CONTEXT, SPEC, [uuid4(), uuid4()]):
            raise error
        assert caught.value is error
        assert reservations(client) == 0
        assert not holders(client, hosts)


def test_a_generator_that_is_closed_releases_what_it_reserved(real, client):
    add_hosts(client, 1)

    def controller():
        with scheduler.reserve(CONTEXT, SPEC, [uuid4()]):
            yield

    with scheduler_on(real) as scheduler:
        generator = controller()
        next(generator)
        assert reservations(client) == 1
        generator.close()
        assert reservations(client) == 0


def test_a_reservation_that_is_dropped_is_released(real, client):
    add_hosts(client, 1)
    with scheduler_on(real) as scheduler:
        scheduler.reserve(CONTEXT, SPEC, [uuid4()])
        gc.collect()
        scheduler.settle()
    assert reservations(client) == 0


def test_alternates_are_other_hosts_unclaimed_and_at_most_two(real, client):
    hosts = add_hosts(client, 6)
    with scheduler_on(real) as scheduler:
        answer = scheduler.select_destinations(CONTEXT, SPEC, [uuid4(), uuid4()], return_alternates=True)
    chosen = {selections[0].service_host for selections in answer}
    for selected, *alternates in answer:
        assert selected.claimed
        assert len(alternates) == 2
        assert not {alternate.service_host for alternate in alternates} & chosen
        assert not any(alternate.claimed for alternate in alternates)
        assert {alternate.instance_uuid for alternate in alternates} == {selected.instance_uuid}
    assert len(holders(client, hosts)) == 2


def test_an_instance_that_holds_something_already_is_left_alone_and_nothing_is_claimed(real, client):
    hosts = add_hosts(client, 2)
    taken, free = uuid4(), uuid4()
    hold(client, taken, hosts[0])
    with scheduler_on(real) as scheduler, pytest.raises(InstanceConflict):
        scheduler.select_destinations(CONTEXT, SPEC, [free, taken])
    assert holders(client, hosts) == {str(taken): 1}
    assert client.get_allocations(taken).project_id == "foreign"
    assert reservations(client) == 0


def test_a_refused_claim_is_planned_again_with_fresh_candidates(real, client):
    hosts = add_hosts(client, 2, vcpus=2)
    thief = uuid4()

    def steal(request, forward):
        # Somebody else fills the very host that was planned, after the candidates were read.
        planned = next(host for host in hosts if str(host) in request.body.decode())
        body = {planned: Resources({"VCPU": 1})}
        client.put_allocations(thief, ConsumerWrite(body, project_id="foreign", user_id="foreigner"))
        return forward()

    with scheduler_on(real) as scheduler:
        scheduler.placement.negotiate()
        scheduler.hosts.snapshot()
        real.faults.play(faults.on_call(2, steal))
        ((selection,),) = scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
        record = scheduler.record()
    assert [one.answer for one in record.rounds] == ["capacity_exceeded", "reserved"]
    assert str(selection.compute_node_uuid) in {str(host) for host in hosts}
    assert not over_capacity(client, hosts)
    assert reservations(client) == 0


def test_a_claim_that_made_a_provider_overfull_gives_way(real, client):
    hosts = add_hosts(client, 1, vcpus=4)
    late = uuid4()

    def race(request, forward):
        response = forward()
        # Placement grants in a race what it does not have; an inventory that shrinks shows the same usage.
        generation = client.get_inventories(hosts[0]).resource_provider_generation
        client.set_inventories(hosts[0], generation, {"VCPU": Inventory(total=8), "MEMORY_MB": Inventory(total=8192)})
        client.put_allocations(late, ConsumerWrite({hosts[0]: Resources({"VCPU": 4})}, project_id="f", user_id="f"))
        generation = client.get_inventories(hosts[0]).resource_provider_generation
        client.set_inventories(hosts[0], generation, {"VCPU": Inventory(total=4), "MEMORY_MB": Inventory(total=8192)})
        return response

    with scheduler_on(real) as scheduler:
        scheduler.placement.negotiate()
        scheduler.hosts.snapshot()
        real.faults.play(faults.on_call(2, race))
        with pytest.raises(NoValidHost):
            scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
        assert scheduler.record().rounds[0].answer == "over_capacity"
    assert client.get_provider_usages(hosts[0]).usages["VCPU"] == 4
    assert reservations(client) == 0


def test_anti_affinity_holds_within_a_batch_and_affinity_keeps_together(real, client):
    add_hosts(client, 4, vcpus=64)
    with scheduler_on(real) as scheduler:
        apart = spec(instance_group=ServerGroup(policy="anti-affinity"))
        answer = scheduler.select_destinations(CONTEXT, apart, [uuid4() for _ in range(4)])
        assert len({selections[0].service_host for selections in answer}) == 4
        with pytest.raises(NoValidHost):
            scheduler.select_destinations(CONTEXT, apart, [uuid4() for _ in range(5)])
        together = spec(instance_group=ServerGroup(policy="affinity"))
        answer = scheduler.select_destinations(CONTEXT, together, [uuid4() for _ in range(4)])
        assert len({selections[0].service_host for selections in answer}) == 1


def test_the_same_seed_makes_the_same_decision(real, client):
    add_hosts(client, 20, vcpus=64)
    context = RequestContext(
        project_id="tenant", user_id="somebody", request_id="req-00000000-0000-4000-8000-000000000001"
    )
    chosen = set()
    for _ in range(3):
        scheduler = scheduler_on(real, random_source=SeededRandomSource(b"key"))
        with scheduler, scheduler.reserve(context, SPEC, [uuid4()]) as reservation:
            chosen.add(reservation.selections[0][0].service_host)
    assert len(chosen) == 1


def test_equal_hosts_are_all_used(real, client):
    add_hosts(client, 3, vcpus=64)
    chosen = set()
    with scheduler_on(real) as scheduler:
        for _ in range(40):
            with scheduler.reserve(CONTEXT, SPEC, [uuid4()]) as reservation:
                chosen.add(reservation.selections[0][0].service_host)
    assert chosen == {"h0", "h1", "h2"}  # missing one by chance: 3 * (2/3)**40 < 3e-7


def test_requested_forced_and_ignored_hosts(real, client):
    add_hosts(client, 3)
    elevated = RequestContext(project_id="admin", user_id="admin", is_elevated=True)
    with scheduler_on(real) as scheduler:
        wanted = spec(requested_destination=Destination(host="h1"))
        assert scheduler.select_destinations(CONTEXT, wanted, [uuid4()])[0][0].service_host == "h1"
        forced = spec(force_hosts=("h2",))
        assert scheduler.select_destinations(elevated, forced, [uuid4()])[0][0].service_host == "h2"
        left = spec(ignore_hosts=("h0", "h2"))
        assert scheduler.select_destinations(CONTEXT, left, [uuid4()])[0][0].service_host == "h1"
        with pytest.raises(NotPermitted, match="force_hosts and force_nodes need an elevated context"):
            scheduler.select_destinations(CONTEXT, forced, [uuid4()])
        with pytest.raises(NoValidHost):
            scheduler.select_destinations(CONTEXT, spec(requested_destination=Destination(host="nope")), [uuid4()])
        assert scheduler.record().reason == "unknown_host"


def test_only_an_elevated_context_places_for_somebody_else(real, client):
    add_hosts(client, 1)
    other = RequestContext(project_id="other", user_id="other")
    problem = "project_id and user_id must be the context's"
    with scheduler_on(real) as scheduler, pytest.raises(NotPermitted, match=problem):
        scheduler.select_destinations(other, SPEC, [uuid4()])


def test_an_unknown_trait_or_class_is_named_and_an_outage_is_not_called_no_valid_host(real, client):
    add_hosts(client, 1)
    extra = {"trait:CUSTOM_NO_SUCH": "required", "resources:CUSTOM_NEITHER": "1"}
    with scheduler_on(real) as scheduler:
        with pytest.raises(InvalidRequest) as caught:
            scheduler.select_destinations(
                CONTEXT, spec(flavor=Flavor(vcpus=1, memory_mb=1, extra_specs=extra)), [uuid4()]
            )
        assert caught.value.problems == (
            "trait CUSTOM_NO_SUCH is not known to Placement",
            "resource class CUSTOM_NEITHER is not known to Placement",
        )
        real.faults.play(faults.every(faults.not_sent))
        with pytest.raises(SchedulingUnavailable) as outage:
            scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
        assert str(outage.value) == "Scheduling is not available at the moment."
        assert outage.value.reason == "not_sent"
        assert outage.value.__context__ is None


@pytest.mark.parametrize(
    ("instances", "problem"),
    [
        ([], "instance_uuids: expected 1 to 100 instances, got 0"),
        (["nonsense"], "instance_uuids[0]: expected a UUID"),
        (["00000000-0000-4000-8000-000000000001"] * 2, "instance_uuids: an instance is named twice"),
    ],
)
def test_bad_instances_are_refused_by_field(real, instances, problem):
    with scheduler_on(real) as scheduler, pytest.raises(InvalidRequest) as caught:
        scheduler.select_destinations(CONTEXT, SPEC, instances)
    assert caught.value.problems == (problem,)


def test_a_deadline_that_has_passed_is_an_outage_and_claims_nothing(real, client):
    hosts = add_hosts(client, 1)
    with scheduler_on(real) as scheduler:
        with pytest.raises(SchedulingUnavailable) as caught:
            scheduler.select_destinations(CONTEXT, SPEC, [uuid4()], deadline=0.0)
        assert caught.value.reason == "deadline_exceeded"
    assert not holders(client, hosts)
    assert reservations(client) == 0


def test_probes_say_which_constraint_rules_the_fleet_out(real, client):
    add_hosts(client, 4)
    large = spec(flavor=Flavor(vcpus=9, memory_mb=64))
    with scheduler_on(real, "[explain]\nprobes = 8\n") as scheduler:
        with pytest.raises(NoValidHost):
            scheduler.select_destinations(CONTEXT, large, [uuid4()])
        found = {probe.relaxed: probe.hosts for probe in scheduler.record().probes}
        assert found["VCPU 9"] == 4
        assert found["MEMORY_MB 64"] == 0
        real.faults.play()
        scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
        assert sum(call.path == "/allocation_candidates" for call in real.faults.calls) == 1


def test_observers_that_fail_do_not_change_the_answer(real, client):
    add_hosts(client, 1)

    def broken(record):
        raise ValueError("no")

    with scheduler_on(real, observers=(broken,)) as scheduler:
        assert scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])


def test_the_log_has_one_record_a_request_without_any_identifier(real, client, caplog):
    add_hosts(client, 2)
    instance = uuid4()
    with caplog.at_level("DEBUG"), scheduler_on(real) as scheduler:
        scheduler.select_destinations(CONTEXT, SPEC, [instance])
    records = [record for record in caplog.records if record.name.startswith("scheduler")]
    decided = [record for record in records if record.getMessage().startswith("request_decided ")]
    assert [record.levelname for record in decided] == ["INFO"]
    others = ("placement.", "oslo_policy", "stevedore")  # the server in this process, and the lists of entry points
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith(others))
    for secret in (str(instance), "tenant", "somebody", "h0", "h1", 'admin"', scheduler.record().request_id):
        assert secret not in ours
