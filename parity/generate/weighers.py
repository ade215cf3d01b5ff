"""Cases of weighers."""

from collections.abc import Callable
from typing import Any

from parity.case import uuid
from parity.draw import Draw
from parity.generate.neighbours import server_group
from parity.generate.pools import INSTANCES, Fields, case, members_of, placed, some_aggregates

MULTIPLIERS = (0.0, 1.0, -1.0, 2.5, -0.5, 1000000.0)
OVERRIDES = ("2.0", "-1.5", "0", "x", " 3 ", "1e3", "nan", "", "-2")
METRICS = ("cpu.frequency", "cpu.user.time", "cpu.kernel.time")
IMAGES: dict[str, tuple[str, ...]] = {
    "hw_disk_bus": ("virtio", "scsi"),
    "os_distro": ("ubuntu", "rhel"),
    "hw_cpu_cores": ("2", "4"),
}
RARE_IMAGES = IMAGES | {"hw_boot_menu": ("true", "yes"), "licensed": ("a",)}

Make = Callable[[Draw], Fields]


def _weighed(draw: Draw, option: str, make: Make, request: Fields | None = None, least: float | None = None) -> Fields:
    """Return a case whose hosts are made one at a time; option and aggregates may say the multiplier."""
    aggregates = some_aggregates(draw, {option: OVERRIDES}, 2) if draw.one_in(3) else {}
    hosts = draw.several(lambda _: make(draw), 1 if draw.one_in(12) else 2, 6)
    hosts = [{**host, "aggregates": members_of(draw, aggregates)} if aggregates else host for host in hosts]
    allowed = [value for value in MULTIPLIERS if least is None or value >= least]
    section = {option: draw.pick(allowed)} if draw.one_in(2) else {}
    return case(hosts, request or {}, aggregates=aggregates, options={"filter_scheduler": section} if section else {})


def ram(draw: Draw) -> Fields:
    """Draw free memory, also less than nothing."""
    return _weighed(
        draw,
        "ram_weight_multiplier",
        lambda _: {"room": {"MEMORY_MB": [draw.pick((512, 4096, 8192)), draw.pick((0, 512, 1024, 4096))]}},
    )


def cpu(draw: Draw) -> Fields:
    """Draw free CPUs, with overcommitment."""

    def host(_: Draw) -> Fields:
        ratio = draw.pick((1.0, 1.5, 4.0, 16.0))
        return {
            "room": {"VCPU": [int(draw.pick((2, 4, 64)) * ratio), draw.pick((0, 3, 40))]},
            "cpu_allocation_ratio": ratio,
        }

    return _weighed(draw, "cpu_weight_multiplier", host)


def disk(draw: Draw) -> Fields:
    """Draw free disk, also less than nothing."""
    return _weighed(
        draw, "disk_weight_multiplier", lambda _: {"room": {"DISK_GB": [draw.pick((10, 100)), draw.pick((0, 7, 20))]}}
    )


def io_ops(draw: Draw) -> Fields:
    """Draw operations under way."""
    return _weighed(draw, "io_ops_weight_multiplier", lambda _: {"num_io_ops": draw.below(5)})


def num_instances(draw: Draw) -> Fields:
    """Draw instances."""
    return _weighed(draw, "num_instances_weight_multiplier", lambda _: {"instances": placed(draw, 6)})


def pci(draw: Draw) -> Fields:
    """Draw free PCI devices."""
    return _weighed(
        draw, "pci_weight_multiplier", lambda _: {"free_pci_devices": draw.pick((0, 1, 4, 98, 99, 100, 500))}, least=0.0
    )


def hypervisor_version(draw: Draw) -> Fields:
    """Draw versions of hypervisors."""
    return _weighed(
        draw, "hypervisor_version_weight_multiplier", lambda _: {"hypervisor_version": draw.pick((0, 8002000, 9000000))}
    )


def build_failures(draw: Draw) -> Fields:
    """Draw builds that failed."""
    return _weighed(draw, "build_failure_weight_multiplier", lambda _: {"failed_builds": draw.below(4)})


def cross_cell(draw: Draw) -> Fields:
    """Draw moves that may leave their cell, or not."""
    destination: Fields = {"cell": uuid(draw.pick((1, 2)))} if draw.below(4) else {}
    if draw.below(4):
        destination["allow_cross_cell_move"] = True
    request = {} if draw.one_in(8) else {"requested_destination": destination}
    return _weighed(draw, "cross_cell_move_weight_multiplier", lambda _: {"cell": draw.pick((1, 2))}, request)


def _soft(draw: Draw, option: str, policies: tuple[str, ...]) -> Fields:
    grouped = server_group(draw, policies)
    hosts = iter(grouped["hosts"] * 6)
    return _weighed(draw, option, lambda _: dict(next(hosts)), grouped["request"], 0.0)


def soft_affinity(draw: Draw) -> Fields:
    """Draw groups whose members should be together."""
    return _soft(draw, "soft_affinity_weight_multiplier", ("soft-affinity", "soft-affinity", "affinity"))


def soft_anti_affinity(draw: Draw) -> Fields:
    """Draw groups whose members should be apart."""
    return _soft(draw, "soft_anti_affinity_weight_multiplier", ("soft-anti-affinity", "soft-anti-affinity", "affinity"))


def image_properties(draw: Draw) -> Fields:
    """Draw images of instances that are there, and of the one that comes."""
    pools = RARE_IMAGES if draw.one_in(6) else IMAGES

    def host(_: Draw) -> Fields:
        there = draw.some(INSTANCES, 3)
        return {"instances": there, "images": {str(number): draw.fields(pools) for number in there}}

    request = {} if draw.one_in(10) else {"image": {"properties": draw.fields(pools)}}
    made = _weighed(draw, "image_props_weight_multiplier", host, request)
    section = made.setdefault("options", {}).setdefault("filter_scheduler", {})
    if "image_props_weight_multiplier" not in section and draw.below(4):
        section["image_props_weight_multiplier"] = 1.0
    if draw.one_in(2):
        section["image_props_weight_setting"] = [
            f"{name}={draw.pick(('2.0', '-1', '0'))}" for name in draw.some(tuple(IMAGES), 2)
        ]
    return made


def metrics(draw: Draw) -> Fields:
    """Draw measured values, some of them missing."""
    made = _weighed(
        draw,
        "metrics_weight_multiplier",
        lambda _: {"metrics": {name: draw.below(50) - 10 for name in draw.some(METRICS, 3)}},
    )
    section: dict[str, Any] = {
        "weight_setting": [f"{name}={draw.pick(('1.0', '-2', '0'))}" for name in draw.some(METRICS, 2)]
    }
    if draw.below(4):
        section["required"] = False
    if draw.one_in(3):
        section["weight_multiplier"] = draw.pick(MULTIPLIERS)
    return {**made, "options": {"metrics": section}}


RULES = {
    "RAMWeigher": ram,
    "CPUWeigher": cpu,
    "DiskWeigher": disk,
    "IoOpsWeigher": io_ops,
    "NumInstancesWeigher": num_instances,
    "PCIWeigher": pci,
    "ServerGroupSoftAffinityWeigher": soft_affinity,
    "ServerGroupSoftAntiAffinityWeigher": soft_anti_affinity,
    "BuildFailureWeigher": build_failures,
    "CrossCellWeigher": cross_cell,
    "HypervisorVersionWeigher": hypervisor_version,
    "ImagePropertiesWeigher": image_properties,
    "MetricsWeigher": metrics,
}
"""By the name of the weigher."""
