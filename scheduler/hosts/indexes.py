"""Which rows of the facts something is on: found by name, or by the UUID of an instance.

A fleet has as many names as hosts and far more instances. What is kept of each is one number, in a dict or an array,
at none of which Python's garbage collector looks; a UUID hashes and compares in Python code, its number does not.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from uuid import UUID

import numpy as np
from msgspec import Struct

from scheduler.hosts.arrays import BoolArray, IntArray, MarkArray, lengths, numbered
from scheduler.model.facts import HostFact


class NameIndex(Struct, frozen=True, eq=False):
    """The rows of each name: ``last`` is the last one, ``several`` are all of them where there are more."""

    last: Mapping[str, int]
    several: Mapping[str, tuple[int, ...]]

    @classmethod
    def of_names(cls, names: Sequence[str]) -> "NameIndex":
        """Return the index of names of which the first is on row 0, the second on row 1, and so on."""
        last = {name: row for row, name in enumerate(names)}
        return cls(last, _several(names, last) if len(last) < len(names) else {})

    def renamed(self, names: Sequence[str]) -> "NameIndex":
        """Return the index of other names of the same rows: this one where they are no others."""
        return self if list(self.last) == names else NameIndex.of_names(names)

    def rows_of(self, name: str) -> tuple[int, ...]:
        """Return the rows of a name, ascending; none for one that is unknown."""
        if name in self.several:
            return self.several[name]
        return (self.last[name],) if name in self.last else ()


def _several(names: Sequence[str], last: Mapping[str, int]) -> Mapping[str, tuple[int, ...]]:
    earlier: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if last[name] != row:
            earlier.setdefault(name, []).append(row)
    return {name: (*rows, last[name]) for name, rows in earlier.items()}


class InstanceIndex(Struct, frozen=True, eq=False):
    """The rows of each instance: one, or two while it moves.

    ``marks`` has a number for each instance of each fact, ascending: the row in its lowest ``row_bits``, and above them
    as much as there is room for of the hash of the UUID's number. What is found by hash is looked up in the fact, so
    that two instances of one hash are told apart.
    """

    facts: Sequence[HostFact]
    row_bits: int
    marks: MarkArray

    @classmethod
    def of_facts(cls, facts: Sequence[HostFact]) -> "InstanceIndex":
        """Return the index of the instances of these facts."""
        row_bits, rows = len(facts).bit_length(), np.arange(len(facts), dtype=np.uint64)
        hashes = (hash(one.int) for fact in facts for one in fact.instances)
        marks = np.fromiter(hashes, dtype=np.uint64) << np.uint64(row_bits)
        marks |= np.repeat(rows, lengths([fact.instances for fact in facts]))
        marks.sort()
        return cls(facts, row_bits, marks)

    def rows_of(self, instance: UUID) -> tuple[int, ...]:
        """Return the rows of an instance, ascending; none for one that is unknown."""
        number = instance.int
        least = hash(number) << self.row_bits & _ALL_BITS
        most, marks = least | (1 << self.row_bits) - 1, self.marks.data
        first = bisect_left(marks, least)
        if first == len(marks) or marks[first] > most:
            return ()
        found = dict.fromkeys(mark - least for mark in marks[first : bisect_right(marks, most)])
        return tuple(row for row in found if number in [one.int for one in self.facts[row].instances])


_ALL_BITS = (1 << 64) - 1


class Memberships(Struct, frozen=True, eq=False):
    """Which rows are members of which aggregates: k pairs of ``rows`` and ``aggregates``, in the order of the facts.

    ``numbers`` says by the number of a UUID which aggregate of the pairs it is.
    """

    size: int
    numbers: Mapping[int, int]
    aggregates: IntArray
    rows: IntArray

    @classmethod
    def of_facts(cls, facts: Sequence[HostFact]) -> "Memberships":
        """Return the memberships that these facts tell, over a row more than there are facts."""
        aggregates, known = numbered([one.int for fact in facts for one in fact.aggregates])
        rows = np.repeat(np.arange(len(facts), dtype=np.int64), lengths([fact.aggregates for fact in facts]))
        return cls(len(facts) + 1, {one: number for number, one in enumerate(known)}, aggregates, rows)

    def members_of(self, aggregate: UUID) -> BoolArray:
        """Return which rows are members of an aggregate, shape (size,)."""
        members = np.zeros(self.size, dtype=np.bool_)
        members[self.rows[self.aggregates == self.numbers.get(aggregate.int, -1)]] = True
        return members

    def of_rows(self, wanted: BoolArray) -> set[int]:
        """Return the numbers of the UUIDs of the aggregates that a wanted row, shape (size,), is a member of."""
        if wanted[:-1].all():
            return set(self.numbers)
        named = np.zeros(len(self.numbers), dtype=np.bool_)
        named[self.aggregates[wanted[self.rows]]] = True
        return {one for one, is_named in zip(self.numbers, named.tolist(), strict=True) if is_named}

    def told(self, said: Mapping[UUID, str]) -> list[frozenset[str]]:
        """Return what the aggregates of each row say together, of those that say something."""
        sets = {self.numbers[one.int]: frozenset((text,)) for one, text in said.items() if one.int in self.numbers}
        saying = np.isin(self.aggregates, list(sets))
        found = [_NOTHING] * self.size
        for row, aggregate in zip(self.rows[saying].tolist(), self.aggregates[saying].tolist(), strict=True):
            found[row] = found[row] | sets[aggregate] if found[row] else sets[aggregate]
        return found


_NOTHING: frozenset[str] = frozenset()
