"""Providers, their inventories, traits and aggregates, and what is used."""

import pytest

from placement_client.client import PlacementClient
from placement_client.errors import BadRequest, NotFound, ProviderConflict, Refused
from placement_client.models import HeldOnProvider, Inventory
from placement_client.query import ProviderFilter
from placement_client.testing import MockPlacement, RealPlacement
from tests.client.contract.fleet import Fleet, Http, claim, id_of, older


@pytest.fixture
def hosts(fleet: Fleet) -> Fleet:
    """Two hosts, one with a child."""
    fleet.add("h1", {"VCPU": 8}, ["CUSTOM_A"], ["rack1"])
    fleet.add("h2", {"VCPU": 4}, ["HW_CPU_X86_AVX2"], ["rack2"])
    fleet.add("h1-numa0", {"PCPU": 4}, parent="h1")
    return fleet


def listed(client: PlacementClient, **wanted: object) -> list[str]:
    """Return the names of the providers that a filter lists, sorted."""
    found = client.list_resource_providers(ProviderFilter(**wanted))  # type: ignore[arg-type]
    return sorted(provider.name for provider in found)


def test_a_provider_knows_its_family(hosts: Fleet) -> None:
    """A child names parent and root, a root itself."""
    child, root = (hosts.client.get_resource_provider(id_of(name)) for name in ("h1-numa0", "h1"))
    assert (child.parent_provider_uuid, child.root_provider_uuid) == (id_of("h1"), id_of("h1"))
    assert (root.parent_provider_uuid, root.root_provider_uuid) == (None, id_of("h1"))


def test_list_and_filters(hosts: Fleet) -> None:
    """Every filter narrows the list."""
    client = hosts.client
    assert listed(client) == ["h1", "h1-numa0", "h2"]
    assert listed(client, name="h2") == ["h2"]
    assert listed(client, uuid=id_of("h1")) == ["h1"]
    assert listed(client, in_tree=id_of("h1-numa0")) == ["h1", "h1-numa0"]
    assert listed(client, member_of=(frozenset({id_of("rack1")}),)) == ["h1"]
    assert listed(client, forbidden_aggregates=frozenset({id_of("rack1")})) == ["h1-numa0", "h2"]
    assert listed(client, required=(frozenset({"CUSTOM_A", "HW_CPU_X86_AVX2"}),)) == ["h1", "h2"]
    assert listed(client, forbidden=frozenset({"CUSTOM_A"})) == ["h1-numa0", "h2"]
    assert listed(client, resources={"VCPU": 5}) == ["h1"]
    assert listed(client, in_tree=id_of("nobody")) == []


def test_a_filter_with_an_unknown_trait(hosts: Fleet) -> None:
    """An unknown trait is 400 in a list of providers, too."""
    with pytest.raises(BadRequest):
        listed(hosts.client, required=(frozenset({"CUSTOM_NONE"}),))


def test_a_name_or_uuid_that_is_taken(hosts: Fleet) -> None:
    """Both are 409, and no race."""
    for name, uuid in (("h1", "new"), ("new", "h1")):
        with pytest.raises(Refused) as caught:
            hosts.client.create_resource_provider(name, id_of(uuid))
        assert caught.value.status == 409


def test_a_parent_that_does_not_exist(client: PlacementClient) -> None:
    """A child of nobody is 400."""
    with pytest.raises(BadRequest):
        client.create_resource_provider("child", id_of("child"), id_of("nobody"))


def test_inventories(hosts: Fleet) -> None:
    """What was set comes back with defaults filled in, and the generation moved."""
    wanted = Inventory(64, reserved=2, min_unit=2, max_unit=32, step_size=2, allocation_ratio=4.5)
    written = hosts.client.set_inventories(
        id_of("h2"), generation(hosts, "h2"), {"VCPU": wanted, "DISK_GB": Inventory(9)}
    )
    assert written == hosts.client.get_inventories(id_of("h2"))
    assert written.inventories == {"VCPU": wanted, "DISK_GB": Inventory(9)}
    assert written.resource_provider_generation == generation(hosts, "h2")


