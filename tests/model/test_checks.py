"""Contradictions and words that nothing honours are reported, all at once."""

import json
from uuid import UUID

import pytest

from scheduler.errors import InvalidRequest
from scheduler.model import RequestSpec

A1, A2 = str(UUID(int=1)), str(UUID(int=2))


def problems_of(**change: object) -> tuple[str, ...]:
    flavor = {"vcpus": 1, "memory_mb": 512, "extra_specs": change.pop("extra_specs", {})}
    try:
        RequestSpec.from_json(json.dumps({"flavor": flavor, "project_id": "p", "user_id": "u", **change}))
    except InvalidRequest as error:
        return error.problems
    return ()


def group(requester_id: str, **parts: object) -> dict[str, object]:
    return {"requester_id": requester_id, "resources": {"PGPU": 1}, **parts}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            {"requested_resources": [group("a"), group("a")]},
            "requested_resources[1].requester_id: 'a' is used more than once",
        ),
        ({"requested_resources": [group("")]}, "requested_resources[0].requester_id: must not be empty"),
        (
            {"requested_resources": [group("a")], "extra_specs": {"resourcesa:VGPU": "1"}},
            "requested_resources[0].requester_id: 'a' is a group of the flavor too",
        ),
        (
            {"requested_resources": [group("a", resources={})]},
            "requested_resources[0].resources: needed, unless same_subtree names the group",
        ),
        (
            {"extra_specs": {"traits:HW_CPU_X86_AVX2": "required"}},
            "flavor.extra_specs: group 's' has no resources:, and same_subtree does not name it",
        ),
        ({"same_subtree": [["a"]]}, "same_subtree[0]: 'a' is not a group of the request"),
        ({"same_subtree": [[]]}, "same_subtree[0]: must name a group"),
        (
            {"root_required": ["A"], "root_forbidden": ["A", "B"]},
            "root_forbidden: 'A' is required too",
        ),
        (
            {"requested_resources": [group("a", required_traits=["T"], forbidden_traits=["T"])]},
            "requested_resources[0].forbidden_traits: 'T' is required too",
        ),
        (
            {"extra_specs": {"trait:T": "forbidden"}, "image": {"traits_required": ["T"]}},
            "flavor.extra_specs: 'T' is required too",
        ),
        ({"force_hosts": ["h1", "H2"], "ignore_hosts": ["h2"]}, "force_hosts[1]: 'H2' is in ignore_hosts too"),
        (
            {"requested_destination": {"host": "h1"}, "ignore_hosts": ["h1"]},
            "requested_destination.host: 'h1' is in ignore_hosts too",
        ),
        (
            {"requested_destination": {"host": "h1"}, "force_hosts": ["h2"]},
            "requested_destination.host: 'h1' is not in force_hosts",
        ),
        (
            {"requested_destination": {"node": "n1"}, "force_nodes": ["n2"]},
            "requested_destination.node: 'n1' is not in force_nodes",
        ),
        (
            {"requested_destination": {"aggregates": [[A1], []]}},
            "requested_destination.aggregates[1]: must name an aggregate",
        ),
        (
            {"requested_destination": {"aggregates": [[A1]], "forbidden_aggregates": [A1, A2]}},
            "requested_destination.aggregates[0]: all of it is in forbidden_aggregates too",
        ),
        (
            {"requested_resources": [group("a", aggregates=[[]])]},
            "requested_resources[0].aggregates: each entry must name an aggregate",
        ),
        (
            {"instance_group": {"policy": "affinity", "max_server_per_host": 2}},
            "instance_group.max_server_per_host: only with policy anti-affinity",
        ),
        ({"consumer_type": "SCHED_RESERVATION"}, "consumer_type: SCHED_RESERVATION is kept for the scheduler"),
        (
            {"extra_specs": {"resources1:VGPU": "1", "resources2:VGPU": "1"}},
            "group_policy: needed, because the flavor has more than one request group; none or isolate",
        ),
        (
            {"extra_specs": {"group_policy": "none"}, "group_policy": "isolate"},
            "group_policy: differs from flavor.extra_specs['group_policy']",
        ),
    ],
)
def test_a_contradiction_is_named(change, problem):
    assert problems_of(**change) == (problem,)


