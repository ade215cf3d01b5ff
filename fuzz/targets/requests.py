"""What comes from a controller, and through it from tenants: requests, extra specs, operators, versions, instances."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec

from fuzz.target import Target
from fuzz.targets.answers import CONSUMER, HOST, SHARING
from placement_client.errors import InvalidQuery
from placement_client.query import to_query_string
from scheduler.cli.schedule import read_request
from scheduler.errors import InvalidRequest
from scheduler.filters import load_filters, operators, queries, versions
from scheduler.filters.registry import built_in
from scheduler.model import AggregateFact, Flavor, Image, RequestSpec
from scheduler.model.admission import checked_instances
from scheduler.prefilters import Asking, Facts, Refusal, placement_queries
from scheduler.selection import Plugins, check_request
from scheduler.settings import FilterSettings, OrderSettings, PrefilterSettings, SchedulerSettings, WeigherSettings
from scheduler.weighers import load_weighers

# Every prefilter, with something for it to find.
ASKING = Asking(
    limit=10,
    microversion="1.39",
    facts=Facts({UUID(HOST): AggregateFact(uuid=UUID(HOST), name="z", metadata={"availability_zone": "z"})}),
    settings=PrefilterSettings(
        limit_tenants_to_placement_aggregate=True,
        query_placement_for_image_type_support=True,
        enable_isolated_aggregate_filtering=True,
        image_metadata_prefilter=True,
        query_placement_for_routed_network_aggregates=True,
        require_owner_nova=True,
    ),
)

# Reasons that the caller puts behind the name of the extra spec or property.
REASON = re.compile(r"\S.{5,200}")


def targets() -> Iterator[Target]:
    """Yield the targets of this module."""
    deep = _Deep()
    raises = (InvalidRequest, InvalidQuery)
    yield Target(name="request", run=deep.request, raises=raises, seeds=REQUESTS, words=REQUEST_WORDS)
    yield Target(name="request-file", run=deep.file, raises=raises, seeds=REQUEST_FILES, words=REQUEST_WORDS)
    yield Target(name="extra-specs", run=deep.specs, raises=raises, seeds=SPECS, words=SPEC_WORDS)
    yield Target(
        name="request-values", run=deep.values, raises=raises, seeds=VALUES, shape="words", words=REQUEST_WORDS
    )
    yield Target(
        name="instances", run=_instances, raises=(InvalidRequest,), seeds=INSTANCES, words=(b"instance_uuids",)
    )
    yield Target(
        name="operators",
        run=_operator,
        raises=(operators.MalformedRequirement,),
        seeds=REQUIREMENTS,
        shape="words",
        words=OPERATOR_WORDS,
        place=REASON,
    )
    yield Target(
        name="versions",
        run=_version,
        raises=(versions.MalformedPredicate,),
        seeds=PREDICATES,
        shape="words",
        words=VERSION_WORDS,
        place=REASON,
    )
    yield Target(
        name="queries", run=_query, raises=(queries.MalformedQuery,), seeds=QUERIES, words=QUERY_WORDS, place=REASON
    )


class _Deep:
    """Takes a request as far as the flow does before it asks Placement."""

    def __init__(self) -> None:
        every = FilterSettings(enabled_filters=tuple(built_in(FilterSettings())))
        self._plugins = Plugins(load_filters(every), load_weighers(WeigherSettings()), OrderSettings())

    def request(self, data: bytes) -> None:
        RequestSpec.from_json(data, lenient=True).checked(lenient=True)
        spec = RequestSpec.from_json(data)
        if spec.checked() != spec:
            raise AssertionError("a request that was checked is not what it was")
        self._ask(spec)

    def file(self, data: bytes) -> None:
        self._ask(read_request(data, SchedulerSettings().max_instances).spec)

    def specs(self, data: bytes) -> None:
        """Read two objects, extra specs and image properties, as those of an otherwise plain request."""
        try:
            extra_specs, properties = msgspec.json.decode(data, type=tuple[dict[str, str], dict[str, str]])
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return
        flavor, image = Flavor(vcpus=1, memory_mb=512, extra_specs=extra_specs), Image(properties=properties)
        self._ask(RequestSpec(flavor=flavor, image=image, project_id="p", user_id="u").checked())

    def values(self, data: bytes) -> None:
        """Fill a request that a controller makes in Python with any text, and write it down as the journal does."""
        project, user, host, key, value = (data.decode("utf-8", "surrogateescape").split(" ") + [""] * 5)[:5]
        flavor = Flavor(vcpus=1, memory_mb=512, extra_specs={key: value})
        spec = RequestSpec(flavor=flavor, project_id=project, user_id=user, ignore_hosts=(host,)).checked()
        msgspec.json.encode(spec)
        self._ask(spec)

    def _ask(self, spec: RequestSpec) -> None:
        check_request(self._plugins, spec)
        queries = placement_queries(spec, ASKING, fallback=True)
        if isinstance(queries, Refusal):
            return
        for query in queries:
            to_query_string(query, "1.39")


def _instances(data: bytes) -> None:
    """Read a list of anything as the instances of a request."""
    try:
        named: Any = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return
    if isinstance(named, list):
        found = checked_instances(named, 100)
        if not all(isinstance(one, UUID) for one in found):
            raise AssertionError("an instance is not a UUID")


def _operator(data: bytes) -> None:
    """Read the first line as a requirement and ask it about every other line."""
    requirement, *values = data.decode("utf-8", "surrogateescape").split("\n")
    holds = operators.predicate_of(requirement)
    for value in values:
        if not isinstance(holds(value), bool):
            raise AssertionError("an answer is neither yes nor no")


def _version(data: bytes) -> None:
    """Read the first line as a predicate and ask it about the version numbers on the others."""
    predicate, *numbers = data.decode("utf-8", "surrogateescape").split("\n")
    holds = versions.predicate_of(predicate)
    for number in numbers:
        if number.isascii() and number.isdecimal() and len(number) < 20:
            holds(versions.version_of(int(number)))


def _query(data: bytes) -> None:
    """Read a text as the query of JsonFilter."""
    if not callable(queries.query_of(data.decode("utf-8", "surrogateescape"))):
        raise AssertionError("a query cannot be asked")


def _json(*documents: object) -> tuple[bytes, ...]:
    return tuple(msgspec.json.encode(document) for document in documents)


_PLAIN: dict[str, Any] = {"flavor": {"vcpus": 1, "memory_mb": 512}, "project_id": "p", "user_id": "u"}
_FULL: dict[str, Any] = {
    "flavor": {
        "name": "m1.large", "vcpus": 4, "memory_mb": 8192, "root_gb": 20, "ephemeral_gb": 1, "swap": 512,
        "extra_specs": {
            "resources:VCPU": "2", "trait:HW_CPU_X86_VMX": "required", "resources_PORT:SRIOV_NET_VF": "1",
            "trait_PORT:CUSTOM_X": "forbidden", "group_policy": "none",
            "capabilities:hypervisor_type": "<or> QEMU <or> xen",
            "hw:boot_menu": "true", "member_of": f"in:{HOST},{SHARING} !{CONSUMER}", "required": "in:A,B",
            "in_tree_PORT": HOST, "same_subtree": "_p1,_PORT", "root_required": "C,!D",
        },
    },
    "project_id": "p", "user_id": "u", "num_instances": 2, "is_bfv": True,
    "image": {
        "id": "i", "disk_format": "qcow2", "traits_required": ["CUSTOM_Y"],
        "properties": {"hw_architecture": "x86_64", "img_hv_requested_version": ">=2.0, <9"},
    },
    "instance_group": {"policy": "anti-affinity", "members": [CONSUMER], "hosts": ["cmp-1"], "max_server_per_host": 2},
    "requested_destination": {"host": "cmp-1", "node": "n", "aggregates": [[HOST]], "forbidden_aggregates": [SHARING]},
    "force_hosts": ["cmp-1"], "force_nodes": ["n"], "ignore_hosts": ["cmp-2"],
    "requested_resources": [
        {"requester_id": "_p1", "resources": {"SRIOV_NET_VF": 1}, "required_traits": ["CUSTOM_Z"], "in_tree": HOST,
         "forbidden_traits": ["CUSTOM_W"], "aggregates": [[HOST]], "any_of_traits": [["E", "F"]],
         "forbidden_aggregates": [SHARING]},
    ],
    "availability_zone": "z",
    "requested_networks": [
        {"network_id": "n", "port_id": "p", "segments": [[HOST], [SHARING]], "remote_managed": True},
    ],
    "group_policy": "none", "root_required": ["A"], "root_forbidden": ["B"], "same_subtree": [["_p1", "_PORT"]],
    "consumer_type": "INSTANCE", "instance_uuid": CONSUMER,
}  # fmt: skip
_HINTS = {"scheduler_hints": {"group": "g", "different_host": ["a", "b"], "_nova_check_type": "rebuild"}}
_READ_HINTS = {"scheduler_hints": {"query": '["=", "$host", "a"]', "build_near_host_ip": "10.0.0.1", "cidr": "/24"}}
REQUESTS = _json(_PLAIN, _FULL, _PLAIN | _HINTS, _PLAIN | _READ_HINTS)
QUERIES = _json(
    ["and", [">=", "$free_ram_mb", 1024, 2.5], ["not", ["in", "$stats.ssd", "yes", True]], []],
    ["or", ["<", "$cpu_info.topology.cores", 8], ["=", "$hypervisor_type", "QEMU"]],
)
QUERY_WORDS = tuple(
    b"= < > in <= >= not or and $host $stats. $cpu_info.a.b $free_ram_mb $x null 1e999 NaN [ ] {}".split()
)
REQUEST_FILES = _json(_PLAIN | {"instance_uuids": [CONSUMER]}, _FULL | {"instance_uuids": [CONSUMER, HOST]})
_HARDWARE = {
    "hw:cpu_policy": "mixed",
    "hw:cpu_dedicated_mask": "0-1,^1",
    "hw:emulator_threads_policy": "isolate",
    "hw:pmem": "A,B",
    "hw:cpu_thread_policy": "require",
    "hw:mem_encryption": "yes",
    "accel:device_profile": "x",
    "os:secure_boot": "required",
}
_HARDWARE_PROPERTIES = {
    "hw_tpm_version": "2.0",
    "hw_firmware_type": "uefi",
    "hw_machine_type": "q35",
    "hw_disk_bus": "virtio",
    "hw_ephemeral_encryption": "true",
    "hw_sound_model": "virtio",
    "hw_cpu_realtime_mask": "^0-1",
}
_SPECS = _FULL["flavor"]["extra_specs"] | {"same_subtree": "_PORT"}
VALUES = (b"p u cmp-1 x y",)
SPECS = _json(
    [_SPECS, _FULL["image"]["properties"]],
    [{"quota:cpu_shares": "1", "x": "s== y"}, {"hw_numa_nodes": "2"}],
    [_HARDWARE, _HARDWARE_PROPERTIES],
    [{"hw:cpu_policy": "dedicated"}, _HARDWARE_PROPERTIES],
)
INSTANCES = _json([CONSUMER, HOST], [CONSUMER.upper()])
REQUIREMENTS = (
    b">= 2.5\n3\n2.4\nx", b"<or> a <or> b\na\nb\nc", b"<all-in> a b\nba\na", b"<in> abc\nxabcx", b"s!= x\ny\nx",
    b"plain\nplain", b"= 1e300\n1e308", b"!= 0\n-0",
)  # fmt: skip
OPERATOR_WORDS = tuple(
    b"= == != >= <= s== s!= s< s<= s> s>= <in> <all-in> <or> < > ! 1 1.5 -1 +1 1e999 1e-9 .5 5. nan inf 0x1 1_0".split()
)
PREDICATES = (b"(>=2.0, <3)\n2012001\n3000000", b"!= 1.2.3\n1002003", b"==8,<=9,>7\n0\n8000000")
VERSION_WORDS = tuple(b"( ) , < <= == != > >= 1 2.0 1.2.3.4.5.6.7.8.9.10.11 999999999 1000000000 . v1 1.0a =".split())
SPEC_WORDS = (
    *OPERATOR_WORDS, b"resources", b"resources:", b"resources_A:", b"trait:", b"trait_A:", b"required", b"forbidden",
    b"group_policy", b"none", b"isolate", b"capabilities:", b"hw:", b"quota:", b"hw_numa_nodes", b"VCPU", b"CUSTOM_X",
    b":", b"2147483647", b"2147483648", b"0", b"img_hv_type", b"hw_architecture", b"hypervisor_type",
    b"img_hv_requested_version", b"member_of", b"in:", b"!", b"in_tree", b"same_subtree", b"root_required", b"isolate",
    b"hw:cpu_policy", b"dedicated", b"mixed", b"hw:cpu_dedicated_mask", b"hw:cpu_realtime", b"hw:cpu_realtime_mask",
    b"^0-3", b"hw_firmware_type", b"uefi", HOST.encode(),
)  # fmt: skip
REQUEST_WORDS = (
    b"scheduler_hints", b"_nova_check_type", *SPEC_WORDS, *(name.encode() for name in _FULL),
    *(name.encode() for name in _FULL["requested_resources"][0]), b"affinity", b"anti-affinity", b"SCHED_RESERVATION",
    b"instance_uuids", b"cmp-1", b"CMP-1", HOST.encode(), CONSUMER.encode(),
)  # fmt: skip
