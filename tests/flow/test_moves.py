"""Operations on instances that are somewhere already, on the real Placement: what is asked, claimed, and held after."""

from uuid import UUID, uuid4

import pytest
from msgspec import structs

from placement_client.client import PlacementClient
from placement_client.models import ConsumerWrite, Inventory, Resources
from placement_client.testing import RealPlacement
from scheduler import (
    Destination,
    Evacuate,
    Flavor,
    HostFact,
    InstanceConflict,
    InvalidRequest,
    LiveMigrate,
    Migrate,
    NoValidHost,
    Operation,
    RequestSpec,
    Selection,
    ServerGroup,
    Unshelve,
    snapshot_of,
)
from scheduler.explain import in_words
from scheduler.model.operation import name_of
from scheduler.replay import replay
from tests.flow.fleet import CONTEXT, SPEC, add_hosts, reservations, scheduler_on

SIZE = {"VCPU": 2, "MEMORY_MB": 512}
BIGGER = {"VCPU": 6, "MEMORY_MB": 600}
CELLS = [UUID(int=0xC0), UUID(int=0xC1)]


@pytest.fixture
def real():
    with RealPlacement() as server:
        yield server


@pytest.fixture
def client(real) -> PlacementClient:
    return real.client(wrap=lambda adapter: adapter)


def of_size(amounts: dict[str, int], **change) -> RequestSpec:
    """Return a request of these amounts."""
    flavor = Flavor(vcpus=amounts["VCPU"], memory_mb=amounts["MEMORY_MB"], root_gb=amounts.get("DISK_GB", 0))
    return structs.replace(SPEC, flavor=flavor, **change)


def settled_on(client: PlacementClient, host: UUID, amounts: dict[str, int] = SIZE, project: str = "tenant") -> UUID:
    """Return an instance that holds room of a host."""
    instance = uuid4()
    body = {host: Resources(dict(amounts))}
    client.put_allocations(instance, ConsumerWrite(body, project_id=project, user_id="somebody"))
    return instance


def held(client: PlacementClient, consumer: UUID) -> dict[UUID, dict[str, int]]:
    return client.get_allocations(consumer).amounts()


def write(client: PlacementClient, **consumers: tuple[UUID, dict[UUID, dict[str, int]]]) -> None:
    """Do what a controller does later: give consumers these allocations, all at once."""
    writes = {}
    for consumer, amounts in consumers.values():
        generation = client.get_allocations(consumer).consumer_generation
        body = {provider: Resources(dict(given)) for provider, given in amounts.items()}
        writes[consumer] = ConsumerWrite(body, "tenant", "somebody", generation)
    client.post_allocations(writes)


def moved(scheduler, instance: UUID, operation: Operation, spec: RequestSpec = SPEC) -> Selection:
    """Let an operation happen, check that its record replays, and return where the instance goes."""
    ((selection,),) = scheduler.select_destinations(CONTEXT, spec, [instance], operation=operation)
    record = scheduler.record()
    assert record.inputs.operation == operation
    assert f"\nOperation: {name_of(operation)}.\n" in in_words(record)
    assert replay(record, scheduler.plugins).verdict == "identical"
    return selection


@pytest.mark.parametrize("kind", [Migrate, LiveMigrate, Evacuate])
def test_a_move_with_a_migration_leaves_the_source_with_it_and_the_destination_with_the_instance(real, client, kind):
    here, there = add_hosts(client, 2)
    instance, migration = settled_on(client, here), uuid4()
    with scheduler_on(real) as scheduler:
        operation = kind(migration_uuid=migration)
        with scheduler.reserve(CONTEXT, SPEC, [instance], operation=operation) as reservation:
            assert held(client, instance) == {here: SIZE}, "the source stays while the destination is held"
            assert client.get_provider_usages(there).usages == SIZE
            reservation.confirm()
    assert held(client, instance) == {there: SIZE}
    kept = client.get_allocations(migration)
    assert (kept.amounts(), kept.project_id, kept.consumer_type) == ({here: SIZE}, "tenant", "MIGRATION")
    assert reservations(client) == 0
    write(client, back=(instance, {here: SIZE}), gone=(migration, {}))
    assert [client.get_provider_usages(host).usages for host in (here, there)] == [SIZE, dict.fromkeys(SIZE, 0)]


