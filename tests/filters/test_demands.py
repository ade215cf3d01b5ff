"""A demand that no enabled filter honours is refused by name."""

from typing import Any

import pytest

from scheduler.errors import InvalidRequest, PluginFailed
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
        {"flavor": Flavor(vcpus=1, memory_mb=1, extra_specs={"aggregate_instance_extra_specs:ssd": "true"})},
        "AggregateInstanceExtraSpecsFilter",
        "flavor.extra_specs['aggregate_instance_extra_specs:ssd']",
    ),
    (
        {"flavor": Flavor(vcpus=1, memory_mb=1, extra_specs={"provider_trait:HW_A": "required"})},
        "ProviderTraitFilter",
        "flavor.extra_specs['provider_trait:HW_A']",
    ),
    *(
        ({"image": Image(properties={name: ">=1"})}, "ImagePropertiesFilter", f"image.properties['{name}']")
        for name in ("hw_architecture", "img_hv_type", "hw_vm_mode", "img_hv_requested_version")
    ),
]


def filters_named(*names: str) -> Any:
    return load_filters(FilterSettings(enabled_filters=names))


@pytest.mark.parametrize(("fields", "needed", "field"), DEMANDS)
def test_a_demand_needs_its_filter(fields: dict[str, Any], needed: str, field: str) -> None:
    every = {*DEFAULT_FILTERS, "AggregateInstanceExtraSpecsFilter", "ProviderTraitFilter"}
    check_demands(filters_named(*every), spec(**fields))
    without = filters_named(*(every - {needed}))
    with pytest.raises(InvalidRequest) as caught:
        check_demands(without, spec(**fields))
    assert caught.value.problems == (f"{field}: needs {needed}, which is not enabled",)


@pytest.mark.parametrize("enabled", ["ComputeCapabilitiesFilter", "AggregateInstanceExtraSpecsFilter"])
def test_an_extra_spec_without_namespace_needs_one_of_two_filters(enabled: str) -> None:
    flavor = Flavor(vcpus=1, memory_mb=1, extra_specs={"ssd": "true"})
    check_demands(filters_named(enabled), spec(flavor=flavor))
    with pytest.raises(InvalidRequest) as caught:
        check_demands(filters_named("ComputeFilter"), spec(flavor=flavor))
    (problem,) = caught.value.problems
    needed = "ComputeCapabilitiesFilter or AggregateInstanceExtraSpecsFilter"
    assert problem == f"flavor.extra_specs['ssd']: needs {needed}, which is not enabled"


def test_a_problem_that_two_filters_find_is_told_once() -> None:
    flavor = Flavor(vcpus=1, memory_mb=1, extra_specs={"ssd": ">=1"})
    with pytest.raises(InvalidRequest) as caught:
        check_demands(
            filters_named("ComputeCapabilitiesFilter", "AggregateInstanceExtraSpecsFilter"), spec(flavor=flavor)
        )
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(("raised", "told"), [(InvalidRequest("a: wrong"), ("a: wrong",)), (KeyError("x"), None)])
def test_an_outside_filter_may_say_what_is_malformed_and_is_named_when_it_cannot(
    raised: Exception, told: tuple[str, ...] | None
) -> None:
    class Outside:
        name, reason = "Outside", "outside"

        def problems(self, request: Any) -> Any:
            yield "never told"
            raise raised

    with pytest.raises(InvalidRequest if told else PluginFailed) as caught:
        check_demands([Outside()], spec())  # type: ignore[list-item]  # only what is asked for here
    assert getattr(caught.value, "problems", None) == told
    assert getattr(caught.value, "plugin", "Outside") == "Outside"


def test_all_problems_are_told_at_once() -> None:
    flavor = Flavor(vcpus=1, memory_mb=1, extra_specs={"ssd": ">=1"})
    image = Image(properties={"img_hv_requested_version": "new"})
    with pytest.raises(InvalidRequest) as caught:
        check_demands(load_filters(FilterSettings()), spec(flavor=flavor, image=image))
    assert len(caught.value.problems) == 2


def test_a_plain_request_needs_no_filter() -> None:
    check_demands((), spec(flavor=Flavor(vcpus=1, memory_mb=1, extra_specs={"resources:VCPU": "2"})))
