"""Contradictions and words that nothing honours are reported, all at once."""

import json
from uuid import UUID

import pytest

from scheduler.errors import InvalidRequest
from scheduler.model import RequestSpec

A1, A2 = str(UUID(int=1)), str(UUID(int=2))
DEVICES = "must be aliases with how many devices each, like gpu:2,nic:1"
REQUIRED = "must be in: and upper-case traits with commas between; blanks between terms that all must hold"
MEMBER_OF = "must be UUID, in:UUID,UUID, or one of these after !; blanks between terms that all must hold"
ROOT = "must be upper-case traits with commas between, ! before those that are forbidden"
SUBTREE = "must be suffixes of groups with commas between; blanks between lists"


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
            "requested_resources[0].aggregates[0]: must name an aggregate",
        ),
        (
            {"instance_group": {"policy": "affinity", "max_server_per_host": 2}},
            "instance_group.max_server_per_host: only with policy anti-affinity",
        ),
        (
            {"instance_group": {"policy": "soft-anti-affinity", "max_server_per_host": 2}},
            "instance_group.max_server_per_host: only with policy anti-affinity",
        ),
        ({"preferred_traits": ["A", "B", "A"]}, "preferred_traits: A is given more than once"),
        (
            {"topology_spread": [{"key": "rack"}, {"key": "rack", "hard": False}]},
            "topology_spread: key 'rack' is given more than once",
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
        {"instance_group": {"policy": "soft-affinity"}},
        {"topology_spread": [{"key": "rack"}, {"key": "trait:CUSTOM_RACK_", "max_skew": 3, "hard": False}]},
        {"requested_destination": {"cell": A1, "allow_cross_cell_move": True}},
        {"requested_destination": {"cell": A1}},
        {"extra_specs": {"group_policy": "none"}, "group_policy": "none"},
        {"extra_specs": {"trait:T": "required"}, "image": {"traits_required": ["T"]}},
    ],
)
def test_what_only_looks_like_a_contradiction_is_fine(change):
    assert problems_of(**change) == ()


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("hw:numa_nodes", "2", "not honoured by any enabled filter"),
        ("pci_passthrough:alias", "a1", DEVICES),
        ("pci_passthrough:alias", "a1:0", DEVICES),
        ("pci_passthrough:alias", "a1:2,", DEVICES),
        ("pci_passthrough:alias", "a1:-1", DEVICES),
        ("pci_passthrough:alias", "a1:40,a2:25", "must ask for at most 64 devices"),
        ("hw:maxphysaddr_bits", "many", "must be a whole number from 1 to 99"),
        ("hw:maxphysaddr_bits", "0", "must be a whole number from 1 to 99"),
        ("aggregate_instance_extra_specs:", "true", "not honoured by any enabled filter"),
        (
            "aggregate_extra_specs:ssd",
            "true",
            "not honoured by any enabled filter, did you mean 'aggregate_instance_extra_specs:ssd'?",
        ),
        ("provider_trait:", "required", "must name an upper-case trait"),
        ("provider_trait:A,B", "required", "must name an upper-case trait"),
        ("provider_trait:HW_X", "preferred", "'preferred' is not one of required, forbidden"),
        ("accel:device_profile", "x", "needs the groups of the profile in requested_resources"),
        ("os:secure_boot", "yes", "'yes' is not one of required, disabled, optional"),
        ("hw:cpu_policy", "pinned", "'pinned' is not one of dedicated, shared, mixed"),
        ("hw:mem_encryption", "perhaps", "'perhaps' is not one of true, false"),
        ("hw:pmem", "", "must not be empty"),
        ("hw:pci_numa_affinity_policy", "required", "not honoured by any enabled filter"),
        ("hw:pci_numa_affinity_policy", "near", "'near' is not one of required, legacy, preferred, socket"),
        ("hw:numa_cpus.0", "0-3", "not honoured by any enabled filter"),
        ("hw:mem_page_size", "large", "not honoured by any enabled filter"),
        ("hw:cpu_polcy", "dedicated", "not honoured by any enabled filter, did you mean 'hw:cpu_policy'?"),
        ("resource:VCPU", "1", "not honoured by any enabled filter, did you mean 'resources:VCPU'?"),
        (
            "group_polcy",
            "none",
            "unknown, did you mean 'group_policy'? A capability of that name is written with capabilities: before it",
        ),
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
        ("trait:HW_X,!HW_Y", "required", "must name an upper-case trait; one of several is required=in:A,B"),
        ("required", "A", REQUIRED),
        ("required", "", REQUIRED),
        ("required_N", "in:A,b", REQUIRED),
        ("required", "in:A,!B", REQUIRED),
        ("required", "in:", REQUIRED),
        ("member_of", "rack", MEMBER_OF),
        ("member_of", f"in:{A1},", MEMBER_OF),
        ("member_of", f"{A1},{A2}", MEMBER_OF),
        ("member_of", f"!!{A1}", MEMBER_OF),
        ("member_of", " ", MEMBER_OF),
        ("in_tree", f"in:{A1}", "must be the UUID of a resource provider"),
        ("in_tree", f"{{{A1}}}", "must be the UUID of a resource provider"),
        ("in_tree" + "x" * 65, A1, "the group suffix must be at most 64 letters, digits, '_' or '-'"),
        ("root_required", "A,,B", ROOT),
        ("root_required", "!!A", ROOT),
        ("root_required", "", ROOT),
        ("same_subtree", "_a,", SUBTREE),
        ("same_subtree", "", SUBTREE),
        ("group_policy", "isolated", "'isolated' is not one of none, isolate"),
    ],
)
def test_an_extra_spec_that_is_not_understood_is_refused_by_name(key, value, problem):
    (found,) = problems_of(extra_specs={key: value})
    assert found.startswith("flavor.extra_specs['" + key[:20].replace("\x1b", "\\"))
    assert found.endswith("]: " + problem)