@pytest.mark.parametrize("kind", [Migrate, LiveMigrate])
def test_a_move_without_a_migration_frees_the_source_in_the_same_write(real, client, kind):
    here, there = add_hosts(client, 2)
    instance = settled_on(client, here)
    with scheduler_on(real) as scheduler:
        selection = moved(scheduler, instance, kind())
    assert (selection.service_host, selection.claimed) == ("h1", True)
    assert held(client, instance) == {there: SIZE}
    assert client.get_provider_usages(here).usages == dict.fromkeys(SIZE, 0)


def test_an_evacuated_instance_without_a_migration_holds_both_hosts(real, client):
    here, there = add_hosts(client, 2)
    instance = settled_on(client, here)
    with scheduler_on(real) as scheduler:
        moved(scheduler, instance, Evacuate())
    assert held(client, instance) == {here: SIZE, there: SIZE}


@pytest.mark.parametrize("operation", [Migrate(), LiveMigrate(), Evacuate()])
def test_a_move_never_stays_and_an_instance_that_is_given_back_is_as_it_was(real, client, operation):
    (here,) = add_hosts(client, 1)
    instance = settled_on(client, here)
    before = client.get_allocations(instance)
    with scheduler_on(real) as scheduler, pytest.raises(NoValidHost):
        moved(scheduler, instance, operation)
    add_hosts_named(client, "h1")
    with scheduler_on(real) as scheduler, scheduler.reserve(CONTEXT, SPEC, [instance], operation=operation):
        pass
    assert client.get_allocations(instance).amounts() == before.amounts()
    assert client.get_allocations(instance).consumer_generation == before.consumer_generation
    assert reservations(client) == 0


def test_a_resize_may_stay_where_there_is_room_only_for_the_new_size_in_place_of_the_old(real, client):
    """8 CPUs, 2 of them the instance's, 2 somebody's: 6 fit only if its own are not counted."""
    (here,) = add_hosts(client, 1)
    instance, migration = settled_on(client, here), uuid4()
    settled_on(client, here, {"VCPU": 2})
    with scheduler_on(real) as scheduler:
        with pytest.raises(NoValidHost):
            moved(scheduler, instance, Migrate(), of_size(BIGGER))
        operation = Migrate(migration_uuid=migration, allow_resize_to_same_host=True)
        with scheduler.reserve(CONTEXT, of_size(BIGGER), [instance], operation=operation) as reservation:
            assert client.get_provider_usages(here).usages == {"VCPU": 8, "MEMORY_MB": 600}
            reservation.confirm()
        assert scheduler.record().rounds[-1].instances[0].best_hosts[0].host == "h0"
    assert held(client, instance) == {here: BIGGER}
    assert held(client, migration) == {}, "nothing was given up that would have to be kept"
    write(client, back=(instance, {here: SIZE}))


def test_a_smaller_size_on_the_same_host_needs_no_hold_and_the_migration_keeps_the_difference(real, client):
    (here,) = add_hosts(client, 1, vcpus=6)
    instance, migration = settled_on(client, here, BIGGER), uuid4()
    with scheduler_on(real) as scheduler:
        operation = Migrate(migration_uuid=migration, allow_resize_to_same_host=True)
        moved(scheduler, instance, operation)
        (claim,) = scheduler.claimer.claims_of(scheduler.record().request_id)
    assert claim.holds == ()
    assert held(client, instance) == {here: SIZE}
    assert held(client, migration) == {here: {"VCPU": 4, "MEMORY_MB": 88}}
    write(client, back=(instance, {here: BIGGER}), gone=(migration, {}))


