"""Whole decisions: hosts, a request, filters, weighers and options, and a batch of instances.

Every host has room for the whole batch, so that what is decided does not depend on who looks at room, and when.
"""

from collections.abc import Callable
from typing import Any

from parity.case import uuid
from parity.draw import Draw
from parity.generate import filters, neighbours, weighers
from parity.generate.pools import Fields, members_of

BATCH = tuple(range(21, 25))
AGGREGATES: dict[str, tuple[str, ...]] = {
    "filter_tenant_id": ("p", "q", "p,q"),
    "instance_type": ("small", "small,large", "large"),
    "max_instances_per_host": ("2", "3", "x"),
    "max_io_ops_per_host": ("2", "5"),
    "ssd": ("true", "1", "10"),
    "ram_weight_multiplier": ("2.0", "-1"),
    "io_ops_weight_multiplier": ("-3", "x"),
    "cpu_weight_multiplier": ("0",),
    "hw_architecture": ("x86_64", "x86_64,aarch64"),
}
HOST: dict[str, tuple[Any, ...]] = {
    "num_io_ops": (0, 1, 2, 5, 9),
    "failed_builds": (0, 1, 3),
    "free_pci_devices": (0, 2, 50),
    "hypervisor_version": (8002000, 9000000),
    "supported_instances": filters.SUPPORTED,
    "cell": (1, 2),
    "host_ip": ("192.0.2.1", "192.0.2.77", "198.51.100.1"),
    "stats": ({"ssd": "true"}, {"ssd": "10"}),
}
ROOM: dict[str, tuple[Any, ...]] = {
    "VCPU": ([16, 0], [16, 4], [16, 7]),
    "MEMORY_MB": ([8192, 1024], [8192, 4096], [16384, 0]),
    "DISK_GB": ([200, 0], [200, 50], [200, 160]),
}
"""Capacity and use that leave room for four of the largest instances."""

RARE: dict[str, tuple[Any, ...]] = {"disabled": (True,), "forced_down": (True,), "silent_s": (10, 61, 3600)}
SECTION: dict[str, tuple[Any, ...]] = {
    "max_instances_per_host": (2, 3, 5),
    "max_io_ops_per_host": (2, 6),
    "isolated_hosts": (["h0", "h1"],),
    "isolated_images": (["i"],),
    "restrict_isolated_hosts_to_isolated_images": (False,),
    "image_properties_default_architecture": ("x86_64",),
    "image_props_weight_multiplier": (1.0, -2.0),
    "ram_weight_multiplier": (0.0, -1.0, 2.5),
    "cpu_weight_multiplier": (0.0, -1.0, 0.3),
    "disk_weight_multiplier": (0.0, -1.0),
    "io_ops_weight_multiplier": (1.0, -0.7),
    "num_instances_weight_multiplier": (1.0, -1.0),
    "pci_weight_multiplier": (0.0, 3.0),
    "soft_affinity_weight_multiplier": (5.0,),
    "soft_anti_affinity_weight_multiplier": (5.0,),
    "build_failure_weight_multiplier": (0.0, 1.5),
}
FILTERS = (*filters.RULES, *neighbours.RULES)
WEIGHERS = tuple(weighers.RULES)
POLICY_RULES = {
    "affinity": "ServerGroupAffinityFilter",
    "anti-affinity": "ServerGroupAntiAffinityFilter",
    "soft-affinity": "ServerGroupSoftAffinityWeigher",
    "soft-anti-affinity": "ServerGroupSoftAntiAffinityWeigher",
}


def decision(draw: Draw) -> Fields:
    """Return a whole decision; what the request demands, an enabled filter or weigher honours."""
    aggregates = {str(900 + number): draw.fields(AGGREGATES, 4) for number in range(draw.below(4))}
    hosts = draw.several(lambda _: _host(draw, aggregates), 1, 20)
    enabled, weighed = draw.some(FILTERS, 8), draw.some(WEIGHERS, 6)
    request, rules = _request(draw, hosts)
    enabled += [rule for rule in rules if rule in FILTERS and rule not in enabled]
    weighed += [rule for rule in rules if rule in WEIGHERS and rule not in weighed]
    metrics = [f"{name}={draw.pick(('1.0', '-2'))}" for name in draw.some(weighers.METRICS, 2)]
    return {
        "request": request,
        "hosts": hosts,
        "instances": list(BATCH[: 1 + draw.below(4)]),
        "filters": enabled,
        "weighers": weighed,
        "options": {
            "filter_scheduler": draw.fields(SECTION, 4),
            "metrics": {"weight_setting": metrics, "required": False},
        },
        **({"aggregates": aggregates} if aggregates else {}),
    }


