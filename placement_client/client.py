"""Placement's API, one method an endpoint, typed in and out.

There is no way to delete allocations: DELETE is unconditional at every microversion, so it can remove what somebody
else wrote. Allocations are removed by writing empty ones with the generation.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import structs

from placement_client.clock import SYSTEM_CLOCK, Clock, Deadline
from placement_client.decode import check, decode
from placement_client.errors import BadAnswer, DeadlineExceeded, VersionRefused
from placement_client.models import (
    Aggregates,
    AllocationCandidates,
    Answer,
    ConsumerAllocations,
    ConsumerWrite,
    Inventories,
    Inventory,
    Name,
    ProjectUsages,
    ProviderAllocations,
    ProviderUsages,
    Request,
    ResourceProvider,
    Traits,
    Version,
)
from placement_client.query import (
    CandidateQuery,
    ProviderFilter,
    minor_of,
    name_segment,
    need,
    provider_query_string,
    to_query_string,
    traits_query_string,
    usages_query_string,
)
from placement_client.retry import RetryPolicy, call
from placement_client.settings import PlacementSettings
from placement_client.transport import Transport

OLDEST_MINOR: Final = 28
NEWEST_MINOR: Final = 39
WIDE_TREES: Final = (
    "where hosts have many like devices Placement tries every combination of them, unless its options "
    "max_allocation_candidates and optimize_for_wide_provider_trees are set"
)

DEFAULT_SETTINGS: Final = PlacementSettings()
ALL_PROVIDERS: Final = ProviderFilter()

T = TypeVar("T")


class Versions(msgspec.Struct, frozen=True):
    """The body of version discovery."""

    versions: list[Version]


class ResourceProviders(msgspec.Struct, frozen=True):
    """The body of a list of resource providers."""

    resource_providers: list[ResourceProvider]


class ResourceClass(msgspec.Struct, frozen=True):
    """One entry of a list of resource classes."""

    name: Name


class ResourceClasses(msgspec.Struct, frozen=True):
    """The body of a list of resource classes."""

    resource_classes: list[ResourceClass]


class Negotiation:
    """The microversion, found once and shared by all views of a client and all their threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: str | None = None

    def result(self, negotiate: Callable[[], str], deadline: Deadline) -> str:
        """Return the microversion, negotiating it when nobody has; a failure is not remembered.

        Raises DeadlineExceeded when another thread negotiates for too long.
        """
        if self._found is not None:
            return self._found
        if not self._lock.acquire(timeout=deadline.remaining()):
            raise DeadlineExceeded("GET /")
        try:
            self._found = self._found or negotiate()
            return self._found
        finally:
            self._lock.release()


