"""Prints objects of a real Nova as JSON, by name; run with a Python that has nova, which this project does not need.

``tests/compat/recorded/nova.json`` is what it printed; ``test_recorded.py`` says how to print it again.
"""

import json
import logging
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

from datetime import UTC, datetime  # noqa: E402  (what Nova imports warns about itself)

from nova import objects  # noqa: E402
from nova.scheduler import utils  # noqa: E402
from nova.virt import hardware  # noqa: E402

objects.register_all()
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def uuid(number):
    return f"00000000-0000-4000-8000-{number:012}"


def flavor(**extra_specs):
    sizes = {"memory_mb": 4096, "vcpus": 2, "root_gb": 20, "ephemeral_gb": 5, "swap": 1024}
    record = {"id": 1, "flavorid": "42", "rxtx_factor": 1.0, "vcpu_weight": 0, "disabled": False, "is_public": True}
    return objects.Flavor(name="m1.small", extra_specs=extra_specs, projects=[], description=None, **sizes, **record)


def image():
    properties = {
        "architecture": "x86_64",
        "hw_disk_bus": "virtio",
        "hw_boot_menu": "yes",
        "hw_cpu_cores": "2",
        "img_hv_requested_version": ">=2.6",
        "img_mappings": [{"virtual": "root", "device": "vda"}],
        "trait:HW_CPU_X86_AVX2": "required",
        "trait:HW_CPU_X86_AVX": "required",
    }
    stored = {"name": "an image", "size": 1, "disk_format": "qcow2", "min_ram": 0, "min_disk": 0, "owner": "somebody"}
    return objects.ImageMeta.from_dict({"id": uuid(10), "properties": properties, **stored})


def group():
    known = {"members": [uuid(1), uuid(2)], "hosts": ["cmp-1"], "policy": "anti-affinity"}
    record = {"id": 1, "user_id": "u", "project_id": "p", "uuid": uuid(20), "name": "a group"}
    return objects.InstanceGroup(rules={"max_server_per_host": "2"}, **known, **record)


def port():
    return objects.RequestGroup(
        use_same_provider=True,
        requester_id="port-1",
        resources={"NET_BW_EGR_KILOBIT_PER_SEC": 1000},
        required_traits={"CUSTOM_PHYSNET_A", "CUSTOM_VNIC_TYPE_NORMAL"},
        forbidden_traits=set(),
        aggregates=[[uuid(31), uuid(32)]],
        provider_uuids=[],
        in_tree=None,
    )


def destination(**more):
    wanted = objects.Destination(host="cmp-1", node="node-1", **more)
    wanted.require_aggregates([uuid(31), uuid(32)])
    wanted.require_aggregates([uuid(33)])
    wanted.append_forbidden_aggregates({uuid(34)})
    wanted.obj_set_defaults()
    return wanted


def components(**more):
    return {
        "instance_uuid": uuid(1),
        "image": image(),
        "flavor": flavor(**{"hw_rng:allowed": "true", "trait:HW_CPU_X86_SSE": "required"}),
        "numa_topology": None,
        "pci_requests": objects.InstancePCIRequests(instance_uuid=uuid(1), requests=[]),
        "filter_properties": {
            "ignore_hosts": ["cmp-9"],
            "scheduler_hints": {"same_host": [uuid(2), uuid(3)], "group": uuid(20), "query": '["=", "$host", "a"]'},
            "requested_destination": destination(),
            "limits": {"memory_mb": 1},
            "retry": {"num_attempts": 1, "hosts": []},
        },
        "instance_group": group(),
        "availability_zone": None,
        "security_groups": objects.SecurityGroupList(objects=[]),
        "project_id": "p",
        "user_id": "u",
        "port_resource_requests": [port()],
        "request_level_params": objects.RequestLevelParams(
            root_required={"COMPUTE_NODE"}, root_forbidden=set(), same_subtree=[["port-1"]]
        ),
    } | more


def request(**more):
    spec = objects.RequestSpec.from_components(None, **components(**more))
    spec.num_instances, spec.is_bfv, spec.id = 2, True, 7
    spec.network_metadata = objects.NetworkMetadata(physnets={"physnet0"}, tunneled=False)
    spec.requested_networks = objects.NetworkRequestList(objects=[])
    return spec


def bare(**more):
    nothing = {"image": None, "instance_group": None, "port_resource_requests": [], "filter_properties": {}}
    return objects.RequestSpec.from_components(None, **components(**nothing) | more)