def test_a_resize_to_one_more_of_one_class_and_less_of_another_counts_each_class_by_itself(real, client):
    (here,) = add_hosts(client, 1, vcpus=6)
    instance, migration = settled_on(client, here, {"VCPU": 2, "MEMORY_MB": 600}), uuid4()
    mixed = {"VCPU": 6, "MEMORY_MB": 512}
    with scheduler_on(real) as scheduler:
        moved(scheduler, instance, Migrate(migration, allow_resize_to_same_host=True), of_size(mixed))
    assert held(client, instance) == {here: mixed}
    assert held(client, migration) == {here: {"MEMORY_MB": 88}}
    assert client.get_provider_usages(here).usages == {"VCPU": 6, "MEMORY_MB": 600}


def test_its_own_host_is_offered_only_with_the_traits_and_aggregates_that_are_asked_for(real, client):
    (here,) = add_hosts(client, 1)
    instance, rack = settled_on(client, here), uuid4()
    stay = Migrate(allow_resize_to_same_host=True)
    fast = of_size({"VCPU": 7, "MEMORY_MB": 512})
    fast = structs.replace(fast, flavor=structs.replace(fast.flavor, extra_specs={"trait:CUSTOM_FAST": "required"}))
    near = of_size({"VCPU": 7, "MEMORY_MB": 512}, requested_destination=Destination(aggregates=((rack,),)))
    client.create_trait("CUSTOM_FAST")
    with scheduler_on(real) as scheduler:
        for spec in (fast, near):
            with pytest.raises(NoValidHost):
                moved(scheduler, instance, stay, spec)
        generation = client.get_provider_traits(here).resource_provider_generation
        generation = client.set_provider_traits(here, generation, ["CUSTOM_FAST"]).resource_provider_generation
        client.set_aggregates(here, generation, [rack])
        for spec in (fast, near):
            assert moved(scheduler, instance, stay, spec).service_host == "h0"


def test_a_shared_disk_is_not_counted_twice(real, client):
    """Two hosts on one disk of 100 GB, of which the instance has 50."""
    hosts, disk, rack = add_hosts(client, 2), uuid4(), uuid4()
    client.create_resource_provider("disk", disk)
    generation = client.set_inventories(disk, 0, {"DISK_GB": Inventory(total=100)}).resource_provider_generation
    generation = client.set_provider_traits(disk, generation, ["MISC_SHARES_VIA_AGGREGATE"])
    client.set_aggregates(disk, generation.resource_provider_generation, [rack])
    for host in hosts:
        client.set_aggregates(host, client.get_aggregates(host).resource_provider_generation, [rack])
    instance, migration = uuid4(), uuid4()
    old = {hosts[0]: SIZE, disk: {"DISK_GB": 50}}
    write(client, it=(instance, old))
    with scheduler_on(real) as scheduler:
        spec = of_size({**SIZE, "DISK_GB": 40})
        with scheduler.reserve(CONTEXT, spec, [instance], operation=Migrate(migration)) as reservation:
            assert client.get_provider_usages(disk).usages == {"DISK_GB": 50}
            reservation.confirm()
        assert held(client, instance) == {hosts[1]: SIZE, disk: {"DISK_GB": 40}}
        assert held(client, migration) == {hosts[0]: SIZE, disk: {"DISK_GB": 10}}
        write(client, it=(instance, old), gone=(migration, {}))
        moved(scheduler, instance, Evacuate(), of_size({**SIZE, "DISK_GB": 50}))
        assert held(client, instance) == {hosts[0]: SIZE, hosts[1]: SIZE, disk: {"DISK_GB": 50}}


class Known:
    """What a controller knows of hosts h0, h1, ...: their cells."""

    def __init__(self, hosts: list[UUID], cells: list[UUID] | None = None) -> None:
        of_hosts = cells or [None] * len(hosts)
        pairs = zip(hosts, of_hosts, strict=True)
        self._facts = [
            HostFact(name=f"h{number}", provider_uuid=host, cell_uuid=cell) for number, (host, cell) in enumerate(pairs)
        ]

    def snapshot(self, wanted=(), deadline=None):
        return snapshot_of(self._facts)