def _host(draw: Draw, aggregates: Fields) -> Fields:
    there = sorted(draw.some(range(1, 7), 3)) if draw.one_in(2) else []
    images = {str(number): draw.fields(weighers.IMAGES) for number in there}
    metrics = {name: draw.below(50) for name in draw.some(weighers.METRICS, 3)}
    more = {"instances": there, "images": images, "metrics": metrics, "aggregates": members_of(draw, aggregates)}
    host = {"room": draw.fields(ROOM), **draw.fields(HOST, 3), **draw.fields(RARE, 12)}
    return host | {name: value for name, value in more.items() if value}


def _request(draw: Draw, hosts: list[Fields]) -> tuple[Fields, list[str]]:
    """Return the request, and the rules that it needs."""
    flavor = {"name": draw.pick(("small", "large")), "vcpus": draw.pick((1, 2)), "memory_mb": draw.pick((512, 1000))}
    request: Fields = {"flavor": flavor | {"root_gb": draw.pick((0, 10))}, "project_id": draw.pick(("p", "q"))}
    rules: list[str] = []
    for part, one_in in PARTS:
        if draw.one_in(one_in):
            more, needed = part(draw, hosts)
            request, rules = _joined(request, more), rules + needed
    return request, rules


def _joined(request: Fields, more: Fields) -> Fields:
    flavor = {**request["flavor"], **more.get("flavor", {})}
    return {**request, **more, "flavor": flavor}


def _image(draw: Draw, hosts: list[Fields]) -> tuple[Fields, list[str]]:
    asked = {"hw_architecture": draw.pick(("x86_64", "aarch64"))} if draw.one_in(2) else {}
    image = {"properties": draw.fields(weighers.IMAGES) | asked} | (
        {"id": draw.pick(("i", "j"))} if draw.one_in(2) else {}
    )
    return {"image": image}, ["ImagePropertiesFilter"] if asked else []


def _group(draw: Draw, hosts: list[Fields]) -> tuple[Fields, list[str]]:
    """Return a group of which the facts and the group itself say the same; the batch belongs to it, as in Nova."""
    members = draw.some(range(1, 7), 4)
    named = [f"h{n}" for n, host in enumerate(hosts) for one in host.get("instances", []) if one in members]
    policy = draw.pick(tuple(POLICY_RULES))
    limit = {"max_server_per_host": draw.pick((1, 2))} if policy == "anti-affinity" and draw.one_in(2) else {}
    known = {"members": [uuid(number) for number in (*members, *BATCH)], "hosts": named}
    return {"instance_group": {"policy": policy, **known, **limit}}, [POLICY_RULES[policy]]


def _capability(draw: Draw, hosts: list[Fields]) -> tuple[Fields, list[str]]:
    key = draw.pick(("capabilities:ssd", "capabilities:hypervisor_version"))
    specs = {key: draw.pick((">= 9000000", "!= 8002000", "s== 8002000", "s>= 9"))}
    if key == "capabilities:ssd":
        specs = {key: draw.pick(("true", "<or> true <or> 10", "s!= 10", "<in> r"))}
    return {"flavor": {"extra_specs": specs}}, ["ComputeCapabilitiesFilter"]


def _aggregate_spec(draw: Draw, hosts: list[Fields]) -> tuple[Fields, list[str]]:
    specs = {"aggregate_instance_extra_specs:ssd": draw.pick(("true", "<or> true <or> 1", "s== 10"))}
    return {"flavor": {"extra_specs": specs}}, ["AggregateInstanceExtraSpecsFilter"]


def _hint(draw: Draw, hosts: list[Fields]) -> tuple[Fields, list[str]]:
    hints: tuple[tuple[Fields, str], ...] = (
        ({"different_host": [uuid(1), uuid(2)]}, "DifferentHostFilter"),
        ({"same_host": [uuid(1), uuid(3), uuid(5)]}, "SameHostFilter"),
        ({"query": '["<", "$num_instances", 3]'}, "JsonFilter"),
        ({"query": '["or", [">=", "$free_ram_mb", 5000], ["=", "$num_io_ops", 0]]'}, "JsonFilter"),
    )
    given, rule = draw.pick(hints)
    return {"scheduler_hints": given}, [rule]


def _place(draw: Draw, hosts: list[Fields]) -> tuple[Fields, list[str]]:
    names = [f"h{draw.below(len(hosts) + 1)}" for _ in range(3)]
    places: tuple[Fields, ...] = (
        {"ignore_hosts": names},
        {"ignore_hosts": [names[0].upper()]},
        {"force_hosts": names},
        {"force_nodes": names[:2]},
        {"requested_destination": {"host": names[0]}},
        {"requested_destination": {"cell": uuid(1), "allow_cross_cell_move": True}},
    )
    return draw.pick(places), []


PARTS: tuple[tuple[Callable[[Draw, list[Fields]], tuple[Fields, list[str]]], int], ...] = (
    (_image, 2),
    (_group, 3),
    (_capability, 8),
    (_aggregate_spec, 10),
    (_hint, 8),
    (_place, 8),
)
"""What a request may have, and one in how many has it."""

RULES = {"decision": decision}
"""The one rule that all others make up."""
