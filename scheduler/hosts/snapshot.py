"""Snapshots of the facts of a fleet: columns with one numpy row a fact, built once and shared by every request.

Each column has one row more than there are facts: the last row (index -1) is what a host without facts looks like, so a
table that finds no fact for a host points there, and no rule needs a special case.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

import numpy as np

from scheduler.hosts.arrays import AnyArray, BoolArray, FloatArray, IntArray, object_array
from scheduler.model.facts import AggregateFact, HostFact

Key = TypeVar("Key", bound=Hashable)
Distinct = tuple[IntArray, tuple[Any, ...]]
Sparse = tuple[IntArray, FloatArray]

_MEMO_PATHS = 256
_METADATA = "metadata of aggregates:"  # no capability is called like that
_DERIVED = (
    "columns",
    "rows_by_int",
    "instance_rows",
    "aggregate_rows",
    "rows_of_host",
    "rows_of_host_lower",
    "rows_of_node",
    "aggregate_keys",
    "numbers",
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
    def row_of(self) -> Mapping[UUID, int]:
        """Return the row of each root provider."""
        return {uuid: row for row, uuid in enumerate(self.provider_uuids) if uuid is not None}

    @cached_property
    def rows_by_int(self) -> Mapping[int, int]:
        """Return the same by the UUID's number, which hashes much faster than the UUID."""
        return {uuid.int: row for uuid, row in self.row_of.items()}

    @cached_property
    def instance_rows(self) -> Mapping[UUID, tuple[int, ...]]:
        """Return the rows of each instance: one, or two while it moves."""
        return _index((instance, row) for row, fact in enumerate(self.facts) for instance in fact.instances)

    @cached_property
    def aggregate_rows(self) -> Mapping[UUID, tuple[int, ...]]:
        """Return the rows that are members of each aggregate."""
        return _index((uuid, row) for row, fact in enumerate(self.facts) for uuid in fact.aggregates)

    @cached_property
    def rows_of_host(self) -> Mapping[str, tuple[int, ...]]:
        """Return the rows of each host name; several for a host with several nodes."""
        return _index((fact.name, row) for row, fact in enumerate(self.facts))

    @cached_property
    def rows_of_host_lower(self) -> Mapping[str, tuple[int, ...]]:
        """Return the rows of each host name in lower case."""
        return _index((fact.name.lower(), row) for row, fact in enumerate(self.facts))

    @cached_property
    def rows_of_node(self) -> Mapping[str, tuple[int, ...]]:
        """Return the rows of each node name."""
        return _index((fact.nodename, row) for row, fact in enumerate(self.facts))

    @cached_property
    def membership(self) -> Mapping[UUID, tuple[UUID, ...]]:
        """Return the aggregates of each root provider."""
        return {uuid: self.facts[row].aggregates for uuid, row in self.row_of.items()}

    @cached_property
    def columns(self) -> Mapping[str, AnyArray]:
        """Return the columns by Nova's attribute name, shape (f + 1,) each."""
        return {name: build(self.facts) for name, build in _COLUMNS.items()}

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

    def rows_mask(self, rows: Collection[int]) -> BoolArray:
        """Return a mask over all f + 1 rows that is set at these."""
        mask = np.zeros(len(self.facts) + 1, dtype=np.bool_)
        mask[list(rows)] = True
        return mask

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
            of_rows = [frozenset(said[uuid] for uuid in fact.aggregates if uuid in said) for fact in self.facts]
            known = self._remembered(path, numbered([*of_rows, frozenset()]))
        return known

    @cached_property
    def numbers(self) -> Mapping[tuple[str, ...], Sparse]:
        """Return the rows that have a measured value or a count of image properties, and the numbers they have.

        Keys are ("metrics", name) and ("image_properties", property, value).
        """
        found: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}
        for row, fact in enumerate(self.facts):
            for key, number in _numbers_of(fact):
                rows, numbers = found.setdefault(key, ([], []))
                rows.append(row)
                numbers.append(number)
        return {key: (np.array(rows, np.int64), np.array(held, np.float64)) for key, (rows, held) in found.items()}

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
        rows = set(range(len(self.facts)))
        if host is not None and ignore_case:
            rows &= set(self.rows_of_host_lower.get(host.lower(), ()))
        elif host is not None:
            rows &= set(self.rows_of_host.get(host, ()))
        if node is not None:
            rows &= set(self.rows_of_node.get(node, ()))
        found = (self.provider_uuids[row] for row in sorted(rows))
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


def _index(pairs: Iterable[tuple[Key, int]]) -> Mapping[Key, tuple[int, ...]]:
    """Return the rows of each key, each once; pairs come by row, so that only the last one can come again."""
    rows: dict[Key, list[int]] = {}
    for key, row in pairs:
        known = rows.setdefault(key, [])
        if not known or known[-1] != row:
            known.append(row)
    return {key: tuple(found) for key, found in rows.items()}


def _numbers_of(fact: HostFact) -> Iterator[tuple[tuple[str, ...], float]]:
    for name, measured in fact.metrics.items():
        yield ("metrics", name), measured
    for name, values in fact.image_properties.items():
        for value, instances in values.items():
            yield ("image_properties", name, value), instances


def numbered(values: Sequence[Hashable]) -> Distinct:
    """Return the distinct values, in the order they are met, and which of them each one is."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return np.array([numbers[value] for value in values], dtype=np.int64), tuple(numbers)


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


def _numbers(name: str) -> Callable[[tuple[HostFact, ...]], IntArray]:
    return lambda facts: np.array([*(getattr(fact, name) for fact in facts), 0], dtype=np.int64)


def _flags(name: str) -> Callable[[tuple[HostFact, ...]], BoolArray]:
    return lambda facts: np.array([*(getattr(fact, name) for fact in facts), False], dtype=np.bool_)


def _objects(name: str, unknown: Any) -> Callable[[tuple[HostFact, ...]], AnyArray]:
    return lambda facts: object_array([*(getattr(fact, name) for fact in facts), unknown])


def _seconds(facts: tuple[HostFact, ...]) -> AnyArray:
    seen = [np.nan if fact.last_seen_up is None else fact.last_seen_up for fact in facts]
    return np.array([*seen, np.nan], dtype=np.float64)


_COLUMNS: Mapping[str, Callable[[tuple[HostFact, ...]], AnyArray]] = {
    "host": _objects("name", None),
    "nodename": _objects("nodename", None),
    "enabled": _flags("enabled"),
    "up": _flags("up"),
    "last_seen_up": _seconds,
    "num_instances": _numbers("num_instances"),
    "num_io_ops": _numbers("num_io_ops"),
    "failed_builds": _numbers("failed_builds"),
    "free_pci_devices": _numbers("free_pci_devices"),
    "hypervisor_type": _objects("hypervisor_type", None),
    "hypervisor_version": _numbers("hypervisor_version"),
    "host_ip": _objects("host_ip", None),
    "cpu_info": _objects("cpu_info", {}),
    "supported_instances": _objects("supported_instances", ()),
    "stats": _objects("stats", {}),
}
