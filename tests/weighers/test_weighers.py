"""The built-in weighers: what they count."""

from typing import Any

import pytest

from scheduler.model import Destination, Image, ServerGroup
from scheduler.selection import weigh_hosts
from scheduler.settings import DEFAULT_WEIGHERS, MetricsSettings, WeigherSettings
from scheduler.weighers import load_weighers
from scheduler.weighers.affinity import ServerGroupSoftAffinityWeigher, ServerGroupSoftAntiAffinityWeigher
from scheduler.weighers.free_resources import CPUWeigher, DiskWeigher, RAMWeigher
from scheduler.weighers.hardware import BuildFailureWeigher, CrossCellWeigher, HypervisorVersionWeigher, PCIWeigher
from scheduler.weighers.load import IoOpsWeigher, NumInstancesWeigher
from scheduler.weighers.measured import ImagePropertiesWeigher
from scheduler.weighers.wishes import PreferredTraitsWeigher
from tests.hosts.fleets import Node, row_of, spec, table, uid

GPU = "CUSTOM_PCI_10DE_1EB8"
HOSTS = table(
    Node(
        "a",
        {"VCPU": (16, 3), "MEMORY_MB": (4096, 96), "DISK_GB": (100, 30)},
        facts={"num_io_ops": 4, "instances": (uid("x"), uid("y")), "free_pci_devices": 8},
    ),
    Node("a_gpu", {GPU: (8, 0)}, root="a"),
    Node("over", {"VCPU": (4, 6), "MEMORY_MB": (1, 0), "DISK_GB": (1, 0)}),
    requests=[{"a": {"VCPU": 2, "MEMORY_MB": 1000, "DISK_GB": 7}, "a_gpu": {GPU: 2}}, {"over": {"MEMORY_MB": 1}}],
)
A = row_of(HOSTS, "a")


@pytest.mark.parametrize(
    ("weigher", "before", "after"),
    [
        (RAMWeigher(), 4000, 3000),
        (CPUWeigher(), 13, 11),
        (DiskWeigher(), 70, 63),
        (IoOpsWeigher(), 4, 5),
        (NumInstancesWeigher(), 2, 3),
        (PCIWeigher(), 92, 94),
    ],
)
def test_a_weigher_counts_and_sees_those_placed_before(weigher: Any, before: float, after: float) -> None:
    placed = HOSTS.with_claim(A, int(HOSTS.fitting(A)[0]), uid("new"))
    assert weigher.score(spec(), HOSTS)[A] == before
    assert weigher.score(spec(), placed)[A] == after
    assert weigher.score(spec(), HOSTS).dtype == float


def test_bounds_are_novas() -> None:
    """Less than nothing left counts as nothing; no other weigher of Nova has a bound."""
    bounds = {
        one.weigher.name: (getattr(one.weigher, "minval", None), getattr(one.weigher, "maxval", None))
        for one in load_weighers(WeigherSettings())
    }
    own = bounds.pop("PreferredTraitsWeigher")
    assert own == (0, 1)
    assert {name for name, pair in bounds.items() if pair == (0, None)} == {
        "RAMWeigher", "CPUWeigher", "DiskWeigher", "IoOpsWeigher",
    }  # fmt: skip
    assert [pair for pair in bounds.values() if pair not in {(0, None), (None, None)}] == []
    assert CPUWeigher().score(spec(), HOSTS)[row_of(HOSTS, "over")] == -2


def scores(weigher: Any, facts: list[dict[str, Any]], **request: Any) -> list[float]:
    """Return the scores of hosts with these facts, in the order given, and of one that nothing is known of."""
    nodes = [Node(f"h{number}", facts=fact) for number, fact in enumerate(facts)]
    hosts = table(*nodes, Node("stranger", known=False))
    found = weigher.score(spec(**request), hosts)
    return [found[row_of(hosts, node.name)] for node in nodes] + [found[row_of(hosts, str(uid("stranger")))]]


def test_more_than_99_free_devices_make_no_difference() -> None:
    """The lowest score is 1, as in Nova, whatever a host has."""
    facts = [{"free_pci_devices": free} for free in (0, 98, 99, 100, 1000)]
    assert scores(PCIWeigher(), facts) == [100, 2, 1, 1, 1, 100]