def generation(fleet: Fleet, name: str) -> int:
    """Return the generation of a provider."""
    return fleet.client.get_resource_provider(id_of(name)).generation


def test_a_stale_generation_of_a_provider(hosts: Fleet) -> None:
    """Inventories, traits and aggregates are written only at the present generation."""
    client, stale = hosts.client, generation(hosts, "h1") - 1
    with pytest.raises(ProviderConflict):
        client.set_inventories(id_of("h1"), stale, {})
    with pytest.raises(ProviderConflict):
        client.set_provider_traits(id_of("h1"), stale, [])
    with pytest.raises(ProviderConflict):
        client.set_aggregates(id_of("h1"), stale, [])


def test_an_inventory_in_use_stays(hosts: Fleet) -> None:
    """Removing it is 409; shrinking it below its use is allowed."""
    hosts.client.put_allocations(id_of("c"), claim({"h2": {"VCPU": 4}}))
    with pytest.raises(Refused) as caught:
        hosts.client.set_inventories(id_of("h2"), generation(hosts, "h2"), {})
    assert caught.value.status == 409
    hosts.client.set_inventories(id_of("h2"), generation(hosts, "h2"), {"VCPU": Inventory(1)})


def test_bad_inventories(hosts: Fleet) -> None:
    """An unknown class and more reserved than there is are 400."""
    now = generation(hosts, "h2")
    for bad in ({"CUSTOM_NONE": Inventory(1)}, {"VCPU": Inventory(4, reserved=5)}):
        with pytest.raises(BadRequest):
            hosts.client.set_inventories(id_of("h2"), now, bad)
    assert generation(hosts, "h2") == now


def test_everything_may_be_reserved(hosts: Fleet) -> None:
    """No capacity at all is an inventory, too."""
    hosts.client.set_inventories(id_of("h2"), generation(hosts, "h2"), {"VCPU": Inventory(4, reserved=4)})


def test_traits(hosts: Fleet) -> None:
    """Setting the same traits again leaves the generation, others move it; unknown ones are refused."""
    now = generation(hosts, "h1")
    assert hosts.client.set_provider_traits(id_of("h1"), now, ["CUSTOM_A"]).resource_provider_generation == now
    moved = hosts.client.set_provider_traits(id_of("h1"), now, ["HW_CPU_X86_AVX2", "CUSTOM_A"])
    assert moved.resource_provider_generation == now + 1
    assert sorted(hosts.client.get_provider_traits(id_of("h1")).traits) == ["CUSTOM_A", "HW_CPU_X86_AVX2"]
    with pytest.raises(BadRequest):
        hosts.client.set_provider_traits(id_of("h1"), now + 1, ["CUSTOM_NONE"])


def test_traits_that_exist(client: PlacementClient) -> None:
    """A created trait exists, creating it again is fine, and asking by name tells who does."""
    client.create_trait("CUSTOM_X")
    client.create_trait("CUSTOM_X")
    assert client.list_traits(["CUSTOM_X", "CUSTOM_Y", "HW_CPU_X86_AVX2"]) in (
        ["CUSTOM_X", "HW_CPU_X86_AVX2"],
        ["HW_CPU_X86_AVX2", "CUSTOM_X"],
    )
    assert "CUSTOM_X" in client.list_traits()


def test_only_custom_names_can_be_created(client: PlacementClient) -> None:
    """Standard namespaces are closed for traits and for classes."""
    with pytest.raises(BadRequest):
        client.create_trait("HW_OF_MINE")
    with pytest.raises(BadRequest):
        client.create_resource_class("VCPU_OF_MINE")


def test_resource_classes(client: PlacementClient) -> None:
    """A created class is listed beside the standard ones."""
    client.create_resource_class("CUSTOM_X")
    client.create_resource_class("CUSTOM_X")
    assert {"CUSTOM_X", "VCPU", "MEMORY_MB", "PGPU"} <= set(client.list_resource_classes())