def test_an_instance_is_no_neighbour_of_itself_when_it_is_resized_where_it_is(real, client):
    """Its own name among the group's hosts is itself, another member's is not; nor is it what affinity goes after."""
    here, there = add_hosts(client, 2)
    settled_on(client, there, {"VCPU": 8})
    instance, other = settled_on(client, here), uuid4()
    stay = Migrate(allow_resize_to_same_host=True)
    alone = ServerGroup(policy="anti-affinity", members=(instance, other), hosts=("h0",))
    beside = structs.replace(alone, hosts=("h0", "h0"))
    with scheduler_on(real, hosts=Known([here, there])) as scheduler:
        with pytest.raises(NoValidHost):
            moved(scheduler, instance, stay, of_size(BIGGER, instance_group=beside))
        assert moved(scheduler, instance, stay, of_size(BIGGER, instance_group=alone)).service_host == "h0"
    hosts = [here, *add_hosts_named(client, "h9")]
    with scheduler_on(real, hosts=Known(hosts)) as scheduler:
        single = ServerGroup(policy="affinity", members=(instance,), hosts=("h0",))
        assert (
            moved(scheduler, instance, Evacuate(), of_size(SIZE, instance_group=single)).service_host == "h1"
        )  # as the facts name it


def test_a_move_stays_in_the_cell_of_its_host_unless_it_may_leave_it(real, client):
    hosts = add_hosts(client, 2)
    instance = settled_on(client, hosts[0])
    leave = structs.replace(SPEC, requested_destination=Destination(allow_cross_cell_move=True))
    with scheduler_on(real, hosts=Known(hosts, CELLS)) as scheduler:
        with pytest.raises(NoValidHost):
            moved(scheduler, instance, Migrate())
        removing = [one.name for one in scheduler.record().rounds[-1].instances[0].steps if one.removed]
        assert removing == ["RequestedHostFilter", "IgnoredHostFilter"]
        assert moved(scheduler, instance, Migrate(), leave).service_host == "h1"
        assert scheduler.record().inputs.request.requested_destination.cell == CELLS[0]
    hosts += add_hosts_named(client, "h2")
    with scheduler_on(real, hosts=Known(hosts, [*CELLS, CELLS[1]])) as scheduler:
        assert moved(scheduler, instance, Migrate()).service_host == "h2"


def add_hosts_named(client: PlacementClient, name: str) -> list[UUID]:
    host = uuid4()
    client.create_resource_provider(name, host)
    client.set_inventories(host, 0, {"VCPU": Inventory(total=8), "MEMORY_MB": Inventory(total=8192)})
    return [host]


@pytest.mark.parametrize("operation", [Unshelve(), None])
def test_who_holds_nothing_is_built_or_unshelved_where_the_request_says(real, client, operation):
    """An unshelved instance goes to the cell that the request names; a forced and a requested host hold for it too."""
    hosts = add_hosts(client, 3)
    options = {"operation": operation} if operation else {}
    with scheduler_on(real, hosts=Known(hosts, [*CELLS, CELLS[0]])) as scheduler:
        for where, expected in (
            ({"requested_destination": Destination(cell=CELLS[1])}, "h1"),
            ({"requested_destination": Destination(host="h2")}, "h2"),
            ({"force_hosts": ("H0",)}, "h0"),
        ):
            context, instance = structs.replace(CONTEXT, is_elevated=True), uuid4()
            spec = structs.replace(SPEC, **where)
            ((selection,),) = scheduler.select_destinations(context, spec, [instance], **options)
            assert selection.service_host == expected
            assert held(client, instance) == {hosts[int(expected[1])]: SIZE}
        with pytest.raises(InstanceConflict):
            scheduler.select_destinations(CONTEXT, SPEC, [instance], **options)


