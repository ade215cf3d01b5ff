"""Columns of the facts of a fleet: what each fact says, read in C where it can be, a block of facts at a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from scheduler.hosts.arrays import (
    AnyArray,
    FloatArray,
    IntArray,
    ObjectArray,
    in_blocks,
    lengths,
    numbered,
    object_array,
)
from scheduler.model.facts import HostFact

Sparse = tuple[IntArray, FloatArray]


class _Column(Struct, frozen=True):
    """How a column is read from facts, its type, and what it has for hosts without facts."""

    read: Callable[[Sequence[HostFact]], Iterable[Any]]
    type: npt.DTypeLike
    unknown: Any

    def of(self, facts: Sequence[HostFact]) -> AnyArray:
        return np.fromiter(self.read(facts), dtype=self.type, count=len(facts))

    def ending(self, known: AnyArray) -> AnyArray:
        return np.concatenate((known, np.fromiter([self.unknown], dtype=self.type, count=1)))


def columns_of(facts: Sequence[HostFact]) -> Mapping[str, AnyArray]:
    """Return the columns of f facts by Nova's attribute name, shape (f + 1,) each; the last row is of no fact."""
    known = in_blocks(facts, lambda block: [column.of(block) for column in _COLUMNS.values()])
    return {name: column.ending(values) for (name, column), values in zip(_COLUMNS.items(), known, strict=True)}


def numbers_of(facts: Sequence[HostFact]) -> Mapping[tuple[str, ...], Sparse]:
    """Return the rows that have a measured value or a count of image properties, ascending, and the numbers they have.

    Keys are ("metrics", name) and ("image_properties", property, value).
    """
    return {path: (rows, values.astype(np.float64)) for path, rows, values in _numbers(facts)}


def _numbers(facts: Sequence[HostFact]) -> Iterator[tuple[tuple[str, ...], IntArray, ObjectArray]]:
    every = np.arange(len(facts), dtype=np.int64)
    for name, (rows, measured) in _by_key(every, [fact.metrics for fact in facts]).items():
        yield ("metrics", name), rows, measured
    for name, (having, counts) in _by_key(every, [fact.image_properties for fact in facts]).items():
        for value, (rows, instances) in _by_key(having, counts.tolist()).items():
            yield ("image_properties", name, value), rows, instances


def _by_key(rows: IntArray, said: Sequence[Mapping[str, Any]]) -> Mapping[str, tuple[IntArray, ObjectArray]]:
    """Return the rows that say something under each key, in their order, and what; ``said`` has what each row says."""
    values = object_array([value for one in said for value in one.values()])
    rows = np.repeat(rows, lengths(said))
    codes, keys = numbered(list(chain.from_iterable(said)))
    order = np.argsort(codes.astype(np.min_scalar_type(len(keys))), kind="stable")  # of small types in linear time
    ends = np.cumsum(np.bincount(codes))
    return {key: (rows[at], values[at]) for key, at in zip(keys, np.split(order, ends[:-1]), strict=False)}


def _each(name: str) -> Callable[[Sequence[HostFact]], Iterable[Any]]:
    value = attrgetter(name)
    return lambda facts: map(value, facts)


def _seconds(facts: Sequence[HostFact]) -> Iterable[float]:
    return [np.nan if fact.last_seen_up is None else fact.last_seen_up for fact in facts]


_COLUMNS: Mapping[str, _Column] = {
    "host": _Column(_each("name"), np.object_, None),
    "nodename": _Column(_each("nodename"), np.object_, None),
    "enabled": _Column(_each("enabled"), np.bool_, False),
    "up": _Column(_each("up"), np.bool_, False),
    "last_seen_up": _Column(_seconds, np.float64, np.nan),
    "num_instances": _Column(_each("num_instances"), np.int64, 0),
    "num_io_ops": _Column(_each("num_io_ops"), np.int64, 0),
    "failed_builds": _Column(_each("failed_builds"), np.int64, 0),
    "free_pci_devices": _Column(_each("free_pci_devices"), np.int64, 0),
    "hypervisor_type": _Column(_each("hypervisor_type"), np.object_, None),
    "hypervisor_version": _Column(_each("hypervisor_version"), np.int64, 0),
    "host_ip": _Column(_each("host_ip"), np.object_, None),
    "cpu_info": _Column(_each("cpu_info"), np.object_, {}),
    "supported_instances": _Column(_each("supported_instances"), np.object_, ()),
    "stats": _Column(_each("stats"), np.object_, {}),
}