def test_devices_that_the_batch_takes_never_count_below_none() -> None:
    hosts = table(Node("a", {GPU: (8, 0)}), requests=[{"a": {GPU: 4}}])
    assert PCIWeigher().score(spec(), hosts.with_claim(0, 0, uid("new"))).tolist() == [100]


def test_failed_builds_and_versions_are_0_where_nothing_is_known() -> None:
    facts = [{"failed_builds": 3, "hypervisor_version": 8002000}, {}]
    assert scores(BuildFailureWeigher(), facts) == [3, 0, 0]
    assert scores(HypervisorVersionWeigher(), facts) == [8002000, 0, 0]


CELLS = [{"cell_uuid": uid("here")}, {"cell_uuid": uid("there")}, {}]


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        (None, [0, 0, 0, 0]),
        (Destination(host="h1"), [0, 0, 0, 0]),
        (Destination(cell=uid("here")), [0, 0, 0, 0]),
        (Destination(cell=uid("here"), allow_cross_cell_move=True), [1, -1, -1, -1]),
        (Destination(cell=uid("gone"), allow_cross_cell_move=True), [-1, -1, -1, -1]),
    ],
)
def test_a_cell_counts_only_when_a_move_may_leave_it(destination: Destination | None, expected: list[int]) -> None:
    assert scores(CrossCellWeigher(), CELLS, requested_destination=destination) == expected


def group(policy: str, *members: str, hosts: tuple[str, ...] = ()) -> ServerGroup:
    return ServerGroup(policy=policy, members=tuple(map(uid, members)), hosts=hosts)  # type: ignore[arg-type] # text


MEMBERS = [{"instances": (uid("x"), uid("y"))}, {"instances": (uid("z"), uid("w"))}, {}]


@pytest.mark.parametrize(
    ("policy", "together", "apart"),
    [
        ("soft-affinity", [2, 1, 0, 0], [0, 0, 0, 0]),
        ("soft-anti-affinity", [0, 0, 0, 0], [-2, -1, 0, 0]),
        ("affinity", [0, 0, 0, 0], [0, 0, 0, 0]),
        ("anti-affinity", [0, 0, 0, 0], [0, 0, 0, 0]),
    ],
)
def test_members_count_for_the_soft_policy_of_their_group(policy: str, together: list[int], apart: list[int]) -> None:
    asked = {"instance_group": group(policy, "x", "y", "z", "gone")}
    assert scores(ServerGroupSoftAffinityWeigher(), MEMBERS, **asked) == together
    assert scores(ServerGroupSoftAntiAffinityWeigher(), MEMBERS, **asked) == apart


def test_no_group_is_nothing_to_weigh() -> None:
    assert scores(ServerGroupSoftAffinityWeigher(), MEMBERS) == [0, 0, 0, 0]
    assert scores(ServerGroupSoftAntiAffinityWeigher(), MEMBERS) == [0, 0, 0, 0]


def test_a_host_that_the_group_names_has_members_too_and_the_instance_itself_is_none() -> None:
    asked = {
        "instance_group": group("soft-affinity", "x", "y", "z", hosts=("h2", "h2", "h1")),
        "instance_uuid": uid("x"),
    }
    assert scores(ServerGroupSoftAffinityWeigher(), MEMBERS, **asked) == [1, 1, 2, 0]


def test_members_placed_in_the_same_batch_count() -> None:
    hosts = table(Node("a", {"VCPU": (8, 0)})).with_claim(0, 0, uid("new"))
    asked = spec(instance_group=group("soft-anti-affinity", "old")).with_members([uid("new")]).with_member_on("a")
    assert ServerGroupSoftAntiAffinityWeigher().score(asked.for_instance(uid("next")), hosts).tolist() == [-1]


IMAGES = [
    {"image_properties": {"os_distro": {"windows": 3, "fedora": 1}, "hw_machine_type": {"q35": 2}}},
    {"image_properties": {"os_distro": {"fedora": 2}}},
    {},
]
WINDOWS = Image(properties={"os_distro": "windows", "hw_machine_type": "q35", "os_type": "nt"})


