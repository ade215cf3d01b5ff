"""PCI devices by alias, on a real Placement: one provider a device, and a name for each in the answer."""

from uuid import UUID, uuid4

import pytest

from placement_client.models import Inventory
from placement_client.testing import RealPlacement
from scheduler import Flavor, InvalidRequest, NoValidHost, RequestSpec
from tests.flow.fleet import CONTEXT, scheduler_on

ALIASES = """
[filter_scheduler]
pci_in_placement = true

[pci]
alias = {"name": "gpu", "vendor_id": "10de", "product_id": "25b6", "traits": "CUSTOM_BIG"}
alias = {"name": "nic", "resource_class": "smart_nic"}
"""
HOST, OTHER = UUID(int=1), UUID(int=2)
GPUS, NIC = [UUID(int=11), UUID(int=12)], UUID(int=13)


@pytest.fixture
def real():
    """Give h0 with two graphics cards and a network card, and h1 with cards that lack the trait."""
    with RealPlacement() as placement:
        client = placement.client()
        client.create_trait("CUSTOM_BIG")
        for name in ("CUSTOM_PCI_10DE_25B6", "CUSTOM_SMART_NIC"):
            client.create_resource_class(name)
        for number, host in enumerate((HOST, OTHER)):
            client.create_resource_provider(f"h{number}", host)
            client.set_inventories(host, 0, {"VCPU": Inventory(total=8), "MEMORY_MB": Inventory(total=8192)})
        devices = [(one, HOST, "CUSTOM_PCI_10DE_25B6", ["CUSTOM_BIG"]) for one in GPUS]
        devices += [(NIC, HOST, "CUSTOM_SMART_NIC", []), (UUID(int=21), OTHER, "CUSTOM_PCI_10DE_25B6", [])]
        for device, host, resource_class, traits in devices:
            client.create_resource_provider(f"d{device.int}", device, host)
            client.set_inventories(device, 0, {resource_class: Inventory(total=1)})
            client.set_provider_traits(device, 1, traits)
        yield placement


def spec(devices: str, **more) -> RequestSpec:
    flavor = Flavor(vcpus=1, memory_mb=64, extra_specs={"pci_passthrough:alias": devices})
    return RequestSpec(flavor=flavor, project_id="tenant", user_id="somebody", **more)


def test_each_device_comes_from_a_provider_of_its_own_and_is_told_by_name(real):
    with scheduler_on(real, ALIASES) as scheduler:
        instance = uuid4()
        ((selected, *_),) = scheduler.select_destinations(CONTEXT, spec("gpu:2, nic:1"), [instance])
        record = scheduler.record()
    assert selected.service_host == "h0"
    mappings = selected.allocation_request.mappings
    assert {mappings["pci-0-0"][0], mappings["pci-0-1"][0]} == set(GPUS)
    assert mappings["pci-1-0"] == [NIC]
    held = real.client().get_allocations(instance).amounts()
    assert {device: held[device] for device in (*GPUS, NIC)} == {
        **{gpu: {"CUSTOM_PCI_10DE_25B6": 1} for gpu in GPUS},
        NIC: {"CUSTOM_SMART_NIC": 1},
    }
    assert record.asked["CUSTOM_PCI_10DE_25B6"] == 2


def test_more_devices_than_there_are_have_no_host(real):
    with scheduler_on(real, ALIASES) as scheduler, pytest.raises(NoValidHost):
        scheduler.select_destinations(CONTEXT, spec("gpu:3"), [uuid4()])


def test_an_unknown_alias_is_refused_by_name(real):
    with scheduler_on(real, ALIASES) as scheduler, pytest.raises(InvalidRequest) as caught:
        scheduler.select_destinations(CONTEXT, spec("gpu:1,tpu:1"), [uuid4()])
    assert caught.value.problems == ("flavor.extra_specs['pci_passthrough:alias']: 'tpu' is not in [pci] alias",)


def test_where_devices_are_not_in_placement_a_flavor_that_asks_for_them_is_refused(real):
    with scheduler_on(real) as scheduler, pytest.raises(InvalidRequest) as caught:
        scheduler.select_destinations(CONTEXT, spec("gpu:1"), [uuid4()])
    (problem,) = caught.value.problems
    assert problem.endswith("not honoured by any enabled filter: [filter_scheduler] pci_in_placement is off")
