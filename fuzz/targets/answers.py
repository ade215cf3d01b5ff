"""What comes from Placement, or from whoever stands in its place: bodies, refusals and headers."""

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from fuzz.target import Target
from fuzz.wording import NUMBERED, SENTENCES
from placement_client.client import ResourceClasses, ResourceProviders, Versions, highest_common
from placement_client.decode import check, decode, request_id_of
from placement_client.errors import BadAnswer, OutcomeUnknown, PlacementError
from placement_client.models import (
    Aggregates,
    AllocationCandidates,
    Answer,
    ConsumerAllocations,
    Inventories,
    ProjectUsages,
    ProviderAllocations,
    ProviderUsages,
    Request,
    ResourceProvider,
    Traits,
)
from scheduler.candidates import amounts_of, hosts_in, sound
from scheduler.hosts import HostSnapshot, build_host_table

HOST, SHARING, CONSUMER = (str(UUID(int=(0xC4F8F7A2 << 96) | (4 << 76) | (9 << 60) | number)) for number in (1, 2, 3))
HEADERS = {"content-type": "application/json", "openstack-api-version": "placement 1.39"}
STATUSES = (400, 401, 403, 404, 406, 409, 429, 500, 503, 301)
READ = Request("GET", "/x", "/x", None, "1.39")
WRITE = Request("POST", "/allocations", "/allocations", b"{}", "1.39")

WORDS = tuple(
    b"VCPU MEMORY_MB CUSTOM_X HW_CPU_X86_VMX resources allocations mappings provider_summaries capacity used traits "
    b"generation consumer_generation resource_provider_generation parent_provider_uuid root_provider_uuid uuid name "
    b"total reserved min_unit max_unit step_size allocation_ratio usages consumer_count errors status detail code "
    b"placement.concurrent_update min_version max_version versions id 1.39 1.28 MISC_SHARES_VIA_AGGREGATE".split()
)

Model = type[Any]
Use = Callable[[Any], object]


def targets() -> Iterator[Target]:
    """Yield the targets of this module."""
    yield _bodies("answer-candidates", [(AllocationCandidates, _use_candidates)], CANDIDATES)
    yield _bodies("answer-allocations", [(ConsumerAllocations, ConsumerAllocations.amounts)], ALLOCATIONS)
    yield _bodies("answer-providers", [(ResourceProviders, _ignore), (ResourceProvider, _ignore)], PROVIDERS)
    yield _bodies("answer-inventories", [(Inventories, _use_inventories)], INVENTORIES)
    yield _bodies("answer-usages", [(ProviderUsages, _ignore), (ProjectUsages, _use_project)], USAGES)
    lists: list[tuple[Model, Use]] = [(ProviderAllocations, _ignore), (Traits, _ignore), (Aggregates, _ignore)]
    yield _bodies("answer-lists", [*lists, (ResourceClasses, _ignore)], LISTS)
    yield _bodies("answer-versions", [(Versions, _use_versions)], VERSIONS)
    yield Target(
        name="answer-refusals", run=_refuse, raises=(PlacementError,), seeds=REFUSALS, words=WORDS, place=SENTENCES
    )
    yield Target(
        name="answer-headers",
        run=_read_headers,
        raises=(PlacementError,),
        seeds=(HEADER_LINES,),
        shape="lines",
        words=HEADER_WORDS,
        place=SENTENCES,
        quoted=NUMBERED,
    )


def _bodies(name: str, models: list[tuple[Model, Use]], seeds: tuple[bytes, ...]) -> Target:
    return Target(
        name=name,
        run=partial(_read, models),
        raises=(BadAnswer, OutcomeUnknown),
        seeds=seeds,
        words=WORDS,
        place=SENTENCES,
    )


def _read(models: list[tuple[Model, Use]], data: bytes) -> None:
    """Read a body as each of the models; a body that is none of them raises the last refusal."""
    answer, refusals = Answer(200, HEADERS, data), []
    for model, use in models:
        for request in (READ, WRITE):
            try:
                use(decode(request, answer, model, unique=request is WRITE))
            except (BadAnswer, OutcomeUnknown) as error:
                refusals.append(error)
    if refusals:
        raise refusals[-1]


def _ignore(value: object) -> None:
    """Use nothing of an answer; that it was read is all."""


def _use_candidates(found: AllocationCandidates) -> None:
    """Go as far with an answer as the flow does before it decides."""
    if len(found):
        sound(found, amounts_of(found.written.allocation_requests[0]))
        hosts_in(found)
        hosts = build_host_table(found, HostSnapshot())
        hosts.has_room()
        hosts.request_of(0)


def _use_inventories(found: Inventories) -> None:
    for inventory in found.inventories.values():
        _ = inventory.capacity


def _use_project(found: ProjectUsages) -> None:
    for consumer_type in found.usages:
        found.consumers(consumer_type)


def _use_versions(found: Versions) -> None:
    highest_common(found.versions)


def _refuse(data: bytes) -> None:
    """Read a refusal of some status; the body decides which, so that an input always means the same."""
    number = zlib.crc32(data)
    request = (READ, WRITE)[number & 1]
    check(request, Answer(STATUSES[(number >> 1) % len(STATUSES)], HEADERS, data))


