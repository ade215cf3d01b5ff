"""Cases of the filters that look at hosts, flavors and images; those about neighbours are in ``neighbours``."""

import json
from typing import Any

from parity.draw import Draw
from parity.generate.pools import Fields, case, members_of, placed, requirement, some_aggregates

CPU_INFO: tuple[Any, ...] = (
    {},
    {"arch": "x86_64", "topology": {"cores": 4, "sockets": 2}, "features": ["avx", "avx2"]},
    {"arch": "aarch64", "topology": {"cores": 10}, "maxphysaddr": {"bits": 46, "mode": "emulate"}},
)
STATS: tuple[Any, ...] = (
    {},
    {"ssd": "true"},
    {"ssd": "1", "a": "ab"},
    {"ssd": "10", "nested": '{"a": "1"}'},
    {"a": "x y"},
)
CAPABILITIES = (
    *("capabilities:cpu_info:arch", "capabilities:cpu_info:topology:cores", "capabilities:cpu_info:features"),
    *("capabilities:hypervisor_type", "capabilities:hypervisor_version", "capabilities:ssd", "capabilities:stats:ssd"),
    *("capabilities:a", "capabilities:nested:a", "capabilities:nested", "capabilities:nothing", "capabilities:ssd:a"),
    *("capabilities:vcpus_total", "capabilities:free_ram_mb", "capabilities:num_instances", "capabilities:host"),
    *(
        "ssd",
        "a",
        "hypervisor_type",
        "num_io_ops",
        "nothing",
        "quota:cpu_shares",
        "hw:maxphysaddr_bits",
        "trait:CUSTOM_A",
    ),
)
LIKELY: tuple[Fields, ...] = (
    {"capabilities:cpu_info:arch": "<or> x86_64 <or> aarch64"},
    {"capabilities:cpu_info:topology:cores": ">= 4"},
    {"capabilities:cpu_info:features": "<all-in> avx avx2"},
    {"capabilities:hypervisor_type": "s!= QEMU"},
    {"capabilities:hypervisor_version": "<= 10"},
    {"capabilities:free_ram_mb": "= 8000"},
    {"capabilities:vcpus_total": "== 8"},
    {"capabilities:host": "<in> h"},
    {"num_io_ops": "!= 1"},
    {"ssd": "<or> true <or> 1"},
)
"""Demands that some hosts of cases meet."""

SUPPORTED: tuple[Any, ...] = (
    [],
    [["x86_64", "kvm", "hvm"]],
    [["i686", "qemu", "hvm"], ["x86_64", "xen", "xen"]],
    [["aarch64", "qemu", "hvm"], ["x86_64", "qemu", "hvm"]],
)
PROPERTIES: dict[str, tuple[str, ...]] = {
    "hw_architecture": ("x86_64", "amd64", "i386", "x86_32p", "aarch64", "X86_64", "i686", "sparc", "z80"),
    "img_hv_type": ("kvm", "xen", "xapi", "qemu", "QEMU", "lxc"),
    "hw_vm_mode": ("hvm", "xen", "pv", "hv", "baremetal", "HVM", "exe"),
}
PREDICATES = (
    ">=2.6",
    ">=8.0, <9",
    "==8.2",
    "!=8.2.0",
    "<=8.2.0",
    ">8",
    "(>=2.0)",
    ">= 2",
    "8.2",
    "",
    ">=1.0 <2",
    ">=x",
)
ISOLATION = {
    "hw_architecture": ("x86_64", "amd64", "x86_64,aarch64", "z80"),
    "img_hv_type": ("kvm", "xen, qemu"),
    "os_distro": ("ubuntu", "ubuntu,rhel", "UBUNTU"),
    "hw_boot_menu": ("true", "True", "false"),
    "hw_cpu_cores": ("2", "4"),
    "licensed": ("yes", "no"),
    "os.edition": ("server", "desktop"),
}
METRICS = ("cpu.frequency", "cpu.user.time", "cpu.kernel.time")
LIMITS = ("0", "1", "2", "5", "-1", "x", " 2 ", "1.5", "", "5_0", "+3", "00", "9" * 20)


def all_hosts(draw: Draw) -> Fields:
    """Draw any hosts."""
    return case(draw.several(lambda _: {"disabled": True} if draw.one_in(2) else {}, 1, 4), {})


def compute(draw: Draw) -> Fields:
    """Draw services that are disabled, forced down or silent."""
    pools: dict[str, tuple[Any, ...]] = {
        "disabled": (True,),
        "forced_down": (True,),
        "traits": (["COMPUTE_STATUS_DISABLED"],),
    }
    silent: dict[str, tuple[Any, ...]] = {"silent_s": (0, 29, 30, 31, 59, 60, 61, 3600, -30, -61)}
    hosts = draw.several(lambda _: draw.fields(pools, 6) | draw.fields(silent, 2), 1, 5)
    return case(hosts, {}, options={"DEFAULT": {"service_down_time": 30}} if draw.one_in(4) else {})