def test_aggregates(hosts: Fleet) -> None:
    """Setting aggregates moves the generation, and an empty list leaves them all."""
    now = generation(hosts, "h1")
    written = hosts.client.set_aggregates(id_of("h1"), now, [id_of("x"), id_of("y")])
    assert sorted(written.aggregates) == sorted([id_of("x"), id_of("y")])
    assert written.resource_provider_generation == now + 1
    hosts.client.set_aggregates(id_of("h1"), now + 1, [])
    assert hosts.client.get_aggregates(id_of("h1")).aggregates == []


def test_usages_of_a_provider(hosts: Fleet) -> None:
    """Every class of its inventory is shown, used or not, and who uses it."""
    hosts.client.put_allocations(id_of("c"), claim({"h1": {"VCPU": 3}}))
    assert hosts.client.get_provider_usages(id_of("h1")).usages == {"VCPU": 3}
    assert hosts.client.get_provider_usages(id_of("h2")).usages == {"VCPU": 0}
    held = hosts.client.get_provider_allocations(id_of("h1"))
    assert held.allocations == {str(id_of("c")): HeldOnProvider({"VCPU": 3}, 1)}
    assert held.resource_provider_generation == generation(hosts, "h1")


def test_usages_of_a_project(hosts: Fleet) -> None:
    """Amounts and consumers by type; a ghost does not count."""
    client = hosts.client
    client.put_allocations(id_of("c"), claim({"h1": {"VCPU": 3}, "h1-numa0": {"PCPU": 1}}))
    client.put_allocations(id_of("d"), claim({"h1": {"VCPU": 1}}))
    client.put_allocations(id_of("r"), claim({"h2": {"VCPU": 2}}, consumer_type="SCHED_RESERVATION"))
    client.put_allocations(id_of("ghost"), claim({}))
    usages = client.get_project_usages("project")
    assert usages.usages == {
        "INSTANCE": {"VCPU": 4, "PCPU": 1, "consumer_count": 2},
        "SCHED_RESERVATION": {"VCPU": 2, "consumer_count": 1},
    }
    assert client.get_project_usages("project", consumer_type="all").usages == {
        "all": {"VCPU": 6, "PCPU": 1, "consumer_count": 3},
    }
    reserved = client.get_project_usages("project", "user", "SCHED_RESERVATION")
    assert reserved.consumers("SCHED_RESERVATION") == 1
    assert client.get_project_usages("project", "nobody").usages == {}
    assert client.get_project_usages("nobody").usages == {}


def test_usages_of_consumers_without_a_type(placement: MockPlacement | RealPlacement, hosts: Fleet) -> None:
    """Who was written before 1.38 counts as unknown."""
    old = placement.client(lambda adapter: older(adapter, "1.34"))
    old.put_allocations(id_of("c"), claim({"h1": {"VCPU": 3}}))
    assert hosts.client.get_project_usages("project").usages == {"unknown": {"VCPU": 3, "consumer_count": 1}}
    assert hosts.client.get_project_usages("project", consumer_type="unknown").consumers("unknown") == 1


def test_a_provider_that_does_not_exist(client: PlacementClient) -> None:
    """Everything about it is 404."""
    nobody = id_of("nobody")
    reads = (
        client.get_resource_provider,
        client.get_inventories,
        client.get_provider_traits,
        client.get_aggregates,
        client.get_provider_usages,
        client.get_provider_allocations,
    )
    for read in reads:
        with pytest.raises(NotFound):
            read(nobody)
    with pytest.raises(NotFound):
        client.set_inventories(nobody, 0, {})


def test_removing_providers(hosts: Fleet, http: Http) -> None:
    """Parents and providers in use stay, others can go."""
    hosts.client.put_allocations(id_of("c"), claim({"h2": {"VCPU": 1}}))
    codes = {name: http("DELETE", f"/resource_providers/{id_of(name)}") for name in ("h1", "h2", "h1-numa0", "nobody")}
    assert {name: response.status_code for name, response in codes.items()} == {
        "h1": 409, "h2": 409, "h1-numa0": 204, "nobody": 404,
    }  # fmt: skip
    assert codes["h1"].json()["errors"][0]["code"] == "placement.resource_provider.cannot_delete_parent"
    assert codes["h2"].json()["errors"][0]["code"] == "placement.resource_provider.inuse"