@pytest.mark.parametrize(
    "change",
    [
        {"requested_resources": [group("a"), group("b")]},
        {"requested_resources": [group("a")], "extra_specs": {"resources1:VGPU": "1"}},
        {"requested_resources": [group("a"), group("b", resources={})], "same_subtree": [["a", "b"]]},
        {"requested_resources": [group("a")], "extra_specs": {"trait_x:T": "required"}, "same_subtree": [["a", "_x"]]},
        {"requested_destination": {"aggregates": [[A1, A2]], "forbidden_aggregates": [A1]}},
        {"requested_destination": {"host": "H1"}, "force_hosts": ["h1"]},
        {"instance_group": {"policy": "anti-affinity", "max_server_per_host": 3}},
        {"extra_specs": {"group_policy": "none"}, "group_policy": "none"},
        {"extra_specs": {"trait:T": "required"}, "image": {"traits_required": ["T"]}},
    ],
)
def test_what_only_looks_like_a_contradiction_is_fine(change):
    assert problems_of(**change) == ()


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("hw:cpu_policy", "dedicated", "not honoured by any enabled filter"),
        ("hw:numa_nodes", "2", "not honoured by any enabled filter"),
        ("pci_passthrough:alias", "a1:2", "not honoured by any enabled filter"),
        ("aggregate_instance_extra_specs:ssd", "true", "not honoured by any enabled filter"),
        ("accel:device_profile", "x", "not honoured by any enabled filter"),
        ("os:secure_boot", "required", "not honoured by any enabled filter"),
        ("made:up", "1", "not honoured by any enabled filter"),
        (":", "1", "not honoured by any enabled filter"),
        ("", "1", "not honoured by any enabled filter"),
        ("capabilities:", "1", "not honoured by any enabled filter"),
        ("resources:vcpu", "1", "must name an upper-case resource class"),
        ("resources:VCPU", "-1", "must be an integer from 0 to 2147483647"),
        ("resources:VCPU", "1.5", "must be an integer from 0 to 2147483647"),
        ("resources:VCPU", "", "must be an integer from 0 to 2147483647"),
        ("resources:VCPU", "2147483648", "must be an integer from 0 to 2147483647"),
        ("resources:VCPU", "\u0663", "must be an integer from 0 to 2147483647"),
        ("resources$1:VCPU", "1", "the group suffix must be at most 64 letters, digits, '_' or '-'"),
        ("trait" + "x" * 65 + ":T", "required", "the group suffix must be at most 64 letters, digits, '_' or '-'"),
        ("trait:T", "requird", "'requird' is not one of required, forbidden"),
        ("trait:", "required", "must name an upper-case trait"),
        ("trait:HW_X,!HW_Y", "required", "must name an upper-case trait"),
        ("group_policy", "isolated", "'isolated' is not one of none, isolate"),
    ],
)
def test_an_extra_spec_that_is_not_understood_is_refused_by_name(key, value, problem):
    (found,) = problems_of(extra_specs={key: value})
    assert found.startswith("flavor.extra_specs['" + key[:20].replace("\x1b", "\\"))
    assert found.endswith("]: " + problem)


@pytest.mark.parametrize(
    "key",
    ["quota:cpu_shares", "hw_rng:allowed", "hw_video:ram_max_mb", "hw:boot_menu", "capabilities:cpu_info:arch", "ssd"],
)
def test_an_extra_spec_for_the_guest_or_a_filter_is_accepted(key):
    assert problems_of(extra_specs={key: "1"}) == ()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("hw_numa_nodes", "not honoured by any enabled filter"),
        ("hw_cpu_policy", "not honoured by any enabled filter"),
        ("hw_mem_page_size", "not honoured by any enabled filter"),
        ("hw_maxphysaddr_bits", "not honoured by any enabled filter"),
        ("hw_tpm_version", "not honoured by any enabled filter"),
        ("os_secure_boot", "not honoured by any enabled filter"),
        ("architecture", "write hw_architecture"),
        ("trait:HW_X", "write image.traits_required"),
        ("hw_architectur", "unknown, did you mean hw_architecture?"),
    ],
)
def test_an_image_property_that_steers_and_is_not_honoured_is_refused(name, problem):
    assert problems_of(image={"properties": {name: "1"}}) == (f"image.properties['{name}']: {problem}",)


@pytest.mark.parametrize(
    "name",
    ["hw_architecture", "img_hv_type", "hw_vm_mode", "hw_disk_bus", "os_type", "owner_specified.x", "hw_vif_model"],
)
def test_an_image_property_that_is_honoured_or_harmless_is_accepted(name):
    assert problems_of(image={"properties": {name: "x"}}) == ()


def test_sizes_that_overflow_an_amount_are_refused():
    flavor = {"vcpus": 1, "memory_mb": 1, "root_gb": 2**31 - 1, "ephemeral_gb": 1}
    with pytest.raises(InvalidRequest, match=r"\Aflavor: root_gb, ephemeral_gb and swap together"):
        RequestSpec.from_json(json.dumps({"flavor": flavor, "project_id": "p", "user_id": "u"}))


def test_all_problems_come_at_once():
    found = problems_of(
        extra_specs={"hw:cpu_policy": "dedicated", "trait:T": "maybe"},
        image={"properties": {"hw_numa_nodes": "2"}},
        force_hosts=["h1"],
        ignore_hosts=["h1"],
        consumer_type="SCHED_RESERVATION",
    )
    assert len(found) == 5