class PlacementClient:
    """A client of one Placement server; safe to share between threads.

    A view made by ``within`` belongs to one request: it carries its deadline and id, and counts its calls.
    """

    def __init__(
        self,
        transport: Transport,
        settings: PlacementSettings = DEFAULT_SETTINGS,
        clock: Clock = SYSTEM_CLOCK,
        *,
        negotiation: Negotiation | None = None,
        deadline: Deadline | None = None,
        request_id: str | None = None,
    ) -> None:
        self._transport = transport
        self._settings = settings
        self._clock = clock
        self._policy = RetryPolicy.from_settings(settings.retry)
        self._negotiation = negotiation or Negotiation()
        self._deadline = deadline
        self._request_id = request_id
        self.calls = 0

    def within(self, deadline: Deadline, request_id: str | None = None) -> "PlacementClient":
        """Return a view for one request: all its calls share the deadline and carry the id "req-<uuid>"."""
        return PlacementClient(
            self._transport,
            self._settings,
            self._clock,
            negotiation=self._negotiation,
            deadline=deadline,
            request_id=request_id,
        )

    @property
    def microversion(self) -> str:
        """The microversion of every call, "1.39" for instance; negotiated when first needed."""
        return self._negotiation.result(self._negotiate, self._until())

    def negotiate(self) -> str:
        """Negotiate the microversion now, and return it. Raises VersionRefused below 1.28."""
        return self.microversion

    def versions(self) -> list[Version]:
        """Return what the server speaks."""
        request = Request("GET", "/", "/", request_id=self._request_id)
        return decode(request, self._call(request), Versions).versions

    def get_allocation_candidates(self, query: CandidateQuery) -> AllocationCandidates:
        """Return the ways to satisfy a query. Raises InvalidQuery before sending."""
        template = "/allocation_candidates"
        query_string = to_query_string(query, self.microversion)
        request = self._get_request(template, {}, query_string, max_bytes=self._settings.max_candidates_bytes)
        request = structs.replace(request, when_slow=WIDE_TREES)
        return decode(request, self._call(request), AllocationCandidates)

    def get_allocations(self, consumer: UUID) -> ConsumerAllocations:
        """Return what a consumer holds; empty when Placement does not know it."""
        return self.get_allocations_dated(consumer)[0]

    def get_allocations_dated(self, consumer: UUID) -> tuple[ConsumerAllocations, float | None]:
        """Return what a consumer holds, and for how many seconds; None when the server does not say since when."""
        request = self._get_request("/allocations/{consumer}", {"consumer": consumer})
        answer = self._call(request)
        held = decode(request, answer, ConsumerAllocations, unique=True)
        if held.allocations and held.consumer_generation is None:
            raise BadAnswer(request.operation, hint="allocations come without a generation")
        return held, answer.age_s

    def put_allocations(self, consumer: UUID, write: ConsumerWrite) -> None:
        """Replace what one consumer holds."""
        self._write("PUT", "/allocations/{consumer}", self._body(write), consumer=consumer)

    def post_allocations(self, writes: Mapping[UUID, ConsumerWrite]) -> None:
        """Replace what several consumers hold, all or none."""
        self._write("POST", "/allocations", {str(consumer): self._body(write) for consumer, write in writes.items()})

    def get_provider_allocations(self, provider: UUID) -> ProviderAllocations:
        """Return who holds what on a provider."""
        template = "/resource_providers/{provider}/allocations"
        request = self._get_request(template, {"provider": provider}, max_bytes=self._settings.max_candidates_bytes)
        return decode(request, self._call(request), ProviderAllocations, unique=True)

    def get_provider_usages(self, provider: UUID) -> ProviderUsages:
        """Return the amounts in use on a provider."""
        return self._get(ProviderUsages, "/resource_providers/{provider}/usages", provider=provider)

    def get_project_usages(
        self, project_id: str, user_id: str | None = None, consumer_type: str | None = None
    ) -> ProjectUsages:
        """Return the amounts a project holds by consumer type. Raises InvalidQuery before 1.38."""
        need(True, 38, self.microversion, "usages by consumer type")
        return self._get(ProjectUsages, "/usages", usages_query_string(project_id, user_id, consumer_type))

    def list_resource_providers(self, providers: ProviderFilter = ALL_PROVIDERS) -> list[ResourceProvider]:
        """Return the resource providers that pass a filter. Raises InvalidQuery before sending."""
        query_string = provider_query_string(providers, self.microversion)
        request = self._get_request(
            "/resource_providers", {}, query_string, max_bytes=self._settings.max_candidates_bytes
        )
        return decode(request, self._call(request), ResourceProviders).resource_providers

    def get_resource_provider(self, provider: UUID) -> ResourceProvider:
        """Return one resource provider."""
        return self._get(ResourceProvider, "/resource_providers/{provider}", provider=provider)

    def create_resource_provider(self, name: str, uuid: UUID, parent: UUID | None = None) -> ResourceProvider:
        """Create a resource provider, below ``parent`` if given."""
        body = {"name": name, "uuid": str(uuid)} | ({"parent_provider_uuid": str(parent)} if parent else {})
        return decode(*self._write("POST", "/resource_providers", body), ResourceProvider)

    def get_inventories(self, provider: UUID) -> Inventories:
        """Return the inventories of a provider."""
        return self._get(Inventories, "/resource_providers/{provider}/inventories", provider=provider)

    def set_inventories(self, provider: UUID, generation: int, inventories: Mapping[str, Inventory]) -> Inventories:
        """Replace the inventories of a provider that is at this generation."""
        body = {"resource_provider_generation": generation, "inventories": inventories}
        template = "/resource_providers/{provider}/inventories"
        return decode(*self._write("PUT", template, body, provider=provider), Inventories)

    def get_provider_traits(self, provider: UUID) -> Traits:
        """Return the traits of a provider."""
        return self._get(Traits, "/resource_providers/{provider}/traits", provider=provider)

    def set_provider_traits(self, provider: UUID, generation: int, traits: Iterable[str]) -> Traits:
        """Replace the traits of a provider that is at this generation."""
        body = {"resource_provider_generation": generation, "traits": sorted(traits)}
        return decode(*self._write("PUT", "/resource_providers/{provider}/traits", body, provider=provider), Traits)

    def get_aggregates(self, provider: UUID) -> Aggregates:
        """Return the aggregates of a provider."""
        return self._get(Aggregates, "/resource_providers/{provider}/aggregates", provider=provider)

    def set_aggregates(self, provider: UUID, generation: int, aggregates: Iterable[UUID]) -> Aggregates:
        """Replace the aggregates of a provider that is at this generation."""
        body = {"resource_provider_generation": generation, "aggregates": sorted(map(str, aggregates))}
        template = "/resource_providers/{provider}/aggregates"
        return decode(*self._write("PUT", template, body, provider=provider), Aggregates)

    def list_traits(self, names: Iterable[str] | None = None) -> list[str]:
        """Return the traits that exist, all or those of ``names``."""
        return self._get(Traits, "/traits", traits_query_string(names) if names is not None else "").traits

    def create_trait(self, name: str) -> None:
        """Make sure that a custom trait exists."""
        self._write("PUT", "/traits/{name}", name=name)

    def list_resource_classes(self) -> list[str]:
        """Return the resource classes that exist."""
        return [found.name for found in self._get(ResourceClasses, "/resource_classes").resource_classes]

    def create_resource_class(self, name: str) -> None:
        """Make sure that a custom resource class exists."""
        self._write("PUT", "/resource_classes/{name}", name=name)

    def _negotiate(self) -> str:
        version = highest_common(self.versions())
        if version is None:
            raise VersionRefused("GET /")
        return version

    def _get(self, model: type[T], template: str, query_string: str = "", **names: UUID | str) -> T:
        request = self._get_request(template, names, query_string)
        return decode(request, self._call(request), model)

    def _get_request(
        self, template: str, names: Mapping[str, UUID | str], query_string: str = "", max_bytes: int | None = None
    ) -> Request:
        path = path_of(template, names) + (f"?{query_string}" if query_string else "")
        bound = max_bytes or self._settings.max_answer_bytes
        return Request("GET", path, template, None, self.microversion, self._request_id, bound)

    def _write(self, method: str, template: str, body: Any = None, **names: UUID | str) -> tuple[Request, Answer]:
        content = None if body is None else msgspec.json.encode(body)
        bound = self._settings.max_answer_bytes
        path = path_of(template, names)
        request = Request(method, path, template, content, self.microversion, self._request_id, bound)
        return request, self._call(request)

    def _call(self, request: Request) -> Answer:
        """Send a request and return its authentic success: the one seam of this class."""
        deadline = self._until()
        return call(self._policy, deadline, request, lambda: self._attempt(request, deadline))

    def _until(self) -> Deadline:
        return self._deadline or Deadline.after(self._settings.timeout_s, self._clock)

    def _attempt(self, request: Request, deadline: Deadline) -> Answer:
        self.calls += 1
        answer = self._transport.send(request, deadline)
        check(request, answer)
        return answer

    def _body(self, write: ConsumerWrite) -> dict[str, Any]:
        return encode_write(write, self.microversion)


