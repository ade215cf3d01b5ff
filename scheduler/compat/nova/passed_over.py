"""What the converters leave out on purpose: fields of Nova that place nothing, each with the reason why it does not."""

from collections.abc import Mapping

_RECORD = "keeps track of the database record"
_PEOPLE = "describes it to people"
_IMAGE = "describes the stored image, not a host"
_ROOM = "Placement says what room there is"

_PERSISTENT = dict.fromkeys(("id", "created_at", "updated_at", "deleted_at", "deleted"), _RECORD)

PASSED_OVER: Mapping[str, Mapping[str, str]] = {
    "RequestSpec": {
        "id": _RECORD,
        "instance_uuid": "the instances are an argument of their own",
        "retry": "counts attempts; nothing places by it since alternates took its place",
        "limits": "an answer of the scheduler to the compute service",
        "security_groups": "no rule of Nova reads it",
        "network_metadata": "read only with a NUMA topology, which is refused",
    },
    "filter_properties": {
        "retry": "counts attempts; nothing places by it since alternates took its place",
        "limits": "an answer of the scheduler to the compute service",
        "instance_type": "the flavor again",
        "config_options": "no rule of Nova reads it",
        "group_updated": "says that the other keys of the group are set",
    },
    "request_spec": {
        "instance_uuids": "the instances are an argument of their own",
        "security_group": "no rule of Nova reads it",
        "block_device_mapping": "no rule of Nova reads it",
    },
    "CellMapping": _PERSISTENT
    | dict.fromkeys(("name", "transport_url", "database_connection"), "is how Nova reaches it")
    | {"disabled": "checked by the API"},
    "RequestGroup": {"provider_uuids": "an answer of the scheduler, not a demand"},
    "Flavor": _PERSISTENT
    | {
        "flavorid": "names it in the API",
        "rxtx_factor": "no rule of Nova reads it",
        "vcpu_weight": "concerns the guest",
        "disabled": "checked by the API",
        "is_public": "checked by the API",
        "projects": "checked by the API",
        "description": _PEOPLE,
    },
    "ImageMeta": _PERSISTENT
    | dict.fromkeys(
        (
            *("checksum", "container_format", "direct_url", "is_public", "locations", "name"),
            *("os_hidden", "owner", "protected", "size", "status", "tags", "virtual_size", "visibility"),
        ),
        _IMAGE,
    )
    | dict.fromkeys(("min_disk", "min_ram"), "checked against the flavor by the API"),
    "InstanceGroup": _PERSISTENT
    | {"name": _PEOPLE, "user_id": "checked by the API", "project_id": "checked by the API"},
    "Aggregate": _PERSISTENT | {"availability_zone": "is in the metadata", "hosts": "is in the facts of each host"},
    "ComputeNode": _PERSISTENT
    | dict.fromkeys(
        (
            *("vcpus", "memory_mb", "local_gb", "vcpus_used", "memory_mb_used", "local_gb_used", "free_ram_mb"),
            *("free_disk_gb", "disk_available_least"),
            *("cpu_allocation_ratio", "ram_allocation_ratio", "disk_allocation_ratio"),
        ),
        _ROOM,
    )
    | {"numa_topology": "read only for requests that are refused"}
    | dict.fromkeys(("current_workload", "running_vms"), "no rule of Nova reads it")
    | dict.fromkeys(("mapped", "service_id"), _RECORD),
    "Service": _PERSISTENT
    | dict.fromkeys(("uuid", "report_count", "version", "compute_node", "host", "binary", "topic"), _RECORD)
    | {"disabled_reason": _PEOPLE, "availability_zone": "is in the metadata of an aggregate"},
    "HostState": dict.fromkeys(
        (
            *("vcpus_total", "vcpus_used", "total_usable_ram_mb", "total_usable_disk_gb", "disk_mb_used"),
            *("free_ram_mb", "free_disk_mb"),
            *("cpu_allocation_ratio", "ram_allocation_ratio", "disk_allocation_ratio", "allocation_candidates"),
        ),
        _ROOM,
    )
    | {
        "numa_topology": "read only for requests that are refused",
        "hypervisor_hostname": "is the name of the node",
        "limits": "an answer of the scheduler to the compute service",
        "num_instances": "counted from the instances",
        "updated": _RECORD,
    },
}
"""By the name of the class, or of the plain dictionary, at Nova: field and reason."""
