"""A demand that no enabled filter honours is refused by name."""

from typing import Any

import pytest

from scheduler.errors import InvalidRequest
from scheduler.filters import check_demands, load_filters
from scheduler.model import Flavor, Image, ServerGroup
from scheduler.settings import DEFAULT_FILTERS, FilterSettings
from tests.hosts.fleets import spec

DEMANDS: list[tuple[dict[str, Any], str, str]] = [
    ({"instance_group": ServerGroup(policy="affinity")}, "ServerGroupAffinityFilter", "instance_group.policy"),
    ({"instance_group": ServerGroup(policy="anti-affinity")}, "ServerGroupAntiAffinityFilter", "instance_group.policy"),
    (
        {"flavor": Flavor(vcpus=1, memory_mb=1, extra_specs={"capabilities:ssd": "true"})},
        "ComputeCapabilitiesFilter",
        "flavor.extra_specs['capabilities:ssd']",
    ),
    (
        {"flavor": Flavor(vcpus=1, memory_mb=1, extra_specs={"ssd": "true"})},
        "ComputeCapabilitiesFilter",
        "flavor.extra_specs['ssd']",
    ),
    *(
        ({"image": Image(properties={name: ">=1"})}, "ImagePropertiesFilter", f"image.properties['{name}']")
        for name in ("hw_architecture", "img_hv_type", "hw_vm_mode", "img_hv_requested_version")
    ),
]


@pytest.mark.parametrize(("fields", "needed", "field"), DEMANDS)
def test_a_demand_needs_its_filter(fields: dict[str, Any], needed: str, field: str) -> None:
    everything = load_filters(FilterSettings())
    without = load_filters(FilterSettings(enabled_filters=tuple(name for name in DEFAULT_FILTERS if name != needed)))
    check_demands(everything, spec(**fields))
    with pytest.raises(InvalidRequest) as caught:
        check_demands(without, spec(**fields))
    assert caught.value.problems == (f"{field}: needs {needed}, which is not enabled",)


def test_all_problems_are_told_at_once() -> None:
    flavor = Flavor(vcpus=1, memory_mb=1, extra_specs={"ssd": ">=1"})
    image = Image(properties={"img_hv_requested_version": "new"})
    with pytest.raises(InvalidRequest) as caught:
        check_demands(load_filters(FilterSettings()), spec(flavor=flavor, image=image))
    assert len(caught.value.problems) == 2


def test_a_plain_request_needs_no_filter() -> None:
    check_demands((), spec(flavor=Flavor(vcpus=1, memory_mb=1, extra_specs={"resources:VCPU": "2"})))