def highest_common(versions: Iterable[Version]) -> str | None:
    """Return the highest microversion from 1.28 to 1.39 that is spoken, or None."""
    best: int | None = None
    for version in versions:
        low, high = _minor(version.min_version), _minor(version.max_version)
        common = min(high, NEWEST_MINOR)
        if common >= max(low, OLDEST_MINOR):
            best = max(common, best or 0)
    return None if best is None else f"1.{best}"


def encode_write(write: ConsumerWrite, microversion: str) -> dict[str, Any]:
    """Return the body of a write: mappings are known from 1.34 on, the consumer type from 1.38."""
    minor = minor_of(microversion)
    body: dict[str, Any] = {
        "allocations": write.allocations,
        "project_id": write.project_id,
        "user_id": write.user_id,
        "consumer_generation": write.consumer_generation,
    }
    if minor >= 34 and write.mappings:
        body["mappings"] = write.mappings
    if minor >= 38:
        body["consumer_type"] = write.consumer_type
    return body


def path_of(template: str, names: Mapping[str, UUID | str]) -> str:
    """Return a path whose placeholders are UUIDs or validated names, so that no value can change its shape.

    Raises InvalidQuery.
    """
    return template.format_map(
        {key: str(name) if isinstance(name, UUID) else name_segment(name) for key, name in names.items()}
    )


def _minor(version: str) -> int:
    """Return 39 for "1.39", and -1 for anything that is not 1.x."""
    major, _, minor = version.partition(".")
    return int(minor) if major == "1" and minor.isascii() and minor.isdigit() and len(minor) < 4 else -1
