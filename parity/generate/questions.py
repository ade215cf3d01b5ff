"""Cases of the question to Placement: what a request asks for, and what each prefilter adds."""

from collections.abc import Callable
from typing import Any

from parity.case import uuid
from parity.draw import Draw
from parity.generate.pools import Fields, case, some_aggregates

Pools = dict[str, tuple[str, ...]]

GROUPS: Pools = {
    "resources:VCPU": ("2", "0"),
    "resources:MEMORY_MB": ("512", "0"),
    "resources:DISK_GB": ("0", "5"),
    "resources:CUSTOM_A": ("1", "3"),
    "resources:VGPU": ("1",),
    "resources1:VGPU": ("1", "2"),
    "resources_DEV:CUSTOM_A": ("1",),
    "trait:CUSTOM_T": ("required", "forbidden"),
    "trait:HW_CPU_X86_AVX": ("required",),
}
SUFFIXED: tuple[Fields, ...] = (
    {"resources1:VGPU": "1", "trait1:CUSTOM_T": "required"},
    {"resources1:VGPU": "1", "resources2:VGPU": "1", "group_policy": "isolate"},
    {"resources_DEV:CUSTOM_A": "2", "trait_DEV:CUSTOM_T": "forbidden", "resources1:VGPU": "1", "group_policy": "none"},
    {"resources1:VCPU": "2", "resources2:MEMORY_MB": "5", "group_policy": "none"},
)
ODD: Pools = {
    "resources:VCPU": ("x", "-1"),
    "resources:CUSTOM_A": ("1.5", ""),
    "resources1:UNKNOWN_CLASS": ("1",),
    "resources:custom_a": ("1",),
    "trait:CUSTOM_T": ("no", "REQUIRED"),
    "trait_DEV:HW_CPU_X86_AVX": ("required",),
    "group_policy": ("x",),
    "hw:cpu_policy": ("x", "mixed", "dedicated"),
    "hw:cpu_thread_policy": ("isolate", "require"),
    "hw:emulator_threads_policy": ("isolate",),
    "hw:mem_encryption": ("true",),
    "hw:numa_nodes": ("1",),
    "hw:tpm_model": ("tpm-crb", "x"),
}
"""Extra specs that are malformed, or wrong in most company."""

