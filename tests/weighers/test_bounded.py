"""The bounded mode: each score is mapped to 0..1 by what the host is, whatever hosts are beside it."""

from typing import Any

import numpy as np
import pytest

from scheduler.errors import PluginFailed
from scheduler.hosts import HostTable
from scheduler.model import Destination, Image, ServerGroup, TopologySpread
from scheduler.selection import weigh_hosts
from scheduler.settings import MetricsSettings, WeigherSettings
from scheduler.weighers import Weighed, load_weighers
from tests.hosts.fleets import Node, row_of, spec, table, uid

FULL = {"VCPU": (8, 2), "MEMORY_MB": (1000, 250), "DISK_GB": (10, 10)}
HOSTS = table(
    Node(
        "a",
        FULL,
        traits=("HW_A", "CUSTOM_RACK_1"),
        facts={
            "num_io_ops": 1,
            "instances": (uid("x"), uid("y"), uid("z")),
            "free_pci_devices": 33,
            "failed_builds": 4,
            "cell_uuid": uid("cell"),
            "hypervisor_version": 3000000,
            "image_properties": {"os_distro": {"nt": 3}},
            "metrics": {"load": 1.0},
        },
    ),
    Node("b", {"VCPU": (4, 5), "MEMORY_MB": (0, 0), "DISK_GB": (1, 0)}, traits=("CUSTOM_RACK_2",)),
    requests=[{"a": {"VCPU": 1}}, {"b": {"DISK_GB": 1}}],
)
ASKED: dict[str, Any] = {
    "instance_group": ServerGroup(policy="soft-affinity", members=(uid("x"),)),
    "requested_destination": Destination(cell=uid("cell"), allow_cross_cell_move=True),
    "image": Image(properties={"os_distro": "nt"}),
    "preferred_traits": ("HW_A", "HW_B"),
    "topology_spread": (TopologySpread(key="trait:CUSTOM_RACK_", hard=False),),
}
APART = {"instance_group": ServerGroup(policy="soft-anti-affinity", members=(uid("x"), uid("y"), uid("z")))}
METRICS = MetricsSettings(weight_setting=(("load", -3.0),), required=False)


def bounded(*names: str) -> tuple[Weighed, ...]:
    return load_weighers(WeigherSettings(enabled_weighers=names, weight_normalization="bounded"), METRICS)


def weights(name: str, hosts: HostTable, **request: Any) -> list[float]:
    weighed = weigh_hosts(bounded(name), spec(**request), hosts)
    found = weighed.normalized[0] if len(weighed.panel.positions) else np.zeros(len(hosts))
    return [float(found[row_of(hosts, host)]) for host in ("a", "b")]


@pytest.mark.parametrize(
    ("name", "request_fields", "expected"),
    [
        ("RAMWeigher", {}, [0.75, 0]),
        ("CPUWeigher", {}, [0.75, 0]),
        ("DiskWeigher", {}, [0, 1]),
        ("IoOpsWeigher", {}, [0.5, 0]),
        ("NumInstancesWeigher", {}, [0.75, 0]),
        ("PCIWeigher", {}, [2 / 3, 1]),
        ("ServerGroupSoftAffinityWeigher", ASKED, [0.5, 0]),
        ("ServerGroupSoftAntiAffinityWeigher", APART, [0.25, 1]),
        ("ServerGroupSoftAntiAffinityWeigher", {}, [0, 0]),
        ("BuildFailureWeigher", {}, [0.8, 0]),
        ("CrossCellWeigher", ASKED, [1, 0]),
        ("CrossCellWeigher", {}, [0, 0]),
        ("HypervisorVersionWeigher", {}, [0.75, 0]),
        ("ImagePropertiesWeigher", ASKED, [0.875, 0.5]),
        ("ImagePropertiesWeigher", {}, [0, 0]),
        ("MetricsWeigher", {}, [0.125, 1 / 20002]),
        ("TopologySpreadWeigher", ASKED, [0.5, 1]),
        ("TopologySpreadWeigher", {}, [0, 0]),
        ("PreferredTraitsWeigher", ASKED, [0.5, 0]),
    ],
)
def test_the_bounded_form_of_each_weigher(name: str, request_fields: dict[str, Any], expected: list[float]) -> None:
    assert weights(name, HOSTS, **request_fields) == pytest.approx(expected)


@pytest.mark.parametrize(("mode", "beside", "alone"), [("nova", -1 / 3, -1), ("bounded", -0.5, -0.5)])
def test_novas_form_of_the_same_depends_on_the_other_hosts(mode: Any, beside: float, alone: float) -> None:
    """What the mode is for: the weight of a host beside a busier one, and alone."""
    weighers = load_weighers(WeigherSettings(enabled_weighers=("IoOpsWeigher",), weight_normalization=mode))
    hosts = table(Node("a", facts={"num_io_ops": 1}), Node("b", facts={"num_io_ops": 3}))
    row = row_of(hosts, "a")
    assert weigh_hosts(weighers, spec(), hosts).total[row] == pytest.approx(beside)
    assert weigh_hosts(weighers, spec(), hosts.take(np.array([row]))).total.tolist() == [alone]


@pytest.mark.parametrize("answer", [np.array([0.5, 1.5]), np.array([-0.1, 0]), np.array([np.nan, 0]), None])
def test_a_bounded_form_that_leaves_its_bounds_stops_the_request(answer: Any) -> None:
    class Wild:
        name = "Wild"

        def score(self, request: object, hosts: HostTable) -> np.ndarray:
            return np.zeros(len(hosts))

        def bounded(self, request: object, hosts: HostTable, scores: np.ndarray) -> Any:
            return answer

    with pytest.raises(PluginFailed) as caught:
        weigh_hosts((Weighed(Wild(), 1.0, bounded=True),), spec(), HOSTS)
    assert caught.value.plugin == "Wild"
