"""ProviderTraitFilter: what the child providers of a candidate must have, all of them."""

import pytest

from scheduler.hosts import HostTable
from tests.filters.asking import flavor, made
from tests.hosts.fleets import Node, spec, table

GPUS = table(
    Node("h", {"VCPU": (8, 0)}, traits=["CUSTOM_NEW"]),
    Node("new", {"VGPU": (1, 0), "SRIOV_NET_VF": (1, 0)}, traits=["CUSTOM_NEW"], root="h"),
    Node("newer", {"VGPU": (1, 0)}, traits=["CUSTOM_NEW", "CUSTOM_NEWER"], root="h"),
    Node("old", {"VGPU": (1, 0)}, root="h"),
    Node("storage", {"DISK_GB": (100, 0)}, traits=["MISC_SHARES_VIA_AGGREGATE"]),
    Node("deep", {"VGPU": (1, 0)}, traits=["CUSTOM_NEW"], root="storage"),
    requests=[
        {"h": {"VCPU": 1}},
        {"h": {"VCPU": 1}, "new": {"VGPU": 1, "SRIOV_NET_VF": 1}},
        {"h": {"VCPU": 1}, "old": {"VGPU": 1}},
        {"h": {"VCPU": 1}, "new": {"VGPU": 1}, "old": {"VGPU": 1}},
        {"h": {"VCPU": 1}, "new": {"VGPU": 1}, "newer": {"VGPU": 1}},
        {"h": {"VCPU": 1}, "storage": {"DISK_GB": 1}},
        {"h": {"VCPU": 1}, "deep": {"VGPU": 1}},
    ],
)
NONE, NEW, OLD, MIXED, BOTH, SHARED, DEEP = range(7)
ALL = set(range(7))


def kept(hosts: HostTable, **extra_specs: str) -> set[int]:
    specs = {f"provider_trait:{name}": value for name, value in extra_specs.items()}
    mask = made("ProviderTraitFilter").keeps(spec(flavor=flavor(specs)), hosts)
    return set(hosts.candidates[mask].tolist())


@pytest.mark.parametrize(
    ("specs", "left"),
    [
        ({}, ALL),
        ({"CUSTOM_NEW": "required"}, {NEW, BOTH}),
        ({"CUSTOM_NEW": "forbidden"}, {NONE, OLD, SHARED, DEEP}),
        ({"CUSTOM_NEWER": "required"}, set()),
        ({"CUSTOM_NEW": "required", "CUSTOM_NEWER": "forbidden"}, {NEW}),
        ({"MISC_SHARES_VIA_AGGREGATE": "forbidden"}, ALL),
    ],
)
def test_all_child_providers_of_a_candidate_count_and_nothing_else(specs: dict[str, str], left: set[int]) -> None:
    """Neither the host's own traits nor those of shared providers count, and to require one takes a child provider."""
    assert kept(GPUS, **specs) == left


def test_only_candidates_of_the_hosts_in_view_are_judged() -> None:
    hosts = table(
        *(Node(name) for name in "ab"),
        *(Node(f"{name}1", {"VGPU": (1, 0)}, traits=["CUSTOM_NEW"], root=name) for name in "ab"),
        requests=[{f"{name}1": {"VGPU": 1}} for name in "ab"],
    )
    one = hosts.take(hosts.named(["b"]).nonzero()[0])
    assert len(kept(hosts, CUSTOM_NEW="required")) == 2
    assert kept(one, CUSTOM_NEW="required") == set(one.candidates.tolist())
    assert len(one.candidates) == 1