@pytest.mark.parametrize(
    ("setting", "image", "expected"),
    [
        ((), WINDOWS, [5, 0, 0, 0]),
        ((("os_distro", 1.0), ("hw_machine_type", -1.0)), WINDOWS, [1, 0, 0, 0]),
        ((("os_distro", 0.0),), WINDOWS, [0, 0, 0, 0]),
        ((("os_type", 2.0),), WINDOWS, [0, 0, 0, 0]),
        ((), Image(properties={"os_distro": "fedora"}), [1, 2, 0, 0]),
        ((), Image(properties={}), [0, 0, 0, 0]),
        ((), None, [0, 0, 0, 0]),
    ],
)
def test_instances_of_like_images_count_by_property(setting: Any, image: Image | None, expected: list[float]) -> None:
    assert scores(ImagePropertiesWeigher(setting), IMAGES, image=image) == expected


def test_the_instances_placed_in_the_same_batch_have_the_same_image() -> None:
    hosts = table(Node("a", {"VCPU": (8, 0)}), Node("b", {"VCPU": (8, 0)}))
    placed = hosts.with_claim(0, int(hosts.fitting(0)[0]), uid("new"))
    assert ImagePropertiesWeigher().score(spec(image=WINDOWS), placed).tolist() == [3, 0]


def test_preferred_traits_may_be_on_any_provider_of_the_tree_but_not_on_a_sharing_one() -> None:
    hosts = table(
        Node("a", traits=("HW_A",)),
        Node("a_gpu", {"VGPU": (1, 0)}, traits=("CUSTOM_GPU",), root="a"),
        Node("b", traits=("CUSTOM_GPU",)),
        Node("nfs", {"DISK_GB": (9, 0)}, traits=("CUSTOM_NFS", "MISC_SHARES_VIA_AGGREGATE")),
        requests=[{"a": {"VCPU": 1}, "nfs": {"DISK_GB": 1}}, {"b": {"VCPU": 1}}],
    )
    asked = spec(preferred_traits=("HW_A", "CUSTOM_GPU", "CUSTOM_NFS", "CUSTOM_NOWHERE"))
    found = PreferredTraitsWeigher().score(asked, hosts)
    assert (found[row_of(hosts, "a")], found[row_of(hosts, "b")]) == (0.5, 0.25)
    assert PreferredTraitsWeigher().score(spec(), hosts).tolist() == [0, 0]


def test_the_weighers_that_are_on_by_default_make_no_difference_where_nothing_is_known() -> None:
    """With facts from Placement alone the order is that of the room, as it is without the other weighers."""
    nodes = [Node(f"h{number}", {"VCPU": (8, number)}) for number in range(4)]
    hosts, asked = table(*nodes), spec(image=WINDOWS)
    room = load_weighers(WeigherSettings(enabled_weighers=("CPUWeigher",)))
    all_of_them = load_weighers(WeigherSettings(enabled_weighers=tuple(n for n in DEFAULT_WEIGHERS)))
    assert weigh_hosts(all_of_them, asked, hosts).total.tolist() == weigh_hosts(room, asked, hosts).total.tolist()


def test_a_failed_build_outweighs_everything_else_and_0_turns_that_off() -> None:
    nodes = [Node("full", {"VCPU": (8, 7)}), Node("bad", {"VCPU": (8, 0)}, facts={"failed_builds": 1})]
    hosts = table(*nodes)
    default = weigh_hosts(load_weighers(WeigherSettings()), spec(), hosts)
    off = weigh_hosts(load_weighers(WeigherSettings(build_failure_weight_multiplier=0.0)), spec(), hosts)
    assert hosts.names[default.total.argmax()] == "full"
    assert hosts.names[off.total.argmax()] == "bad"


def test_settings_of_metrics_reach_their_weigher() -> None:
    (one,) = load_weighers(
        WeigherSettings(enabled_weighers=("MetricsWeigher",)), MetricsSettings(weight_multiplier=7.0)
    )
    assert (one.multiplier, one.key) == (7.0, "metrics_weight_multiplier")
