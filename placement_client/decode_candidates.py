"""The largest answer, decoded apart: as it was written, with each name and each list of traits checked once.

Thousands of providers have the same few resource classes and the same lists of traits; to check every one of them takes
more time than all the rest of the decoding.
"""

import re
from typing import Final

from msgspec import json

from placement_client.models import NAME, AllocationCandidates, WrittenCandidates

_NAME: Final = re.compile(NAME)
_WRITTEN: Final = json.Decoder(WrittenCandidates)


def candidates_in(body: bytes) -> AllocationCandidates:
    """Return the candidates of an answer. Raises ValueError for a name that is none, and what msgspec raises."""
    found = AllocationCandidates.of(_WRITTEN.decode(body))
    _, trait_lists = found.trait_lists
    if not all(map(_NAME.fullmatch, _classes(found.written).union(*trait_lists))):
        raise ValueError("a resource class or trait has a name that none has")
    found.check()
    return found


def _classes(written: WrittenCandidates) -> set[str]:
    """Return the name of every resource class in an answer."""
    given = [held.resources for request in written.allocation_requests for held in request.allocations.values()]
    return set().union(*given, *[one.resources for one in written.provider_summaries.values()])