@pytest.mark.parametrize(
    "key",
    [
        "quota:cpu_shares",
        "hw_rng:allowed",
        "hw_video:ram_max_mb",
        "hw:boot_menu",
        "capabilities:cpu_info:arch",
        "ssd",
        "hide_hypervisor_id",
        "hw:cpu_sockets",
        "hw:cpu_max_threads",
        "hw:pmu",
        "hw:viommu_model",
        "vmware:storage_policy",
    ],
)
def test_an_extra_spec_for_the_guest_or_a_filter_is_accepted(key):
    assert problems_of(extra_specs={key: "1"}) == ()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("hw_numa_nodes", "not honoured by any enabled filter"),
        ("hw_cpu_policy", "'1' is not one of dedicated, shared, mixed"),
        ("hw_emulator_threads_policy", "not honoured by any enabled filter"),
        ("hw_mem_page_size", "not honoured by any enabled filter"),
        ("hw_maxphysaddr_bits", "must be a whole number from 1 to 99"),
        ("hw_tpm_version", "'1' is not one of 1.2, 2.0"),
        ("os_secure_boot", "'1' is not one of required, disabled, optional"),
        ("vmware_adaptertype", "write hw_disk_bus"),
        ("hw_cpu_polic", "unknown, did you mean 'hw_cpu_policy'?"),
        ("architecture", "write hw_architecture"),
        ("trait:HW_X", "write image.traits_required"),
        ("hw_architectur", "unknown, did you mean 'hw_architecture'?"),
    ],
)
def test_an_image_property_that_steers_and_is_not_honoured_is_refused(name, problem):
    value = "many" if name == "hw_maxphysaddr_bits" else "1"
    assert problems_of(image={"properties": {name: value}}) == (f"image.properties['{name}']: {problem}",)


@pytest.mark.parametrize(
    "name",
    [
        "hw_architecture",
        "img_hv_type",
        "hw_vm_mode",
        "hw_disk_bus",
        "os_type",
        "owner_specified.x",
        "hw_vif_model",
        "hw_viommu_model",
        "hw_emulation_architecture",
        "hw_machine_type",
        "hw_video_model",
        "hw_cpu_cores",
    ],
)
def test_an_image_property_that_is_honoured_or_harmless_is_accepted(name):
    assert problems_of(image={"properties": {name: "x"}}) == ()


def test_sizes_that_overflow_an_amount_are_refused():
    flavor = {"vcpus": 1, "memory_mb": 1, "root_gb": 2**31 - 1, "ephemeral_gb": 1}
    with pytest.raises(InvalidRequest, match=r"\Aflavor: root_gb, ephemeral_gb and swap together"):
        RequestSpec.from_json(json.dumps({"flavor": flavor, "project_id": "p", "user_id": "u"}))


def test_all_problems_come_at_once():
    found = problems_of(
        extra_specs={"hw:numa_nodes": "2", "trait:T": "maybe"},
        image={"properties": {"hw_numa_nodes": "2"}},
        force_hosts=["h1"],
        ignore_hosts=["h1"],
        consumer_type="SCHED_RESERVATION",
    )
    assert len(found) == 5
