"""The filters that read the metadata of aggregates."""

from typing import Any

import pytest

from scheduler.errors import InvalidRequest
from scheduler.model import Image
from tests.filters.asking import aggregates, flavor, made, of, passing
from tests.hosts.fleets import Node, table, uid

FAST = table(
    Node("plain"),
    Node("ssd", facts=of("ssd")),
    Node("both", facts=of("ssd", "nvme")),
    Node("empty", facts=of("empty")),
    Node("lost", facts=of("nobody knows it")),
    Node("stranger", known=False),
    aggregates=aggregates(
        ssd={"disk": "ssd, fast", "iops": "100"}, nvme={"disk": "nvme", "iops": "many"}, empty={"disk": ""}
    ),
)
ALL = {"plain", "ssd", "both", "empty", "lost", str(uid("stranger"))}


@pytest.mark.parametrize(
    ("extra_specs", "names"),
    [
        ({}, ALL),
        ({"hw_rng:allowed": "True", "quota:cpu": "1", "resources:VCPU": "1", "capabilities:disk": "x"}, ALL),
        ({"group_policy": "none"}, ALL),
        ({"disk": "ssd"}, {"ssd", "both"}),
        ({"aggregate_instance_extra_specs:disk": "nvme"}, {"both"}),
        ({"disk": "fast"}, {"ssd", "both"}),
        ({"disk": "<or> nvme <or> fast"}, {"ssd", "both"}),
        ({"disk": "s!= ssd"}, {"ssd", "both", "empty"}),
        ({"disk": ""}, {"empty"}),
        ({"iops": ">= 100"}, {"ssd", "both"}),
        ({"iops": ">= 101"}, set()),
        ({"disk": "ssd", "iops": "many"}, {"both"}),
        ({"missing": "s!= x"}, set()),
        ({"aggregate_instance_extra_specs:a:b": "1"}, set()),
    ],
)
def test_extra_specs_that_aggregates_answer(extra_specs: dict[str, str], names: set[str]) -> None:
    """Words of all aggregates of a host count, one must meet the demand, and a host without the key is out."""
    assert passing(made("AggregateInstanceExtraSpecsFilter"), FAST, flavor=flavor(extra_specs)) == names


def test_the_rest_of_a_scoped_key_is_the_key() -> None:
    hosts = table(Node("a", facts=of("x")), Node("b"), aggregates=aggregates(x={"a:b": "1"}))
    extra_specs = {"aggregate_instance_extra_specs:a:b": "1"}
    assert passing(made("AggregateInstanceExtraSpecsFilter"), hosts, flavor=flavor(extra_specs)) == {"a"}


def test_malformed_demands_are_named_all_at_once() -> None:
    demands = flavor({"disk": ">=1", "aggregate_instance_extra_specs:iops": "<or>"})
    with pytest.raises(InvalidRequest) as caught:
        passing(made("AggregateInstanceExtraSpecsFilter"), FAST, flavor=demands)
    assert len(caught.value.problems) == 2


def test_a_key_without_namespace_goes_to_the_aggregates_where_a_host_has_no_such_capability() -> None:
    """With both filters, each host is judged by the capability it has, and by its aggregates always, as in Nova."""
    hosts = table(
        Node("capable", facts={"stats": {"disk": "ssd"}, **of("ssd")}),
        Node("incapable", facts={"stats": {"disk": "tape"}, **of("ssd")}),
        Node("silent", facts=of("ssd")),
        aggregates=aggregates(ssd={"disk": "ssd"}),
    )
    both = ("ComputeCapabilitiesFilter", "AggregateInstanceExtraSpecsFilter")
    capabilities = made("ComputeCapabilitiesFilter", enabled_filters=both)
    assert passing(capabilities, hosts, flavor=flavor({"disk": "ssd"})) == {"capable", "silent"}
    assert passing(capabilities, hosts, flavor=flavor({"capabilities:disk": "ssd"})) == {"capable"}
    assert passing(made("ComputeCapabilitiesFilter"), hosts, flavor=flavor({"disk": "ssd"})) == {"capable"}


IMAGES = table(
    Node("any"),
    Node("windows", facts=of("windows")),
    Node("mixed", facts=of("windows", "linux")),
    Node("x86", facts=of("x86")),
    Node("acme", facts=of("acme")),
    aggregates=aggregates(
        windows={"os_distro": "windows"},
        linux={"os_distro": "debian, ubuntu"},
        x86={"hw_architecture": "x86_64"},
        acme={"acme.class": "gold"},
    ),
)
EVERY = {"any", "windows", "mixed", "x86", "acme"}