def capabilities(draw: Draw) -> Fields:
    """Draw extra specs about capabilities, with and without namespace."""
    if draw.one_in(3):
        return case(draw.several(_capable, 1, 4), {"flavor": {"extra_specs": draw.pick(LIKELY)}})
    keys = draw.some(CAPABILITIES, 2) or ["capabilities:ssd"]
    specs = {key: draw.pick(("46", "40", "52")) if key == "hw:maxphysaddr_bits" else requirement(draw) for key in keys}
    return case(draw.several(_capable, 1, 4), {"flavor": {"extra_specs": specs}})


def _capable(draw: Draw) -> Fields:
    pools: dict[str, tuple[Any, ...]] = {
        "cpu_info": CPU_INFO,
        "stats": STATS,
        "hypervisor_type": ("QEMU", "a", "x86_64"),
        "hypervisor_version": (1, 10, 8002000),
        "num_io_ops": (1, 2),
    }
    return draw.fields(pools)


def image_properties(draw: Draw) -> Fields:
    """Draw images that ask for an architecture, a hypervisor, a mode or a version."""
    properties = draw.fields(PROPERTIES, 3)
    if draw.one_in(4):
        properties["img_hv_requested_version"] = draw.pick(PREDICATES)
    if draw.one_in(40):
        properties["hw_maxphysaddr_bits"] = "46"
    request = {} if draw.one_in(12) else {"image": {"properties": properties}}
    options = {"image_properties_default_architecture": draw.pick(("x86_64", "aarch64"))} if draw.one_in(4) else {}
    hosts = draw.several(lambda _: _supporting(draw), 1, 4)
    return case(hosts, request, options={"filter_scheduler": options} if options else {})


def _supporting(draw: Draw) -> Fields:
    pools: dict[str, tuple[Any, ...]] = {
        "supported_instances": SUPPORTED,
        "hypervisor_version": (8002000, 2006000, 9000001),
    }
    return draw.fields(pools) if draw.one_in(3) else {"supported_instances": draw.pick(SUPPORTED)}


def aggregate_extra_specs(draw: Draw) -> Fields:
    """Draw extra specs that ask the metadata of aggregates."""
    scope = "aggregate_instance_extra_specs:"
    keys = draw.some((f"{scope}a", f"{scope}b", "a", "ssd", "capabilities:a", "group_policy", "hide_hypervisor_id"), 2)
    specs = {key: "none" if key == "group_policy" else requirement(draw) for key in keys}
    values = (*("1", "2", "10", "a", "b", "ab", "true", "a,b", "1, 2", "", " a ", "1,x"),)
    aggregates = some_aggregates(draw, {"a": values, "b": values, "ssd": ("true", "1")})
    return _in_aggregates(draw, aggregates, {"flavor": {"extra_specs": specs}})


def image_isolation(draw: Draw) -> Fields:
    """Draw images whose properties aggregates speak of."""
    aggregates = some_aggregates(draw, ISOLATION)
    values = {name: tuple(said.split(",")[0] for said in pool) for name, pool in ISOLATION.items()}
    request = {} if draw.one_in(10) else {"image": {"properties": draw.fields(values, 2)}}
    namespace = {"aggregate_image_properties_isolation_namespace": draw.pick(("os", "hw"))}
    separator = {"aggregate_image_properties_isolation_separator": "_"}
    options = {"filter_scheduler": namespace | (separator if draw.one_in(2) else {})} if draw.one_in(8) else {}
    return _in_aggregates(draw, aggregates, request, options=options)


def multi_tenancy(draw: Draw) -> Fields:
    """Draw aggregates for some projects."""
    values = ("p", "q", "p,q", "q, p", "", "P", "pp")
    aggregates = some_aggregates(draw, {"filter_tenant_id": values, "filter_tenant_id2": values, "a": ("p",)})
    return _in_aggregates(draw, aggregates, {"project_id": draw.pick(("p", "q", "r"))})


def type_affinity(draw: Draw) -> Fields:
    """Draw aggregates for some flavors."""
    aggregates = some_aggregates(
        draw, {"instance_type": ("small", "small,large", "large", " small ,x", "", "SMALL"), "a": ("small",)}
    )
    return _in_aggregates(draw, aggregates, {"flavor": {"name": draw.pick(("small", "large", "x"))}})


def num_instances(draw: Draw) -> Fields:
    """Draw limits of instances, of the option and of aggregates."""
    options = {"max_instances_per_host": draw.pick((1, 2, 3))} if draw.one_in(2) else {}
    aggregates = some_aggregates(draw, {"max_instances_per_host": LIMITS})
    return _in_aggregates(
        draw, aggregates, {}, lambda: {"instances": placed(draw, 5)}, options={"filter_scheduler": options}
    )


def io_ops(draw: Draw) -> Fields:
    """Draw limits of operations, of the option and of aggregates."""
    options = {"max_io_ops_per_host": draw.pick((0, 1, 2))} if draw.one_in(2) else {}
    aggregates = some_aggregates(draw, {"max_io_ops_per_host": LIMITS})
    return _in_aggregates(
        draw, aggregates, {}, lambda: {"num_io_ops": draw.below(11)}, options={"filter_scheduler": options}
    )


