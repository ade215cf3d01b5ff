"""Placement's nouns as frozen values, decoded strictly.

Types are narrow on purpose: an amount is an integer from 1 to 2**31-1, an identifier is a ``uuid.UUID``, a resource
class or trait is upper case. An answer that does not fit is a ``BadAnswer``, never a surprise further up.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

MAX_AMOUNT = 2**31 - 1

Amount = Annotated[int, Meta(ge=1, le=MAX_AMOUNT)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Ratio = Annotated[float, Meta(ge=-3.40282e38, le=3.40282e38)]  # what Placement stores: a float of single precision
NAME = r"\A[A-Z0-9_]{1,255}\Z"
Name = Annotated[str, Meta(pattern=NAME)]
OwnerId = Annotated[str, Meta(min_length=1, max_length=255)]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request to Placement, ready to send.

    ``path`` is complete and escaped; ``template`` is the same with placeholders, for messages; ``microversion`` is
    "1.39" or None for version discovery. ``when_slow`` tells an operator what to do where no answer comes in time.
    """

    method: str
    path: str
    template: str
    body: bytes | None = None
    microversion: str | None = None
    request_id: str | None = None
    max_bytes: int = 1 << 20
    when_slow: str = ""

    @property
    def operation(self) -> str:
        """Return the method and path template, safe to show."""
        return f"{self.method} {self.template}"

    @property
    def changes(self) -> bool:
        """Tell whether the request may change something at the server."""
        return self.method != "GET"


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete HTTP answer; header names are lower case. Cookies and server text stay out of its ``repr``."""

    status: int
    headers: dict[str, str] = dataclasses.field(repr=False)
    body: bytes = dataclasses.field(repr=False)

    @property
    def age_s(self) -> float | None:
        """Return how long ago the server last changed what it shows, by its own clock; None when it does not say."""
        shown, changed = (_http_date(self.headers.get(name, "")) for name in ("date", "last-modified"))
        return None if shown is None or changed is None else max(0.0, (shown - changed).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):  # what a malformed date can raise
        return None
    return moment if moment.tzinfo else None


class Version(Struct, frozen=True):
    """What a server says it speaks."""

    id: str
    min_version: str
    max_version: str


class Resources(Struct, frozen=True, gc=False):
    """Amounts by resource class on one provider; the names in an answer are checked once for all of it."""

    resources: dict[str, Amount]


class AllocationRequest(Struct, frozen=True, gc=False):
    """One way to satisfy a request: amounts by provider, and which providers serve which request group."""

    allocations: dict[UUID, Resources]
    mappings: dict[str, list[UUID]] = field(default_factory=dict)


class ResourceSummary(Struct, frozen=True, gc=False):
    """Capacity (total less reserved, times the allocation ratio) and use of one class on one provider."""

    capacity: Count
    used: Count


class ProviderSummary(Struct, frozen=True, gc=False):
    """What one provider of a candidate tree has."""

    resources: dict[Name, ResourceSummary]
    traits: list[Name] = field(default_factory=list)
    parent_provider_uuid: UUID | None = None
    root_provider_uuid: UUID | None = None


class AllocationCandidates(Struct, frozen=True):
    """The answer to a candidate query: the ways to satisfy it, and the providers they name."""

    allocation_requests: list[AllocationRequest]
    provider_summaries: dict[UUID, ProviderSummary]


class ProviderAllocation(Struct, frozen=True):
    """What one consumer holds on one provider."""

    resources: dict[Name, Amount]
    generation: Count | None = None


class ConsumerAllocations(Struct, frozen=True):
    """What one consumer holds; empty with no generation when Placement does not know it."""

    allocations: dict[UUID, ProviderAllocation]
    consumer_generation: Count | None = None
    project_id: str | None = None
    user_id: str | None = None
    consumer_type: str | None = None

    def amounts(self) -> dict[UUID, dict[str, int]]:
        """Return the amounts by provider and class, to compare with what was written."""
        return {provider: dict(held.resources) for provider, held in self.allocations.items()}


class ConsumerWrite(Struct, frozen=True):
    """What a consumer shall hold from now on: all of it, replacing what it held.

    ``consumer_generation`` None means that the consumer must be new. Empty ``allocations`` remove the consumer.
    """

    allocations: dict[UUID, Resources]
    project_id: OwnerId
    user_id: OwnerId
    consumer_generation: int | None = None
    consumer_type: str = "INSTANCE"
    mappings: dict[str, list[UUID]] = field(default_factory=dict)


class ResourceProvider(Struct, frozen=True):
    """A resource provider as listed."""

    uuid: UUID
    name: str
    generation: Count
    parent_provider_uuid: UUID | None = None
    root_provider_uuid: UUID | None = None


class Inventory(Struct, frozen=True):
    """The inventory of one resource class on one provider."""

    total: Amount
    reserved: Count = 0
    min_unit: Amount = 1
    max_unit: Amount = MAX_AMOUNT
    step_size: Amount = 1
    allocation_ratio: Ratio = 1.0

    @property
    def capacity(self) -> int:
        """Return what can be allocated: (total - reserved) * allocation_ratio, rounded down."""
        return int((self.total - self.reserved) * self.allocation_ratio)


class Inventories(Struct, frozen=True):
    """All inventories of one provider."""

    resource_provider_generation: Count
    inventories: dict[Name, Inventory]


class ProviderUsages(Struct, frozen=True):
    """The amounts in use on one provider."""

    resource_provider_generation: Count
    usages: dict[Name, Count]


class ProjectUsages(Struct, frozen=True):
    """The amounts a project holds by consumer type, and the number of its consumers; 1.38 and later."""

    usages: dict[str, dict[str, Count]]

    def consumers(self, consumer_type: str) -> int:
        """Return how many consumers of this type exist."""
        return self.usages.get(consumer_type, {}).get("consumer_count", 0)


class HeldOnProvider(Struct, frozen=True):
    """What one consumer holds on the provider that was asked about."""

    resources: dict[Name, Amount]
    consumer_generation: Count | None = None


class ProviderAllocations(Struct, frozen=True):
    """Who holds what on one provider, by consumer UUID as text (Placement accepts any)."""

    resource_provider_generation: Count
    allocations: dict[str, HeldOnProvider]


class Traits(Struct, frozen=True):
    """Names of traits; with a generation when they are a provider's."""

    traits: list[Name]
    resource_provider_generation: Count | None = None


class Aggregates(Struct, frozen=True):
    """The aggregates a provider is a member of."""

    aggregates: list[UUID]
    resource_provider_generation: Count | None = None