@pytest.mark.parametrize(
    ("properties", "names"),
    [
        ({}, EVERY),
        ({"os_type": "linux"}, EVERY),
        ({"os_distro": ""}, EVERY),
        ({"os_distro": "windows"}, EVERY),
        ({"os_distro": "ubuntu"}, EVERY - {"windows"}),
        ({"os_distro": "Windows"}, EVERY - {"windows", "mixed"}),
        ({"hw_architecture": "AMD64"}, EVERY),
        ({"hw_architecture": "aarch64"}, EVERY - {"x86"}),
        ({"acme.class": "silver"}, EVERY - {"acme"}),
    ],
)
def test_images_that_an_aggregate_is_not_for(properties: dict[str, str], names: set[str]) -> None:
    plugin = made("AggregateImagePropertiesIsolation")
    assert passing(plugin, IMAGES, image=Image(properties=properties)) == names


def test_an_instance_without_an_image_may_go_anywhere() -> None:
    assert passing(made("AggregateImagePropertiesIsolation"), IMAGES) == EVERY


@pytest.mark.parametrize(("separator", "names"), [(".", EVERY - {"acme"}), ("_", EVERY)])
def test_with_a_namespace_only_its_keys_count(separator: str, names: set[str]) -> None:
    plugin = made(
        "AggregateImagePropertiesIsolation",
        aggregate_image_properties_isolation_namespace="acme",
        aggregate_image_properties_isolation_separator=separator,
    )
    image = Image(properties={"os_distro": "debian", "acme.class": "silver"})
    assert passing(plugin, IMAGES, image=image) == names


TENANTS = table(
    Node("free"),
    Node("p", facts=of("p")),
    Node("q", facts=of("q")),
    Node("p and q", facts=of("p", "q")),
    Node("nobody", facts=of("nobody")),
    Node("named", facts=of("named")),
    Node("stranger", known=False),
    aggregates=aggregates(
        p={"filter_tenant_id": "p"},
        q={"filter_tenant_id_7": " q , r", "other": "p"},
        nobody={"filter_tenant_id": ""},
        named={"tenant": "q"},
    ),
)


@pytest.mark.parametrize(
    ("project", "names"),
    [
        ("p", {"free", "p", "p and q", "named"}),
        ("r", {"free", "q", "p and q", "named"}),
        ("z", {"free", "named"}),
    ],
)
def test_hosts_of_projects_take_no_others(project: str, names: set[str]) -> None:
    """All keys with the prefix count, over all aggregates; the project itself may go to hosts of nobody as well."""
    found = passing(made("AggregateMultiTenancyIsolation"), TENANTS, project_id=project)
    assert found == names | {str(uid("stranger"))}


@pytest.mark.parametrize(
    ("name", "names"), [("small", {"any", "sl"}), ("large", {"any", "sl", "l"}), ("other", {"any"})]
)
def test_hosts_of_flavors_take_no_others(name: str, names: set[str]) -> None:
    hosts = table(
        Node("any", facts=of("unset")),
        Node("l", facts=of("large")),
        Node("sl", facts=of("large", "small")),
        aggregates=aggregates(unset={"x": "y"}, large={"instance_type": "large"}, small={"instance_type": " small, s"}),
    )
    assert passing(made("AggregateTypeAffinityFilter"), hosts, flavor=flavor(name=name)) == names


@pytest.mark.parametrize(
    ("limits", "passes"),
    [
        ([], True),
        (["2"], False),
        ([" 3 "], True),
        (["3", "2"], False),
        (["many", "1"], True),
        (["1,2"], True),
        (["-1"], False),
        (["1" * 400], True),
        (["\u0661"], True),
    ],
)
@pytest.mark.parametrize(
    ("name", "option", "facts"),
    [
        ("AggregateNumInstancesFilter", "max_instances_per_host", {"instances": (uid("1"), uid("2"))}),
        ("AggregateIoOpsFilter", "max_io_ops_per_host", {"num_io_ops": 2}),
    ],
)
def test_the_least_limit_of_a_hosts_aggregates_counts(
    name: str, option: str, facts: dict[str, Any], limits: list[str], passes: bool
) -> None:
    """The option (3) counts where no aggregate has a limit, or one of them is no whole number."""
    known = aggregates(**{f"agg{number}": {option: limit} for number, limit in enumerate(limits)})
    hosts = table(Node("a", facts={**facts, **of("agg0", "agg1")}), aggregates=known)
    assert bool(passing(made(name, **{option: 3}), hosts)) is passes
