"""Snapshots of the facts of a fleet: columns with one numpy row a fact, built once and shared by every request.

Each column has one row more than there are facts: the last row (index -1) is what a host without facts looks like, so a
table that finds no fact for a host points there, and no rule needs a special case.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np

from scheduler.hosts.arrays import AnyArray, BoolArray, Distinct, numbered
from scheduler.hosts.columns import Sparse, columns_of, numbers_of
from scheduler.hosts.indexes import InstanceIndex, Memberships, NameIndex
from scheduler.model.facts import AggregateFact, HostFact

_MEMO_PATHS = 256
_METADATA = "metadata of aggregates:"  # no capability is called like that
_DERIVED = (
    "columns",
    "rows_by_int",
    "aggregate_keys",
    "numbers",
    "_instances",
    "_memberships",
    "_names",
    "_lower_names",
    "_nodes",
    "_memo",
)


@dataclass(frozen=True, eq=False)
class HostSnapshot:
    """Facts of a fleet as columns; f facts, f + 1 rows, the last one for hosts without facts.

    ``provider_uuids[r]`` is the root provider of fact r where one was found. ``reserved`` holds amounts by provider and
    class as far as they were asked for. ``taken_at`` is the wall clock, in seconds, against which ``last_seen_up`` is
    judged.
    """

    facts: tuple[HostFact, ...] = ()
    provider_uuids: tuple[UUID | None, ...] = ()
    provider_names: Mapping[UUID, str] = field(default_factory=dict)
    aggregates: Mapping[UUID, AggregateFact] = field(default_factory=dict)
    reserved: Mapping[tuple[UUID, str], int] = field(default_factory=dict)
    taken_at: float = 0.0

    @cached_property
    def rows_by_int(self) -> Mapping[int, int]:
        """Return the row of each root provider by the UUID's number, which hashes much faster than the UUID."""
        return {uuid.int: row for row, uuid in enumerate(self.provider_uuids) if uuid is not None}

    def rows_of_instance(self, instance: UUID) -> tuple[int, ...]:
        """Return the rows of an instance, ascending: one, two while it moves, none where it is unknown."""
        return self._instances.rows_of(instance)

    def rows_of_host(self, name: str, *, ignore_case: bool = False) -> tuple[int, ...]:
        """Return the rows of a host name, ascending; several for a host with several nodes."""
        return self._lower_names.rows_of(name.lower()) if ignore_case else self._names.rows_of(name)

    def rows_of_node(self, name: str) -> tuple[int, ...]:
        """Return the rows of a node name, ascending."""
        return self._nodes.rows_of(name)

    def members_of(self, aggregate: UUID) -> BoolArray:
        """Return which rows are members of an aggregate, shape (f + 1,)."""
        return self._memberships.members_of(aggregate)

    def aggregates_of(self, rows: BoolArray) -> tuple[AggregateFact, ...]:
        """Return the known aggregates that a row is a member of, in the order in which they are known.

        ``rows`` (f + 1,) says which rows count.
        """
        named = self._memberships.of_rows(rows)
        return tuple(aggregate for uuid, aggregate in self.aggregates.items() if uuid.int in named)

    @cached_property
    def _instances(self) -> InstanceIndex:
        return InstanceIndex.of_facts(self.facts)

    @cached_property
    def _memberships(self) -> Memberships:
        return Memberships.of_facts(self.facts)

    @cached_property
    def _names(self) -> NameIndex:
        return NameIndex.of_names([fact.name for fact in self.facts])

    @cached_property
    def _lower_names(self) -> NameIndex:
        return self._names.renamed([fact.name.lower() for fact in self.facts])

    @cached_property
    def _nodes(self) -> NameIndex:
        return self._names.renamed([fact.nodename for fact in self.facts])

    @cached_property
    def membership(self) -> Mapping[UUID, tuple[UUID, ...]]:
        """Return the aggregates of each root provider."""
        pairs = zip(self.provider_uuids, self.facts, strict=True)
        return {uuid: fact.aggregates for uuid, fact in pairs if uuid is not None}

    @cached_property
    def columns(self) -> Mapping[str, AnyArray]:
        """Return the columns by Nova's attribute name, shape (f + 1,) each."""
        return columns_of(self.facts)

    @cached_property
    def _memo(self) -> dict[tuple[str, ...], Distinct]:
        return {}

    def at(self, taken_at: float) -> "HostSnapshot":
        """Return the same facts looked at later; what is derived from them is found once and shared."""
        for name in _DERIVED:
            getattr(self, name)
        twin = copy(self)
        object.__setattr__(twin, "taken_at", taken_at)
        return twin

    def distinct(self, path: tuple[str, ...]) -> Distinct:
        """Return the distinct values of a capability and, shape (f + 1,), which of them each row has.

        ``path`` is a Nova attribute or a stats key, then keys into it; None is the value of rows that lack it. Found
        once a snapshot and path, so a rule is asked once a value and not once a host.
        """
        known = self._memo.get(path)
        if known is None:
            known = self._remembered(path, _factorized([fact.capability(path) for fact in self.facts]))
        return known

    @cached_property
    def aggregate_keys(self) -> frozenset[str]:
        """Return every metadata key that an aggregate has."""
        return frozenset(key for aggregate in self.aggregates.values() for key in aggregate.metadata)

    def aggregate_values(self, key: str) -> Distinct:
        """Return the distinct sets of values that a metadata key has, and, shape (f + 1,), which of them each row has.

        The set of a row holds what the key says on the aggregates that the row is in, as it is written; it is empty
        where none of them has the key. Found once a snapshot and key.
        """
        path = (_METADATA, key)
        known = self._memo.get(path)
        if known is None:
            said = {uuid: one.metadata[key] for uuid, one in self.aggregates.items() if key in one.metadata}
            known = self._remembered(path, numbered(self._memberships.told(said)))
        return known

    @cached_property
    def numbers(self) -> Mapping[tuple[str, ...], Sparse]:
        """Return the rows that have a measured value or a count of image properties, and the numbers they have.

        Keys are ("metrics", name) and ("image_properties", property, value).
        """
        return numbers_of(self.facts)

    def _remembered(self, path: tuple[str, ...], found: Distinct) -> Distinct:
        if len(self._memo) >= _MEMO_PATHS:
            self._memo.clear()
        self._memo[path] = found
        return found

    def providers_of(self, host: str | None, node: str | None, *, ignore_case: bool = False) -> tuple[UUID, ...]:
        """Return the root providers of a host, a node, or a node of a host, in the order of the facts.

        ``ignore_case`` is for forced hosts: Nova compares the host name (not the node) without case there, and exactly
        for a requested destination.
        """
        of_host = None if host is None else self.rows_of_host(host, ignore_case=ignore_case)
        of_node = None if node is None else self.rows_of_node(node)
        named = [set(rows) for rows in (of_host, of_node) if rows is not None]
        rows = sorted(set.intersection(*named)) if named else range(len(self.facts))
        found = (self.provider_uuids[row] for row in rows)
        return tuple(uuid for uuid in found if uuid is not None)