def test_a_moved_instance_may_be_sent_to_a_forced_or_requested_host_but_not_to_its_own(real, client):
    hosts = add_hosts(client, 3)
    elevated = structs.replace(CONTEXT, is_elevated=True)
    to = {"requested_destination": Destination(host="h2")}, {"force_hosts": ("h2",)}
    home = {"requested_destination": Destination(host="h0")}, {"force_hosts": ("h1", "H0")}
    with scheduler_on(real) as scheduler:
        for where in to:
            instance = settled_on(client, hosts[0])
            spec = structs.replace(SPEC, **where)
            scheduler.select_destinations(elevated, spec, [instance], operation=LiveMigrate())
            assert held(client, instance) == {hosts[2]: SIZE}
        for where, field in zip(home, ("requested_destination.host", r"force_hosts\[1\]"), strict=True):
            instance = settled_on(client, hosts[0])
            with pytest.raises(InvalidRequest, match=f"{field}: the instance is there"):
                scheduler.select_destinations(
                    elevated, structs.replace(SPEC, **where), [instance], operation=LiveMigrate()
                )


@pytest.mark.parametrize("operation", [Migrate(), LiveMigrate(), Evacuate()])
def test_a_move_takes_one_instance_that_holds_something_and_is_the_requests_own(real, client, operation):
    hosts = add_hosts(client, 2)
    strange = settled_on(client, hosts[0], project="other")
    with scheduler_on(real) as scheduler:
        with pytest.raises(InvalidRequest, match="takes exactly one instance, got 2"):
            scheduler.select_destinations(CONTEXT, SPEC, [uuid4(), uuid4()], operation=operation)
        with pytest.raises(InvalidRequest, match=r"instance_uuids\[0\]: holds nothing"):
            scheduler.select_destinations(CONTEXT, SPEC, [uuid4()], operation=operation)
        with pytest.raises(InstanceConflict):
            scheduler.select_destinations(CONTEXT, SPEC, [strange], operation=operation)
        other = structs.replace(SPEC, consumer_type="BAREMETAL")
        with pytest.raises(InvalidRequest, match="consumer_type: is not that of the instance"):
            scheduler.select_destinations(CONTEXT, other, [settled_on(client, hosts[0])], operation=operation)
    assert held(client, strange) == {hosts[0]: SIZE}


def test_an_instance_that_changes_between_reserving_and_confirming_is_left_alone(real, client):
    here, there = add_hosts(client, 2)
    instance, migration = settled_on(client, here), uuid4()
    with scheduler_on(real) as scheduler:
        with scheduler.reserve(CONTEXT, SPEC, [instance], operation=Migrate(migration)) as reservation:
            write(client, it=(instance, {here: {"VCPU": 1}}))
            with pytest.raises(InstanceConflict):
                reservation.confirm()
        assert scheduler.outcome(reservation.request_id) == "aborted"
        with scheduler.reserve(CONTEXT, SPEC, [instance], operation=Migrate(migration)) as reservation:
            write(client, it=(instance, {here: {"VCPU": 1}}))  # the same again: the generation tells
            with pytest.raises(InstanceConflict):
                reservation.confirm()
    assert held(client, instance) == {here: {"VCPU": 1}}
    assert held(client, migration) == {}
    assert client.get_provider_usages(there).usages == dict.fromkeys(SIZE, 0)


def test_a_migration_that_exists_already_stops_the_move(real, client):
    here, there = add_hosts(client, 2)
    instance = settled_on(client, here)
    taken = settled_on(client, there, {"VCPU": 1})
    with scheduler_on(real) as scheduler, pytest.raises(InstanceConflict):
        scheduler.select_destinations(CONTEXT, SPEC, [instance], operation=Migrate(taken))
    assert held(client, instance) == {here: SIZE}
    assert held(client, taken) == {there: {"VCPU": 1}}
    assert reservations(client) == 0


def test_a_move_that_is_delivered_again_is_answered_from_the_journal(real, client):
    here, there = add_hosts(client, 2)
    instance = settled_on(client, here)
    again = structs.replace(CONTEXT, request_id="req-00000000-0000-4000-8000-000000000001")
    with scheduler_on(real) as scheduler:
        first = scheduler.select_destinations(again, SPEC, [instance], operation=Migrate())
        real.faults.play()
        assert scheduler.select_destinations(again, SPEC, [instance], operation=Migrate()) == first
        assert real.faults.calls == []
        with pytest.raises(InvalidRequest, match="was used before"):
            scheduler.select_destinations(again, SPEC, [instance], operation=LiveMigrate())
    assert held(client, instance) == {there: SIZE}