def _read_headers(data: bytes) -> None:
    """Read the first line as a status and every other line as a header, the way a proxy may have changed it."""
    status, *lines = data.decode("latin-1").split("\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    answer = Answer(int(status[:3]) if status[:3].isdecimal() and status[:3].isascii() else 200, headers, b"{}")
    _ = answer.age_s
    request_id_of(answer)
    check(READ, answer)
    decode(READ, answer, ProjectUsages)


def _json(*documents: object) -> tuple[bytes, ...]:
    return tuple(msgspec.json.encode(document) for document in documents)


_SUMMARY = {"resources": {"VCPU": {"capacity": 8, "used": 2}, "MEMORY_MB": {"capacity": 8192, "used": 0}}}
CANDIDATES = _json(
    {
        "allocation_requests": [
            {"allocations": {HOST: {"resources": {"VCPU": 1, "MEMORY_MB": 512}}}, "mappings": {"": [HOST]}},
            {"allocations": {HOST: {"resources": {"VCPU": 1}}, SHARING: {"resources": {"MEMORY_MB": 512}}}},
        ],
        "provider_summaries": {
            HOST: _SUMMARY | {"traits": ["HW_CPU_X86_VMX"], "parent_provider_uuid": None, "root_provider_uuid": HOST},
            SHARING: _SUMMARY | {"traits": ["MISC_SHARES_VIA_AGGREGATE"], "root_provider_uuid": SHARING},
        },
    },
    {"allocation_requests": [], "provider_summaries": {}},
)
ALLOCATIONS = _json(
    {
        "allocations": {HOST: {"resources": {"VCPU": 1, "MEMORY_MB": 512}, "generation": 7}},
        "consumer_generation": 1, "project_id": "p", "user_id": "u", "consumer_type": "INSTANCE",
    },
    {"allocations": {}},
)  # fmt: skip
_PROVIDER = {"uuid": HOST, "name": "cmp-1", "generation": 3, "parent_provider_uuid": None, "root_provider_uuid": HOST}
PROVIDERS = _json({"resource_providers": [_PROVIDER, _PROVIDER | {"uuid": SHARING, "name": "nfs"}]}, _PROVIDER)
_INVENTORY = {"total": 8, "reserved": 0, "min_unit": 1, "max_unit": 8, "step_size": 1, "allocation_ratio": 16.0}
INVENTORIES = _json({"resource_provider_generation": 3, "inventories": {"VCPU": _INVENTORY, "DISK_GB": {"total": 9}}})
USAGES = _json(
    {"resource_provider_generation": 3, "usages": {"VCPU": 4, "MEMORY_MB": 0}},
    {"usages": {"INSTANCE": {"consumer_count": 2, "VCPU": 4}, "unknown": {"consumer_count": 1}}},
)
_HELD = {"resources": {"VCPU": 1}, "consumer_generation": 2}
LISTS = _json(
    {"resource_provider_generation": 3, "allocations": {CONSUMER: _HELD}},
    {"traits": ["HW_CPU_X86_VMX", "CUSTOM_X"], "resource_provider_generation": 3},
    {"aggregates": [HOST, SHARING], "resource_provider_generation": 3},
    {"resource_classes": [{"name": "VCPU"}, {"name": "CUSTOM_X"}]},
)
VERSIONS = _json({"versions": [{"id": "v1.0", "min_version": "1.0", "max_version": "1.39", "links": []}]})
_CONFLICTS = (
    "There was a conflict.\n\n Unable to allocate inventory: no room",
    "There was a conflict.\n\n consumer generation conflict - expected 1 but got 2",
    "Inventory changed while attempting to allocate: Another thread concurrently updated the resource provider data.",
    "Allocation for resource provider 'x' that does not exist.",
)
REFUSALS = _json(
    *(
        {"errors": [{"status": status, "detail": detail, "code": code, "request_id": "req-1", "min_version": "1.0"}]}
        for status in STATUSES
        for detail in _CONFLICTS
        for code in ("placement.concurrent_update", "placement.undefined_code")
    )
)
HEADER_LINES = (
    b"200\nContent-Type: application/json\nOpenStack-API-Version: placement 1.39\n"
    b"x-openstack-request-id: req-c4f8f7a2-30dd-4b0f-9f0e-2f4c4d1d0001\nDate: Fri, 01 Aug 2025 10:00:00 GMT\n"
    b"Last-Modified: Fri, 01 Aug 2025 09:59:00 GMT\nRetry-After: 120\nContent-Length: 2"
)
HEADER_WORDS = (
    b"Retry-After: -1", b"Retry-After: 99999999999999999999", b"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT",
    b"OpenStack-API-Version: placement 1.38", b"OpenStack-API-Version: compute 2.1, placement 1.39",
    b"Content-Type: application/json; charset=utf-8", b"Content-Type: text/html", b"Date: Mon, 99 Feb 0000 99:99:99",
    b"Last-Modified: Fri, 01 Aug 2025 10:00:00 +9999", b"Date: 1 Jan 1 00:00 -2400", b"503", b"409", b"406", b"999",
)  # fmt: skip