PINNED: tuple[Fields, ...] = (
    {"hw:cpu_policy": "dedicated"},
    {"hw:cpu_policy": "shared"},
    {"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": "require"},
    {"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": "isolate", "hw:emulator_threads_policy": "isolate"},
    {"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": "prefer", "hw:emulator_threads_policy": "share"},
    {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0-1"},
    {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "^0", "hw:emulator_threads_policy": "isolate"},
    {"hw:cpu_policy": "mixed", "hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "^0"},
    {"hw:cpu_policy": "dedicated", "hw:cpu_realtime": "true", "hw:cpu_realtime_mask": "1-3"},
    {"resources:PCPU": "4"},
    {},
)
HARDWARE: Pools = {
    "hw:pmem": ("4GB", "4GB,4GB,16GB", "a-b"),
    "hw:tpm_version": ("1.2", "2.0"),
    "os:secure_boot": ("required", "disabled", "optional"),
    "hw:maxphysaddr_mode": ("passthrough", "emulate"),
    "hw:pci_numa_affinity_policy": ("socket", "preferred"),
    "quota:cpu_shares": ("1",),
}
IMAGES: tuple[Fields, ...] = (
    {"hw_cpu_policy": "shared"},
    {"hw_cpu_policy": "dedicated", "hw_cpu_thread_policy": "isolate"},
    {"hw_tpm_version": "2.0", "hw_tpm_model": "tpm-crb"},
    {"hw_mem_encryption": "true", "hw_firmware_type": "uefi", "hw_machine_type": "q35"},
    {
        "hw_mem_encryption": "true",
        "hw_mem_encryption_model": "amd-sev-es",
        "hw_firmware_type": "uefi",
        "hw_machine_type": "pc-q35-7",
    },
    {"os_secure_boot": "required"},
    {"hw_maxphysaddr_mode": "passthrough"},
    {"hw_firmware_stateless": "true", "hw_firmware_type": "uefi"},
    {"hw_firmware_stateless": "true"},
    {"hw_pci_numa_affinity_policy": "socket"},
    {"hw_disk_bus": "virtio"},
)
TRAITS = ("CUSTOM_T", "CUSTOM_U", "HW_CPU_X86_AVX")
AGGREGATES = (uuid(901), uuid(902), uuid(903))
SIZES: dict[str, tuple[int, ...]] = {
    "root_gb": (0, 20),
    "ephemeral_gb": (0, 3),
    "swap": (0, 1, 1024, 1500),
    "memory_mb": (0, 512),
}


def _flavor(draw: Draw, *pools: Pools, most: int = 2) -> Fields:
    specs = {key: draw.pick(values) for pool in pools for key, values in draw.some(tuple(pool.items()), most)}
    return {"vcpus": draw.pick((1, 4)), **draw.fields(SIZES), **({"extra_specs": specs} if specs else {})}


def query(draw: Draw) -> Fields:
    """Draw flavors, images, groups of ports and destinations in any mixture; one in six is odd."""
    flavor = _flavor(
        draw, GROUPS if draw.one_in(2) else {}, HARDWARE if draw.one_in(2) else {}, ODD if draw.one_in(6) else {}
    )
    sets = (draw.pick(SUFFIXED) if draw.one_in(4) else {}) | (draw.pick(PINNED) if draw.one_in(3) else {})
    flavor["extra_specs"] = flavor.get("extra_specs", {}) | sets
    request: Fields = {"flavor": flavor | ({"vcpus": 4} if sets else {})}
    if draw.one_in(3):
        properties = {name: value for one in draw.some(IMAGES, 2) for name, value in one.items()}
        traits = draw.some(TRAITS, 2) if draw.one_in(3) else []
        request["image"] = {"properties": properties, **({"traits_required": traits} if traits else {})}
    if draw.one_in(4):
        request["is_bfv"] = True
    if draw.one_in(4):
        request["requested_resources"] = draw.several(_port, 1, 2)
    request |= _where(draw) if draw.one_in(3) else {}
    hosts = (
        [{}, {}, {"name": "h1", "node": "n2"}]
        if request.keys() & {"requested_destination", "force_hosts", "force_nodes"}
        else []
    )
    return case(hosts, _apart(request))


def _apart(request: Fields) -> Fields:
    """Return the request with a name of its own for each port."""
    groups = request.get("requested_resources", [])
    named = [{**group, "requester_id": f"port{number}"} for number, group in enumerate(groups)]
    return {**request, "requested_resources": named} if groups else request


def _port(draw: Draw) -> Fields:
    group: Fields = {
        "resources": draw.pick(({"NET_BW_EGR_KILOBIT_PER_SEC": 1000}, {"CUSTOM_A": 1}, {"VGPU": 2}, {"MEMORY_MB": 5}))
    }
    pools: dict[str, tuple[Any, ...]] = {
        "required_traits": (["CUSTOM_U"],),
        "forbidden_traits": (["CUSTOM_T"],),
        "aggregates": ([list(AGGREGATES[:2])], [[AGGREGATES[0]], [AGGREGATES[2]]]),
        "forbidden_aggregates": ([AGGREGATES[1]],),
        "in_tree": (uuid(77),),
    }
    return group | draw.fields(pools, 4)


def _where(draw: Draw) -> Fields:
    places: tuple[Fields, ...] = (
        {"requested_destination": {"aggregates": [list(AGGREGATES[:2]), [AGGREGATES[2]]]}},
        {"requested_destination": {"forbidden_aggregates": [AGGREGATES[0]]}},
        {"requested_destination": {"host": "h0"}},
        {"requested_destination": {"host": "h1", "node": "n2"}},
        {"requested_destination": {"host": "nowhere"}},
        {"force_hosts": ["h0"]},
        {"force_hosts": ["h1"]},
        {"force_nodes": ["n2"]},
        {"force_hosts": ["nowhere"]},
        {"scheduler_hints": {"same_host": [uuid(1)]}},
        {"scheduler_hints": {"query": "[]"}},
        {"root_required": ["CUSTOM_U"], "root_forbidden": ["CUSTOM_T"]},
        {"ignore_hosts": ["h0"]},
    )
    return draw.pick(places)


def _prefilter(
    draw: Draw, request: Fields, options: Fields | None = None, keys: Pools | None = None, **more: Any
) -> Fields:
    aggregates = some_aggregates(draw, keys) if keys else {}
    return case([], request, aggregates=aggregates, options={"scheduler": options} if options else {}, **more)


def _switched(draw: Draw, *names: str) -> Fields:
    """Return options that are mostly on."""
    return {name: True for name in names if draw.below(5)}


TENANTS: Pools = {
    "filter_tenant_id": ("p", "q"),
    "filter_tenant_id_2": ("p",),
    "other": ("p",),
    "availability_zone": ("p", "az1"),
}
ZONES: Pools = {"availability_zone": ("az1", "az2", "az1"), "other": ("az1",)}
ISOLATED: Pools = {
    "trait:CUSTOM_T": ("required", "required", "no"),
    "trait:CUSTOM_U": ("required",),
    "other": ("required",),
}


def require_tenant_aggregate(draw: Draw) -> Fields:
    """Draw aggregates of projects."""
    options = _switched(draw, "limit_tenants_to_placement_aggregate") | _switched(
        draw, "placement_aggregate_required_for_tenants"
    )
    return _prefilter(draw, {"project_id": draw.pick(("p", "q", "r"))}, options, TENANTS)


def map_az_to_placement_aggregate(draw: Draw) -> Fields:
    """Draw zones that there are, and others."""
    zone = {} if draw.one_in(6) else {"availability_zone": draw.pick(("az1", "az2", "az1", "az3", "nova"))}
    made = _prefilter(draw, zone, keys=ZONES)
    usual = {"910": {"availability_zone": "az1"}, "911": {"availability_zone": "az2", "other": "x"}}
    return {**made, "aggregates": made.get("aggregates", {}) | usual} if draw.below(4) else made


def require_image_type_support(draw: Draw) -> Fields:
    """Draw formats of disks."""
    image = {"disk_format": draw.pick(("qcow2", "raw", "vmdk", "ami", "iso", "strange"))} if draw.below(8) else {}
    request: Fields = {} if draw.one_in(10) else {"image": {**image, "properties": {}}}
    return _prefilter(
        draw,
        request | ({"is_bfv": True} if draw.one_in(4) else {}),
        _switched(draw, "query_placement_for_image_type_support"),
    )


def compute_status_filter(draw: Draw) -> Fields:
    """Draw any request."""
    return _prefilter(
        draw, {"flavor": _flavor(draw, {}), **({"root_forbidden": ["CUSTOM_T"]} if draw.one_in(2) else {})}
    )


def isolate_aggregates(draw: Draw) -> Fields:
    """Draw aggregates that are for a trait."""
    specs = draw.fields({"trait:CUSTOM_T": ("required", "forbidden"), "trait:CUSTOM_U": ("required",)}, 3)
    request: Fields = {"flavor": {"extra_specs": specs}}
    if draw.one_in(3):
        request["image"] = {"properties": {}, "traits_required": draw.some(TRAITS, 2)}
    return _prefilter(draw, request, _switched(draw, "enable_isolated_aggregate_filtering"), ISOLATED)


def transform_image_metadata(draw: Draw) -> Fields:
    """Draw images that say what buses and models they need."""
    pools: Pools = {
        "hw_cdrom_bus": ("ide", "sata", "virtio"),
        "hw_disk_bus": ("virtio", "scsi", "fdc", "lxc"),
        "hw_video_model": ("virtio", "none", "vga", "gop"),
        "hw_vif_model": ("virtio", "e1000e", "VirtualE1000", "igb"),
        "hw_architecture": ("x86_64", "aarch64", "amd64", "mips"),
        "hw_emulation_architecture": ("aarch64", "x86_64"),
        "hw_viommu_model": ("intel", "smmuv3", "auto", "virtio"),
    }
    request = {} if draw.one_in(12) else {"image": {"properties": draw.fields(pools, 4)}}
    return _prefilter(draw, request, _switched(draw, "image_metadata_prefilter"))


def _flags(draw: Draw, specs: Pools, properties: Pools) -> Fields:
    """Return a request whose flavor and image say some of these."""
    request: Fields = {"flavor": {"extra_specs": draw.fields(specs)}}
    return _prefilter(draw, request | ({"image": {"properties": draw.fields(properties)}} if draw.below(12) else {}))


def accelerators_filter(draw: Draw) -> Fields:
    """Draw device profiles."""
    made = _flags(draw, {"accel:device_profile": ("a",)}, {})
    device = {"requester_id": "device", "resources": {"FPGA": 1}}
    return {**made, "request": made["request"] | ({"requested_resources": [device]} if draw.below(5) else {})}


def packed_virtqueue_filter(draw: Draw) -> Fields:
    """Draw packed virtqueues."""
    return _flags(draw, {"hw:virtio_packed_ring": FLAGS}, {"hw_virtio_packed_ring": FLAGS})


def ephemeral_encryption_filter(draw: Draw) -> Fields:
    """Draw encrypted disks."""
    formats = ("plain", "luks", "luksv2")
    return _flags(
        draw,
        {"hw:ephemeral_encryption": FLAGS, "hw:ephemeral_encryption_format": formats},
        {"hw_ephemeral_encryption": FLAGS, "hw_ephemeral_encryption_format": formats},
    )


def virtio_sound_filter(draw: Draw) -> Fields:
    """Draw sound."""
    return _flags(draw, {"hw:sound_model": ("virtio", "ich9")}, {"hw_sound_model": ("virtio", "usb")})


def tpm_secret_security_filter(draw: Draw) -> Fields:
    """Draw where the secrets of a TPM are."""
    return _flags(
        draw,
        {"hw:tpm_version": ("2.0", "1.2"), "hw:tpm_secret_security": ("user", "host", "deployment")},
        {"hw_tpm_version": ("2.0",)},
    )


def routed_networks_filter(draw: Draw) -> Fields:
    """Draw networks with segments, and ports in them."""
    segments: tuple[Any, ...] = (
        [],
        [[AGGREGATES[0]]],
        [[AGGREGATES[0]], [AGGREGATES[1]]],
        [[AGGREGATES[0], AGGREGATES[2]]],
        [[]],
    )

    def network(number: int) -> Fields:
        name = {"network_id": f"n{number}"} if draw.one_in(2) else {"port_id": f"p{number}"}
        return (name if draw.below(8) else {}) | {"segments": draw.pick(segments[:4] if draw.below(6) else segments)}

    networks = [network(number) for number in range(draw.below(3))]
    return _prefilter(
        draw,
        {"requested_networks": networks} if networks else {},
        _switched(draw, "query_placement_for_routed_network_aggregates"),
    )


def remote_managed_ports_filter(draw: Draw) -> Fields:
    """Draw ports that are managed remotely, and others."""
    networks = [{"port_id": f"p{number}", "remote_managed": draw.one_in(3)} for number in range(draw.below(4))]
    return _prefilter(draw, {"requested_networks": networks} if networks else {})


def owner_nova_filter(draw: Draw) -> Fields:
    """Draw fleets that are new enough, and others."""
    request: Fields = {"flavor": _flavor(draw, {"resources1:VGPU": ("1",)})}
    devices = [{"requester_id": f"{uuid(50)}-{number}", "resources": {"CUSTOM_PCI_A": 1}} for number in range(2)]
    port = {"requester_id": "port", "resources": {"CUSTOM_A": 1}}
    if draw.one_in(2):
        request["requested_resources"] = draw.some([*devices, port], 3) or [port]
    return _prefilter(draw, request, computes_version=draw.pick((1, 72, 73, 74)))


def process_reqspec(draw: Draw) -> Fields:
    """Draw several prefilters at once."""
    parts = [draw.pick(tuple(PREFILTERS.values()))(draw) for _ in range(3)]
    merged: Fields = {"hosts": [], "request": {}}
    for part in parts:
        merged["request"] = _merged(merged["request"], part["request"])
        merged["options"] = _merged(merged.get("options", {}), part.get("options", {}))
        merged["aggregates"] = _merged(merged.get("aggregates", {}), part.get("aggregates", {}))
    return merged


def _merged(one: Fields, other: Fields) -> Fields:
    both = {
        name: _merged(value, other[name])
        for name, value in one.items()
        if isinstance(value, dict) and isinstance(other.get(name), dict)
    }
    return {**one, **other, **both}


FLAGS = ("true", "yes", "false", "1")
PREFILTERS: dict[str, Callable[[Draw], Fields]] = {
    "require_tenant_aggregate": require_tenant_aggregate,
    "map_az_to_placement_aggregate": map_az_to_placement_aggregate,
    "require_image_type_support": require_image_type_support,
    "compute_status_filter": compute_status_filter,
    "isolate_aggregates": isolate_aggregates,
    "transform_image_metadata": transform_image_metadata,
    "accelerators_filter": accelerators_filter,
    "packed_virtqueue_filter": packed_virtqueue_filter,
    "routed_networks_filter": routed_networks_filter,
    "remote_managed_ports_filter": remote_managed_ports_filter,
    "ephemeral_encryption_filter": ephemeral_encryption_filter,
    "virtio_sound_filter": virtio_sound_filter,
    "tpm_secret_security_filter": tpm_secret_security_filter,
    "owner_nova_filter": owner_nova_filter,
}

"""By the name of the prefilter."""
