"""The largest answer, decoded apart: each name in it is checked once, and each list of traits is read once.

Thousands of providers have the same few resource classes and the same lists of traits; to check every one of them takes
more time than all the rest of the decoding.
"""

import re
from typing import Final
from uuid import UUID

from msgspec import Raw, Struct, json

from placement_client.models import (
    NAME,
    AllocationCandidates,
    AllocationRequest,
    ProviderSummary,
    ResourceSummary,
)

_NAME: Final = re.compile(NAME)
_NO_TRAITS: Final = Raw(b"[]")


class _Provider(Struct, frozen=True, gc=False):
    resources: dict[str, ResourceSummary]
    traits: Raw = _NO_TRAITS
    parent_provider_uuid: UUID | None = None
    root_provider_uuid: UUID | None = None


class _Answer(Struct, frozen=True, gc=False):
    allocation_requests: list[AllocationRequest]
    provider_summaries: dict[UUID, _Provider]


_ANSWER: Final = json.Decoder(_Answer)
_TRAITS: Final = json.Decoder(list[str])


def candidates_in(body: bytes) -> AllocationCandidates:
    """Return the candidates of an answer. Raises ValueError for a name that is none, and what msgspec raises."""
    answer = _ANSWER.decode(body)
    providers = answer.provider_summaries.values()
    written = [bytes(one.traits) for one in providers]
    traits = {one: _TRAITS.decode(one) for one in set(written)}
    if not all(map(_NAME.fullmatch, _classes(answer).union(*traits.values()))):
        raise ValueError("a resource class or trait has a name that none has")
    summaries = [
        ProviderSummary(one.resources, traits[as_written], one.parent_provider_uuid, one.root_provider_uuid)
        for one, as_written in zip(providers, written, strict=True)
    ]
    return AllocationCandidates(
        answer.allocation_requests, dict(zip(answer.provider_summaries, summaries, strict=True))
    )


def _classes(answer: _Answer) -> set[str]:
    """Return the name of every resource class in an answer."""
    given = [held.resources for request in answer.allocation_requests for held in request.allocations.values()]
    return set().union(*given, *[one.resources for one in answer.provider_summaries.values()])
