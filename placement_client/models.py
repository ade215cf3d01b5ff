"""Placement's nouns as frozen values, decoded strictly.

Types are narrow on purpose: an amount is an integer from 1 to 2**31-1, an identifier is a ``uuid.UUID``, a resource
class or trait is upper case. An answer that does not fit is a ``BadAnswer``, never a surprise further up.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct, field, json

from placement_client.errors import BadAnswer

MAX_AMOUNT = 2**31 - 1
NO_MAPPINGS, NO_TRAITS = Raw(b"{}"), Raw(b"[]")
CANDIDATES = "GET /allocation_candidates"
_MAPPINGS = json.Decoder(dict[str, list[UUID]])

Amount = Annotated[int, Meta(ge=1, le=MAX_AMOUNT)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Ratio = Annotated[float, Meta(ge=-3.40282e38, le=3.40282e38)]  # what Placement stores: a float of single precision
NAME = r"\A[A-Z0-9_]{1,255}\Z"
Name = Annotated[str, Meta(pattern=NAME)]
OwnerId = Annotated[str, Meta(min_length=1, max_length=255)]


class Request(Struct, frozen=True):
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


class WrittenRequest(Struct, frozen=True, gc=False):
    """An allocation request as it was written; ``mappings`` are read when it is taken."""

    allocations: dict[str, Resources]
    mappings: Raw = NO_MAPPINGS

    def typed(self) -> AllocationRequest:
        """Return it with identifiers in place of texts. Raises BadAnswer for what is none."""
        try:
            held = {UUID(uuid): resources for uuid, resources in self.allocations.items()}
            return AllocationRequest(held, _MAPPINGS.decode(self.mappings))
        except ValueError:
            pass
        raise BadAnswer(CANDIDATES, hint="the mappings of a candidate do not have the documented form")


class WrittenSummary(Struct, frozen=True, gc=False):
    """A provider summary as it was written; equal lists of traits are one text."""

    resources: dict[str, ResourceSummary]
    traits: Raw = NO_TRAITS
    parent_provider_uuid: str | None = None
    root_provider_uuid: str | None = None


class WrittenCandidates(Struct, frozen=True):
    """The answer to a candidate query as it was written.

    It has hardly a value that the garbage collector has to look at, which an answer has ten thousand of otherwise: to
    look through them takes longer than everything else that is done with an answer.
    """

    allocation_requests: list[WrittenRequest]
    provider_summaries: dict[str, WrittenSummary]


class AllocationCandidates:
    """The answer to a candidate query: the ways to satisfy it, and the providers they name.

    ``written`` is the answer as text; ``allocation_requests`` and ``provider_summaries`` are made of it when somebody
    looks at them. What is left to be found out then is whether mappings are such; BadAnswer where they are not.
    """

    def __init__(
        self, allocation_requests: Sequence[AllocationRequest], provider_summaries: Mapping[UUID, ProviderSummary]
    ) -> None:
        self.written = WrittenCandidates(
            [_written_request(request) for request in allocation_requests],
            {str(uuid): _written_summary(summary) for uuid, summary in provider_summaries.items()},
        )

    @classmethod
    def of(cls, written: WrittenCandidates) -> "AllocationCandidates":
        """Return the candidates that an answer has."""
        found = cls.__new__(cls)
        found.written = written
        return found

    @cached_property
    def uuids(self) -> dict[str, UUID]:
        """Return the providers by the text of their UUID, in their order. Raises ValueError for two of one UUID."""
        texts = list(self.written.provider_summaries)
        known = dict(zip(texts, msgspec.convert(texts, list[UUID]), strict=True))
        if len({uuid.int for uuid in known.values()}) < len(known):
            raise ValueError("a provider is there twice")
        return known

    @cached_property
    def trait_lists(self) -> tuple[list[int], tuple[list[str], ...]]:
        """Return which of the different lists of traits each provider has, and those. ValueError for what is none."""
        known: dict[bytes, int] = {}
        numbers = [known.setdefault(bytes(one.traits), len(known)) for one in self.written.provider_summaries.values()]
        return numbers, tuple(json.decode(text, type=list[str]) for text in known)

    @cached_property
    def allocation_requests(self) -> list[AllocationRequest]:
        """Return the ways to satisfy the query."""
        return [request.typed() for request in self.written.allocation_requests]

    @cached_property
    def provider_summaries(self) -> dict[UUID, ProviderSummary]:
        """Return what the providers have that the candidates name, and those of the trees of these."""
        numbers, lists = self.trait_lists
        return {
            self.uuids[text]: ProviderSummary(
                one.resources, lists[number], self._uuid(one.parent_provider_uuid), self._uuid(one.root_provider_uuid)
            )
            for number, (text, one) in zip(numbers, self.written.provider_summaries.items(), strict=True)
        }

    @cached_property
    def roots(self) -> tuple[UUID, ...]:
        """Return the root providers of the providers. Raises ValueError for one that has no UUID."""
        said = [(own, one.root_provider_uuid) for own, one in self.written.provider_summaries.items()]
        texts, known = dict.fromkeys([own if root is None else root for own, root in said]), self.uuids
        return tuple([known[text] if text in known else UUID(text) for text in texts])

    def check(self) -> None:
        """Raise ValueError unless every provider, root and parent is known by one UUID."""
        _ = self.uuids, self.roots
        for parent in {one.parent_provider_uuid for one in self.written.provider_summaries.values()}:
            self._uuid(parent)

    def only(self, requests: list[WrittenRequest]) -> "AllocationCandidates":
        """Return the same answer with only these candidates."""
        return AllocationCandidates.of(WrittenCandidates(requests, self.written.provider_summaries))

    def _uuid(self, text: str | None) -> UUID | None:
        return None if text is None else self.uuids.get(text) or UUID(text)

    def __len__(self) -> int:
        return len(self.written.allocation_requests)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AllocationCandidates):
            return NotImplemented
        mine, others = ((one.allocation_requests, one.provider_summaries) for one in (self, other))
        return mine == others

    __hash__ = None  # type: ignore[assignment]  # as for everything that is compared by what it holds


def _written_request(request: AllocationRequest) -> WrittenRequest:
    held = {str(uuid): resources for uuid, resources in request.allocations.items()}
    return WrittenRequest(held, Raw(json.encode(request.mappings)))


def _written_summary(summary: ProviderSummary) -> WrittenSummary:
    parent, root = summary.parent_provider_uuid, summary.root_provider_uuid
    return WrittenSummary(
        summary.resources,
        Raw(json.encode(summary.traits)),
        None if parent is None else str(parent),
        None if root is None else str(root),
    )


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
