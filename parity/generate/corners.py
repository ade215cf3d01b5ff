"""Corners that are written down: what Nova is known for, and what few draws would meet."""

from parity.case import Case, uuid
from parity.generate.questions import IMAGES, PINNED, SUFFIXED

_AGGREGATE = {"900": {"ram_weight_multiplier": "2"}, "901": {"ram_weight_multiplier": "-3"}}
_FREE = ({"room": {"MEMORY_MB": [100, 0]}}, {"room": {"MEMORY_MB": [200, 0]}})

_BATCH = {"instances": [1], "images": {"1": {"os_distro": "x"}}}

CORNERS: dict[str, list[Case]] = {
    "JsonFilter": [
        {"request": {"scheduler_hints": {"query": '["and", ["not", ["=", 1, 1]]]'}}, "hosts": [{}]},
        {"request": {"scheduler_hints": {"query": '["=", "$host", ""]'}}, "hosts": [{}]},
        {"request": {"scheduler_hints": {"query": '[">=", "$host", ""]'}}, "hosts": [{}]},
    ],
    "AggregateImagePropertiesIsolation": [
        {
            "request": {"image": {"properties": {"licensed": "no"}}},
            "hosts": [{"aggregates": [900]}, {}],
            "aggregates": {"900": {"licensed": "yes"}},
        },
    ],
    "ComputeCapabilitiesFilter": [
        # "=" means at least; ">=24" without a blank compares texts
        {"request": {"flavor": {"extra_specs": {"capabilities:free_ram_mb": "= 8000"}}}, "hosts": [{}]},
        {"request": {"flavor": {"extra_specs": {"capabilities:stats:a": ">=24"}}}, "hosts": [{"stats": {"a": ">=24"}}]},
        {"request": {"flavor": {"extra_specs": {"capabilities:a": "s>= 9"}}}, "hosts": [{"stats": {"a": "10"}}]},
        {
            "request": {"flavor": {"extra_specs": {"capabilities:cpu_info:features": "<in> avx"}}},
            "hosts": [{"cpu_info": {"features": ["avx2"]}}, {"cpu_info": {"features": []}}, {}],
        },
    ],
    "SameHostFilter": [
        # any of those listed is enough
        {
            "request": {"scheduler_hints": {"same_host": [uuid(1), uuid(2)]}},
            "hosts": [{"instances": [1]}, {"instances": [2]}, {"instances": [1, 2]}, {}],
        },
    ],
    "ServerGroupAntiAffinityFilter": [
        # the host that the instance is on may keep it
        {
            "request": {
                "instance_uuid": uuid(1),
                "instance_group": {"policy": "anti-affinity", "members": [uuid(1), uuid(2)], "hosts": ["h0", "h0"]},
            },
            "hosts": [{"instances": [1, 2]}, {}],
        },
    ],
    "SimpleCIDRAffinityFilter": [
        {
            "request": {"scheduler_hints": {"build_near_host_ip": "192.0.2.1", "cidr": "24"}},
            "hosts": [{"host_ip": "192.0.2.9"}],
        },
    ],
    "IsolatedHostsFilter": [
        # an instance that boots from a volume has no image, and is not isolated
        {
            "request": {},
            "hosts": [{}, {}],
            "options": {"filter_scheduler": {"isolated_hosts": ["h0"], "isolated_images": ["i"]}},
        },
        {
            "request": {"image": {"id": "i"}},
            "hosts": [{}, {}],
            "options": {"filter_scheduler": {"isolated_hosts": [], "isolated_images": ["i"]}},
        },
    ],
    "RAMWeigher": [
        # equal values are 0 without a bound, and 1 with one; less than nothing is nothing
        {"request": {}, "hosts": [{}, {}]},
        {"request": {}, "hosts": [{"room": {"MEMORY_MB": [0, 0]}}, {"room": {"MEMORY_MB": [0, 5]}}]},
        # the least multiplier of the aggregates, also where it is negative
        {
            "request": {},
            "hosts": [{**_FREE[0], "aggregates": [900, 901]}, {**_FREE[1], "aggregates": [900]}],
            "aggregates": _AGGREGATE,
        },
    ],
    "NumInstancesWeigher": [{"request": {}, "hosts": [{"instances": [1]}, {"instances": [2]}]}],
    "PCIWeigher": [
        {"request": {}, "hosts": [{"free_pci_devices": 99}, {"free_pci_devices": 100}, {"free_pci_devices": 98}]}
    ],
    "map_az_to_placement_aggregate": [
        {"request": {"availability_zone": "gone"}, "hosts": []},
        {"request": {"availability_zone": "nova"}, "hosts": [], "aggregates": {"900": {"availability_zone": "nova"}}},
    ],
    "query": [
        # an amount of 0 takes a class away; swap is counted in GiB, rounded up; a volume's disk is not
        {
            "request": {"flavor": {"vcpus": 4, "extra_specs": {"resources:VCPU": "0", "resources:CUSTOM_A": "1"}}},
            "hosts": [],
        },
        {"request": {"flavor": {"root_gb": 20, "ephemeral_gb": 1, "swap": 1025}, "is_bfv": True}, "hosts": []},
        # each set of extra specs, and of image properties, alone
        *({"request": {"flavor": {"vcpus": 4, "extra_specs": specs}}, "hosts": []} for specs in (*PINNED, *SUFFIXED)),
        *({"request": {"image": {"properties": properties}}, "hosts": []} for properties in IMAGES),
        # a group that is in two places
        {
            "request": {
                "flavor": {"extra_specs": {"resources1:VGPU": "1"}},
                "requested_resources": [{"requester_id": "1", "resources": {"FPGA": 1}}],
            },
            "hosts": [],
        },
    ],
    "decision": [
        # forced hosts skip the filters
        {
            "request": {"force_hosts": ["H1"]},
            "hosts": [{}, {"disabled": True}],
            "instances": [21],
            "filters": ["ComputeFilter"],
            "weighers": ["RAMWeigher"],
        },
        # the image of the first instance counts for the second
        {
            "request": {"image": {"properties": {"os_distro": "x"}}},
            "hosts": [{}, _BATCH],
            "instances": [21, 22, 23],
            "filters": [],
            "weighers": ["ImagePropertiesWeigher"],
            "options": {"filter_scheduler": {"image_props_weight_multiplier": -1.0}},
        },
        # nothing is left for the second instance
        {
            "request": {},
            "hosts": [{}],
            "instances": [21, 22],
            "filters": ["NumInstancesFilter"],
            "weighers": [],
            "options": {"filter_scheduler": {"max_instances_per_host": 1}},
        },
        # a batch that must be together, and one that must be apart
        {
            "request": {"instance_group": {"policy": "affinity", "members": [uuid(21), uuid(22)]}},
            "hosts": [{}, {}],
            "instances": [21, 22],
            "filters": ["ServerGroupAffinityFilter"],
            "weighers": ["RAMWeigher"],
        },
        {
            "request": {"instance_group": {"policy": "anti-affinity", "members": [uuid(21), uuid(22), uuid(23)]}},
            "hosts": [{}, {}],
            "instances": [21, 22, 23],
            "filters": ["ServerGroupAntiAffinityFilter"],
            "weighers": ["RAMWeigher"],
        },
    ],
}
"""By the name of the rule."""
