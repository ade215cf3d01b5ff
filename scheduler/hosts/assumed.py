"""The hosts of an answer as they are once the requests in flight have what they were given."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from uuid import UUID

import numpy as np
from msgspec import Struct

from scheduler.hosts.table import HostTable

Assumed = tuple[tuple[UUID, str, int], ...]
"""(provider, class, amount): what requests in flight take on the providers of one answer."""


class Standing(Struct, frozen=True, eq=False, dict=True):
    """The host table of one answer, from which several requests start, each with what those before it take."""

    hosts: HostTable

    @cached_property
    def _slots(self) -> Mapping[tuple[int, str], int]:
        slots = self.hosts.offers.slots
        return {
            (uuid.int, name): at for at, (uuid, name) in enumerate(zip(slots.providers, slots.classes, strict=True))
        }

    def of(self, taken: Mapping[tuple[UUID, str], int]) -> Assumed:
        """Return what of these amounts is on the providers of the answer, in one order."""
        here = ((uuid, name, amount) for (uuid, name), amount in taken.items() if (uuid.int, name) in self._slots)
        return tuple(sorted(here))

    def with_use(self, assumed: Iterable[tuple[UUID, str, int]]) -> HostTable:
        """Return the table in which these amounts are in use, too; LookupError for a provider without that class."""
        taken = [(self._slots[uuid.int, name], amount) for uuid, name, amount in assumed]
        if not taken:
            return self.hosts
        slots, amounts = zip(*taken, strict=True)
        return self.hosts.using(np.array(slots, dtype=np.int64), np.array(amounts, dtype=np.int64))