def isolated_hosts(draw: Draw) -> Fields:
    """Draw isolated hosts and images."""
    names, images = ("h0", "h1", "h2", "H0"), ("i", "j", "k")
    options = {"isolated_hosts": draw.some(names, 3), "isolated_images": draw.some(images, 2)}
    restrict = {"restrict_isolated_hosts_to_isolated_images": False} if draw.one_in(2) else {}
    image: Fields = {"id": draw.pick(images)} if draw.one_in(2) else {"properties": {}}
    request = {} if draw.one_in(5) else {"image": image}
    return case(draw.several(lambda _: {}, 1, 4), request, options={"filter_scheduler": options | restrict})


def metrics(draw: Draw) -> Fields:
    """Draw hosts that lack a metric that is asked for."""
    setting = [f"{name}=1.0" for name in draw.some(METRICS, 2)]
    hosts = draw.several(lambda _: {"metrics": dict.fromkeys(draw.some(METRICS, 3), 1)}, 1, 4)
    return case(hosts, {}, options={"metrics": {"weight_setting": setting}})


COLUMNS: tuple[tuple[str, ...], ...] = (
    (
        "$num_instances",
        "$num_io_ops",
        "$free_ram_mb",
        "$vcpus_total",
        "$failed_builds",
        "$free_disk_mb",
        "$disk_mb_used",
    ),
    ("$hypervisor_type", "$host", "$stats.ssd", "$host_ip"),
    ("$nothing", "$stats.none", "$cpu_info.arch", "$num_instances", "$host"),
)
TERMS: tuple[tuple[Any, ...], ...] = (
    (0, 1, 2, 8, 8192, 1.5, -1, True),
    ("QEMU", "ironic", "true", "h0", "h1", "192.0.2.1"),
    (0, 1, "QEMU", "1", "", True, "x86_64"),
)
"""Numbers, texts, and anything, with columns that they go with."""

JSON_CORNERS = (
    *("[]", "{", '"x"', '["unknown", 1]', '["=", 1]', '["="]', '["and"]', '["or", []]', '["not"]', '["=", 1, null]'),
    *(
        '["and", true]',
        '["in", "$host", "h0", "h1"]',
        '["not", ["=", 1, 2], ["=", 1, 1]]',
        "null",
        '["=", ["=", 1, 1], 1]',
    ),
)


def json_query(draw: Draw) -> Fields:
    """Draw queries of JSON, well-formed ones and corners."""
    query = draw.pick(JSON_CORNERS) if draw.one_in(8) else json.dumps(_query(draw, 2))
    pools: dict[str, tuple[Any, ...]] = {
        "stats": STATS,
        "cpu_info": CPU_INFO,
        "num_io_ops": (1, 2),
        "instances": ([1], [1, 2]),
        "hypervisor_type": ("QEMU", "ironic"),
        "host_ip": ("192.0.2.1",),
        "failed_builds": (1,),
    }
    request = {} if draw.one_in(30) else {"scheduler_hints": {"query": query}}
    return case(draw.several(lambda _: draw.fields(pools), 1, 4), request)


def _query(draw: Draw, depth: int) -> list[Any]:
    if depth and draw.one_in(2):
        return [draw.pick(("and", "or", "not")), *draw.several(lambda _: _query(draw, depth - 1), 1, 2)]
    kind = draw.pick((0, 0, 0, 1, 1, 1, 2))
    terms = draw.several(lambda _: draw.pick(TERMS[kind]), 1, 2)
    return [draw.pick(("=", "<", ">", "<=", ">=", "in")), draw.pick(COLUMNS[kind]), *terms]


def _in_aggregates(draw: Draw, aggregates: Fields, request: Fields, more: Any = dict, **parts: Any) -> Fields:
    """Return a case whose hosts are in some of the aggregates."""
    hosts = draw.several(lambda _: {"aggregates": members_of(draw, aggregates)} | more(), 1, 4)
    return case(hosts, request, aggregates=aggregates, **parts)


RULES = {
    "AllHostsFilter": all_hosts,
    "ComputeFilter": compute,
    "ComputeCapabilitiesFilter": capabilities,
    "ImagePropertiesFilter": image_properties,
    "AggregateInstanceExtraSpecsFilter": aggregate_extra_specs,
    "AggregateImagePropertiesIsolation": image_isolation,
    "AggregateMultiTenancyIsolation": multi_tenancy,
    "AggregateTypeAffinityFilter": type_affinity,
    "NumInstancesFilter": num_instances,
    "AggregateNumInstancesFilter": num_instances,
    "IoOpsFilter": io_ops,
    "AggregateIoOpsFilter": io_ops,
    "IsolatedHostsFilter": isolated_hosts,
    "MetricsFilter": metrics,
    "JsonFilter": json_query,
}
"""By the name of the rule."""
