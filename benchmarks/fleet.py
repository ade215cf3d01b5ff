"""The fleet and the requests that rules are measured with, as plain values: for our rules and for Nova's alike.

Nothing but the standard library is imported, so that Nova's environment can read it, too.
"""

from collections.abc import Iterator
from typing import Any

INSTANCES = 30
RACK = 32
ZONES = 3
CLASSES = 10
CARDS = 2
IMAGE = "00000000-0000-4000-8000-0000000000aa"
POLICIES = {
    "ServerGroupAntiAffinityFilter": "anti-affinity",
    "ServerGroupSoftAffinityWeigher": "soft-affinity",
    "ServerGroupSoftAntiAffinityWeigher": "soft-anti-affinity",
}
ROOM = {"VCPU": (256, 96), "MEMORY_MB": (786432, 262144), "DISK_GB": (8000, 2000)}
TRAITS = (
    *(f"HW_CPU_X86_{name}" for name in ("AVX", "AVX2", "SSE41", "SSE42", "AESNI", "VMX", "BMI", "FMA3", "ABM", "SHA")),
    *(f"COMPUTE_NET_VIF_MODEL_{name}" for name in ("E1000", "E1000E", "VIRTIO", "RTL8139", "PCNET", "NE2K_PCI")),
    *(f"COMPUTE_STORAGE_BUS_{name}" for name in ("FDC", "IDE", "SATA", "SCSI", "USB", "VIRTIO")),
    *(f"COMPUTE_IMAGE_TYPE_{name}" for name in ("AKI", "AMI", "ARI", "ISO", "QCOW2", "RAW")),
    *(f"COMPUTE_GRAPHICS_MODEL_{name}" for name in ("BOCHS", "CIRRUS", "NONE", "VGA", "VIRTIO")),
    *("COMPUTE_NODE", "COMPUTE_ACCELERATORS", "COMPUTE_DEVICE_TAGGING", "COMPUTE_TRUSTED_CERTS", "COMPUTE_RESCUE_BFV"),
    *("COMPUTE_VOLUME_EXTEND", "COMPUTE_VOLUME_MULTI_ATTACH"),
)

Fields = dict[str, Any]


def uuid(number: int) -> str:
    """Return the UUID that a number stands for."""
    return f"00000000-0000-4000-8000-{number:012}"


def hosts(size: int) -> Iterator[Fields]:
    """Yield the hosts of a fleet: what Placement and the facts say of each."""
    for number in range(size):
        yield {
            "number": number,
            "name": f"cmp-{number:05}",
            "uuid": uuid(number),
            "room": {name: (total, used + number % 40) for name, (total, used) in ROOM.items()},
            "cards": ([], ["CUSTOM_GPU"] if number % 4 else []),
            "instances": [uuid(1_000_000 + number * INSTANCES + count) for count in range(INSTANCES)],
            "enabled": number % 20 != 19,
            "num_io_ops": number % 10,
            "failed_builds": int(number % 50 == 0),
            "hypervisor_version": 8_002_000 + number % 5,
            "host_ip": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
            "supported_instances": [["x86_64" if number % 10 else "aarch64", "kvm", "hvm"], ["i686", "kvm", "hvm"]],
            "cpu_info": {"arch": "x86_64", "model": f"m{number % 8}", "topology": {"cores": 32 + number % 8}},
            "stats": {"ssd": "true" if number % 3 else "false"},
            "free_pci_devices": number % 4,
            "metrics": {"cpu.percent": number % 70, "cpu.idle.percent": 100 - number % 70},
            "cell": number % 2,
            "aggregates": aggregates_of(number),
        }


def aggregates_of(number: int) -> tuple[int, ...]:
    """Return the aggregates of a host: its zone, the class of its hardware, its rack."""
    return number % ZONES, ZONES + number % CLASSES, ZONES + CLASSES + number // RACK


def aggregates(size: int) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number and the metadata of every aggregate of a fleet."""
    for zone in range(ZONES):
        yield zone, {"availability_zone": f"z{zone}", "max_io_ops_per_host": str(3 + zone)}
    for kind in range(CLASSES):
        yield ZONES + kind, _class(kind)
    for rack in range(-(-size // RACK)):
        yield ZONES + CLASSES + rack, {"rack": f"r{rack}"}


def _class(kind: int) -> dict[str, str]:
    disk, distros = "nvme,ssd" if kind % 2 else "ssd", "windows" if kind == 9 else "debian,fedora"
    flavors, tenants = "large" if kind == 8 else "small,large", {"filter_tenant_id": "q,r" if kind else "p,q"}
    limits = {"max_instances_per_host": str(28 + kind), "ram_weight_multiplier": str(1 + kind / 10)}
    return {"disk": disk, "os_distro": distros, "instance_type": flavors, **limits, **(tenants if kind < 3 else {})}


def request(rule: str) -> Fields:
    """Return a request in which a rule has something to judge; a few hosts fail."""
    members = [uuid(1_000_000 + number * 5 * INSTANCES) for number in range(20)]
    policy = POLICIES.get(rule, "affinity")
    return {
        "extra_specs": {
            "capabilities:hypervisor_type": "QEMU",
            "capabilities:cpu_info:topology:cores": ">= 33",
            "aggregate_instance_extra_specs:disk": "<or> nvme <or> optane",
            "provider_trait:CUSTOM_GPU": "required",
        },
        "properties": {"hw_architecture": "x86_64", "img_hv_type": "kvm", "os_distro": "debian"},
        "group": {"policy": policy, "members": members, "hosts": [f"cmp-{number * 5:05}" for number in range(20)]},
        "hints": {
            "different_host": members,
            "same_host": members,
            "build_near_host_ip": "10.0.0.1",
            "cidr": "/27",
            "query": '["and", [">=", "$free_ram_mb", 524270], ["=", "$hypervisor_type", "QEMU"]]',
        },
        "cell": uuid(1),
        "allow_cross_cell_move": rule == "CrossCellWeigher",
    }
