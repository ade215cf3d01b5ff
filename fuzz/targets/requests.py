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
from scheduler.filters import load_filters, operators, versions
from scheduler.model import Flavor, Image, RequestSpec
from scheduler.model.admission import checked_instances
from scheduler.prefilters import placement_query
from scheduler.selection import Plugins, check_request
from scheduler.settings import FilterSettings, OrderSettings, WeigherSettings
from scheduler.weighers import load_weighers

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


class _Deep:
    """Takes a request as far as the flow does before it asks Placement."""

    def __init__(self) -> None:
        filters, weighers = load_filters(FilterSettings()), load_weighers(WeigherSettings())
        self._plugins = Plugins(filters, weighers, OrderSettings())

    def request(self, data: bytes) -> None:
        spec = RequestSpec.from_json(data)
        if spec.checked() != spec:
            raise AssertionError("a request that was checked is not what it was")
        self._ask(spec)

    def file(self, data: bytes) -> None:
        self._ask(read_request(data).spec)

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
        to_query_string(placement_query(spec, limit=10, microversion="1.39"), "1.39")


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
            "hw:boot_menu": "true",
        },
    },
    "project_id": "p", "user_id": "u", "num_instances": 2, "is_bfv": True,
    "image": {
        "id": "i", "traits_required": ["CUSTOM_Y"],
        "properties": {"hw_architecture": "x86_64", "img_hv_requested_version": ">=2.0, <9"},
    },
    "instance_group": {"policy": "anti-affinity", "members": [CONSUMER], "hosts": ["cmp-1"], "max_server_per_host": 2},
    "requested_destination": {"host": "cmp-1", "node": "n", "aggregates": [[HOST]], "forbidden_aggregates": [SHARING]},
    "force_hosts": ["cmp-1"], "force_nodes": ["n"], "ignore_hosts": ["cmp-2"],
    "requested_resources": [
        {"requester_id": "_p1", "resources": {"SRIOV_NET_VF": 1}, "required_traits": ["CUSTOM_Z"], "in_tree": HOST,
         "forbidden_traits": ["CUSTOM_W"], "aggregates": [[HOST]]},
    ],
    "group_policy": "none", "root_required": ["A"], "root_forbidden": ["B"], "same_subtree": [["_p1", "_PORT"]],
    "consumer_type": "INSTANCE", "instance_uuid": CONSUMER,
}  # fmt: skip
_HINTS = {"scheduler_hints": {"group": "g", "different_host": ["a", "b"], "_nova_check_type": "rebuild"}}
REQUESTS = _json(_PLAIN, _FULL, _PLAIN | _HINTS)
REQUEST_FILES = _json(_PLAIN | {"instance_uuids": [CONSUMER]}, _FULL | {"instance_uuids": [CONSUMER, HOST]})
_SPECS = _FULL["flavor"]["extra_specs"]
VALUES = (b"p u cmp-1 x y",)
SPECS = _json([_SPECS, _FULL["image"]["properties"]], [{"quota:cpu_shares": "1", "x": "s== y"}, {"hw_numa_nodes": "2"}])
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
    b"img_hv_requested_version",
)  # fmt: skip
REQUEST_WORDS = (
    b"scheduler_hints", b"_nova_check_type", *SPEC_WORDS, *(name.encode() for name in _FULL),
    *(name.encode() for name in _FULL["requested_resources"][0]), b"affinity", b"anti-affinity", b"SCHED_RESERVATION",
    b"instance_uuids", b"cmp-1", b"CMP-1", HOST.encode(), CONSUMER.encode(),
)  # fmt: skip
