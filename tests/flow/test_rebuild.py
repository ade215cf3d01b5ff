"""Building an instance again where it is: judged by the filters that say so, and nothing is written anywhere."""

from uuid import UUID, uuid4

import pytest
from msgspec import structs

from placement_client.models import Inventory
from placement_client.testing import RealPlacement
from scheduler import Destination, HostFact, Image, InstanceConflict, InvalidRequest, NoValidHost, Rebuild, snapshot_of
from scheduler.filters import filters_on_rebuild
from scheduler.replay import replay
from tests.flow.deciding import plugins
from tests.flow.fleet import CONTEXT, SPEC, add_hosts, reservations, scheduler_on
from tests.flow.test_moves import SIZE, held, settled_on, write

ELEVATED = structs.replace(CONTEXT, is_elevated=True)
ARM = Image(properties={"hw_architecture": "aarch64"})


class Known:
    """Host h0, which is down and runs no arm; h1, which is up."""

    def __init__(self, hosts: list[UUID]) -> None:
        down = HostFact(name="h0", provider_uuid=hosts[0], up=False, supported_instances=(("x86_64", "kvm", "hvm"),))
        self._facts = [down, HostFact(name="h1", provider_uuid=hosts[1])]

    def snapshot(self, wanted=(), deadline=None):
        return snapshot_of(self._facts)


@pytest.fixture
def real():
    with RealPlacement() as server:
        yield server


@pytest.fixture
def client(real):
    return real.client(wrap=lambda adapter: adapter)


@pytest.fixture
def hosts(client):
    return add_hosts(client, 2, vcpus=2)


@pytest.fixture
def scheduler(real, hosts):
    with scheduler_on(real, hosts=Known(hosts)) as one:
        yield one


def rebuilt(scheduler, instance, **change):
    spec = structs.replace(SPEC, **change)
    ((selection,),) = scheduler.select_destinations(ELEVATED, spec, [instance], operation=Rebuild())
    assert replay(scheduler.record(), scheduler.plugins).verdict == "identical"
    return selection


def test_an_instance_stays_on_its_full_host_that_is_down_with_what_it_holds(real, client, hosts, scheduler):
    instance = settled_on(client, hosts[0])
    before = client.get_allocations(instance)
    real.faults.play()
    selection = rebuilt(scheduler, instance)
    assert {call.method for call in real.faults.calls} == {"GET"}
    assert not any("candidates" in call.path for call in real.faults.calls)
    assert (selection.service_host, selection.claimed) == ("h0", True)
    given = selection.allocation_request.allocations
    assert {provider: dict(one.resources) for provider, one in given.items()} == {hosts[0]: SIZE}
    assert client.get_allocations(instance) == before
    assert reservations(client) == 0
    record = scheduler.record()
    assert scheduler.outcome(record.request_id) == "unknown", "nothing is journaled, as nothing is claimed"
    assert (record.outcome, record.rounds[-1].answer) == ("selected", "held")


def test_a_host_whose_capacity_was_cut_below_what_is_in_use_is_no_obstacle(client, hosts, scheduler):
    instance = settled_on(client, hosts[0])
    generation = client.get_inventories(hosts[0]).resource_provider_generation
    client.set_inventories(hosts[0], generation, {"VCPU": Inventory(total=1), "MEMORY_MB": Inventory(total=8)})
    assert rebuilt(scheduler, instance).service_host == "h0"


@pytest.mark.parametrize("force", [{}, {"force_hosts": ("H0",)}, {"force_nodes": ("h0",)}])
def test_an_image_that_the_host_does_not_run_is_refused_also_where_the_host_is_forced(client, hosts, scheduler, force):
    instance = settled_on(client, hosts[0])
    with pytest.raises(NoValidHost):
        rebuilt(scheduler, instance, image=ARM, **force)
    steps = scheduler.record().rounds[-1].instances[0].steps
    assert [one.name for one in steps if one.removed] == ["ImagePropertiesFilter"]


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"force_hosts": ("h1",)},
        {"ignore_hosts": ("h0",)},
        {"requested_destination": Destination(host="h1")},
    ],
)
def test_a_host_that_is_ignored_or_not_the_one_asked_for_is_refused(client, hosts, scheduler, elsewhere):
    with pytest.raises(NoValidHost):
        rebuilt(scheduler, settled_on(client, hosts[0]), **elsewhere)


def test_the_traits_of_the_image_must_be_on_the_providers_that_the_instance_holds(client, hosts, scheduler):
    client.create_trait("CUSTOM_FAST")
    instance, image = settled_on(client, hosts[0]), Image(traits_required=("CUSTOM_FAST",))
    with pytest.raises(NoValidHost):
        rebuilt(scheduler, instance, image=image)
    steps = scheduler.record().rounds[-1].instances[0].steps
    assert [(one.name, one.reason) for one in steps if one.removed] == [("ImageTraitsFilter", "image_traits_missing")]
    generation = client.get_provider_traits(hosts[0]).resource_provider_generation
    client.set_provider_traits(hosts[0], generation, ["CUSTOM_FAST"])
    assert rebuilt(scheduler, instance, image=image).service_host == "h0"


def test_the_traits_may_be_those_of_a_child_and_of_a_shared_provider_together(client, hosts, scheduler):
    child, disk = uuid4(), uuid4()
    traits = {child: "CUSTOM_FAST", disk: "MISC_SHARES_VIA_AGGREGATE"}
    client.create_trait("CUSTOM_FAST")
    for provider, parent, resource in ((child, hosts[0], "PCPU"), (disk, None, "DISK_GB")):
        client.create_resource_provider(f"p{resource}", provider, parent)
        client.set_inventories(provider, 0, {resource: Inventory(total=9)})
        client.set_provider_traits(provider, 1, [traits[provider]])
    instance = uuid4()
    write(client, it=(instance, {hosts[0]: SIZE, child: {"PCPU": 1}, disk: {"DISK_GB": 1}}))
    image = Image(traits_required=("CUSTOM_FAST", "MISC_SHARES_VIA_AGGREGATE"))
    assert rebuilt(scheduler, instance, image=image).service_host == "h0"


def test_who_holds_nothing_or_two_hosts_or_is_anothers_is_not_rebuilt(client, hosts, scheduler):
    strange, both = settled_on(client, hosts[0], project="other"), uuid4()
    with pytest.raises(InstanceConflict):
        rebuilt(scheduler, strange)
    with pytest.raises(InvalidRequest, match="holds nothing"):
        rebuilt(scheduler, uuid4())
    write(client, it=(both, {hosts[1]: {"VCPU": 1}, hosts[0]: {"MEMORY_MB": 1}}))
    with pytest.raises(InvalidRequest, match="more than one host"):
        rebuilt(scheduler, both)
    assert held(client, both) == {hosts[1]: {"VCPU": 1}, hosts[0]: {"MEMORY_MB": 1}}


def test_only_filters_that_say_so_judge_a_rebuild():
    enabled = plugins().filters
    assert [one.name for one in filters_on_rebuild(enabled)] == ["ImagePropertiesFilter", "ImageTraitsFilter"]


def test_a_reserved_rebuild_may_be_left_without_confirming(client, hosts, scheduler):
    instance = settled_on(client, hosts[0])
    with scheduler.reserve(ELEVATED, SPEC, [instance], operation=Rebuild()):
        pass
    assert scheduler.record().outcome == "released"
    assert held(client, instance) == {hosts[0]: SIZE}