def refused():
    """Requests that say something that has no form here, by what that is."""
    topology = hardware.numa_get_constraints(flavor(**{"hw:numa_nodes": "1"}), objects.ImageMeta.from_dict({}))
    alias = objects.InstancePCIRequest(count=1, spec=[{"vendor_id": "10de"}], request_id=uuid(50))
    network = objects.NetworkRequest(network_id=uuid(60))
    networked, rebuild = bare(), bare(filter_properties={"scheduler_hints": {"_nova_check_type": ["rebuild"]}})
    networked.requested_networks = objects.NetworkRequestList(objects=[network])
    return {
        "numa_topology": bare(numa_topology=topology),
        "pci_requests": bare(pci_requests=objects.InstancePCIRequests(instance_uuid=uuid(1), requests=[alias])),
        "requested_networks": networked,
        "scheduler_hints['_nova_check_type']": rebuild,
        "scheduler_hints['group']": bare(filter_properties={"scheduler_hints": {"group": uuid(20)}}),
    }


def in_a_cell():
    cell = objects.CellMapping(uuid=uuid(70), name="c", transport_url="secret", database_connection="secret")
    wanted = {"scheduler_hints": {}, "requested_destination": destination(cell=cell)}
    return bare(filter_properties=wanted, request_level_params=objects.RequestLevelParams())


def compute_node():
    usage = {"vcpus": 8, "memory_mb": 16384, "local_gb": 100, "vcpus_used": 2, "memory_mb_used": 512}
    more = {"local_gb_used": 1, "free_ram_mb": 15872, "free_disk_gb": 99, "disk_available_least": 90}
    ratios = {"cpu_allocation_ratio": 4.0, "ram_allocation_ratio": 1.0, "disk_allocation_ratio": 1.0}
    metrics = [
        {"name": "cpu.percent", "value": 0.29, "timestamp": "2026-01-02T12:00:00Z", "source": "libvirt"},
        {"name": "cpu.frequency", "value": 2600, "timestamp": "2026-01-02T12:00:00Z", "source": "libvirt"},
    ]
    pool = objects.PciDevicePool(product_id="1db4", vendor_id="10de", numa_node=0, tags={}, count=3)
    return objects.ComputeNode(
        id=1,
        uuid=uuid(40),
        host="cmp-1",
        hypervisor_hostname="node-1",
        hypervisor_type="QEMU",
        hypervisor_version=8002000,
        host_ip="192.0.2.11",
        cpu_info=json.dumps({"arch": "x86_64", "features": ["avx2"]}),
        supported_hv_specs=[objects.HVSpec(arch="x86_64", hv_type="kvm", vm_mode="hvm")],
        stats={"io_workload": "3", "failed_builds": "1", "num_instances": "2", "ssd": "true", "gone": None},
        metrics=json.dumps(metrics),
        numa_topology=None,
        pci_device_pools=objects.PciDevicePoolList(objects=[pool]),
        updated_at=NOON,
        mapped=1,
        **usage,
        **more,
        **ratios,
    )


def service():
    state = {"disabled": True, "disabled_reason": "burning", "forced_down": False, "last_seen_up": NOON}
    return objects.Service(
        id=1,
        uuid=uuid(41),
        host="cmp-1",
        binary="nova-compute",
        topic="compute",
        report_count=5,
        created_at=NOON,
        **state,
    )


def aggregate(number, hosts):
    metadata = {"availability_zone": "az1", "ssd": "true"}
    return objects.Aggregate(id=number, uuid=uuid(30 + number), name=f"rack-{number}", hosts=hosts, metadata=metadata)


def legacy():
    spec = request()
    return [spec.to_legacy_request_spec_dict(), spec.to_legacy_filter_properties_dict()]


def printed(value):
    return sorted(value) if isinstance(value, set) else value.obj_to_primitive()


def sound(primitive):
    """Put what was a set into an order, so that the same objects are always printed alike."""
    if isinstance(primitive, dict):
        return {name: sound(value) for name, value in primitive.items()}
    if isinstance(primitive, (list, tuple)):
        parts = [sound(value) for value in primitive]
        return sorted(parts) if all(isinstance(part, str) for part in parts) else parts
    return primitive


def everything():
    return {
        "request": request(),
        "in_a_cell": in_a_cell(),
        "refused": refused(),
        "legacy": legacy(),
        "flavor": flavor(),
        "image": image(),
        "group": group(),
        "compute_node": compute_node(),
        "service": service(),
        "aggregates": [aggregate(1, ["cmp-1", "cmp-2"]), aggregate(2, ["CMP-1"])],
    }


if __name__ == "__main__":
    assert utils.request_is_rebuild(refused()["scheduler_hints['_nova_check_type']"])
    print(json.dumps(sound(json.loads(json.dumps(everything(), default=printed))), indent=1, sort_keys=True))