def snapshot_of(
    facts: Sequence[HostFact],
    *,
    provider_names: Mapping[UUID, str] | None = None,
    aggregates: Iterable[AggregateFact] = (),
    reserved: Mapping[tuple[UUID, str], int] | None = None,
    taken_at: float = 0.0,
) -> HostSnapshot:
    """Build the snapshot of these facts; facts without a provider UUID are matched by provider name."""
    names = provider_names or {}
    by_name = {name: uuid for uuid, name in names.items()}
    return HostSnapshot(
        facts=tuple(facts),
        provider_uuids=tuple(_provider_of(fact, by_name) for fact in facts),
        provider_names=names,
        aggregates={aggregate.uuid: aggregate for aggregate in aggregates},
        reserved=reserved or {},
        taken_at=taken_at,
    )


def _provider_of(fact: HostFact, by_name: Mapping[str, UUID]) -> UUID | None:
    return fact.provider_uuid or by_name.get(fact.nodename) or by_name.get(fact.name)


def _factorized(values: list[Any]) -> Distinct:
    codes: dict[str | None, int] = {}
    firsts: list[Any] = []
    column = np.empty(len(values) + 1, dtype=np.int64)
    for row, value in enumerate((*values, None)):
        key = None if value is None else str(value)
        if key not in codes:
            codes[key] = len(firsts)
            firsts.append(value)
        column[row] = codes[key]
    return column, tuple(firsts)
