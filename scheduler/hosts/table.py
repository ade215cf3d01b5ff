"""The hosts of one request as columns with one row a host.

A ``HostTable`` is a view of the offers: which hosts, and what the instances placed so far in this batch use up. Taking
rows or placing an instance gives a new view.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
from msgspec import Struct, field, structs

from placement_client.models import AllocationRequest
from scheduler.hosts.arrays import AnyArray, BoolArray, FloatArray, IntArray, ObjectArray
from scheduler.hosts.offers import FREE, Level, Offers, spans

Claim = tuple[UUID, str, int, int, int]


class HostTable(Struct, frozen=True, eq=False, dict=True):
    """A view of n hosts; row i of every array belongs to ``names[i]``. Never changes.

    ``hosts`` (n,) picks the hosts of the offers; ``slot_used`` (s,), ``placed`` (h,), ``added`` (by class, (h,) each)
    and ``claimed`` say what the instances placed in this batch add, and ``touched`` for each of them the hosts on which
    less is left; ``joined`` (h,) counts those of them that the facts do not have there already. ``kept`` says which of
    all candidates of the offers may be taken.
    """

    offers: Offers
    hosts: IntArray
    slot_used: IntArray
    placed: IntArray
    joined: IntArray
    kept: BoolArray
    claimed: Mapping[UUID, int] = field(default_factory=dict)
    added: Mapping[str, FloatArray] = field(default_factory=dict)
    touched: tuple[IntArray, ...] = ()

    def __len__(self) -> int:
        return len(self.hosts)

    @cached_property
    def names(self) -> ObjectArray:
        """Return the service host name of each host."""
        return self.offers.names[self.hosts]

    @cached_property
    def nodes(self) -> ObjectArray:
        """Return the node name of each host."""
        return self.offers.nodes[self.hosts]

    @cached_property
    def provider_uuids(self) -> ObjectArray:
        """Return the root provider of each host."""
        return self.offers.host_uuids[self.hosts]

    def identity(self, row: int) -> tuple[str, str, UUID]:
        """Return the service host name, the node name and the root provider of one host."""
        host, offers = int(self.hosts[row]), self.offers
        return str(offers.names[host]), str(offers.nodes[host]), offers.host_uuids[host]

    @cached_property
    def fact_rows(self) -> IntArray:
        """Return the row of each host in the snapshot, -1 where there are no facts."""
        return self.offers.fact_rows[self.hosts]

    @property
    def taken_at(self) -> float:
        """Return when the facts were looked at, in seconds since the epoch."""
        return self.offers.snapshot.taken_at

    @property
    def size(self) -> int:
        """Return the number of hosts of the offers, of which these are some or all."""
        return len(self.offers.names)

    @property
    def candidate_count(self) -> int:
        """Return the number of allocation candidates of all hosts of the offers."""
        return len(self.offers.candidates.requests)

    @cached_property
    def candidates(self) -> IntArray:
        """Return the numbers of the candidates of these hosts that may be taken, ascending, shape (m,)."""
        wanted = np.zeros(len(self.offers.names), dtype=np.bool_)
        wanted[self.hosts] = True
        return np.flatnonzero(wanted[self.offers.candidates.hosts] & self.kept)

    def take(self, rows: IntArray) -> "HostTable":
        """Return a view of these rows only; what they stand on stays shared."""
        return self.at(self.hosts[rows])

    def at(self, hosts: IntArray) -> "HostTable":
        """Return a view of these hosts of the offers only."""
        used, placed, joined = self.slot_used, self.placed, self.joined
        return HostTable(self.offers, hosts, used, placed, joined, self.kept, self.claimed, self.added, self.touched)

    def rows_of(self, hosts: IntArray) -> IntArray:
        """Return the rows of these hosts of the offers, as far as this is a view of them."""
        return np.flatnonzero(self.hosts == hosts[0] if len(hosts) == 1 else np.isin(self.hosts, hosts))

    def keeping(self, kept: BoolArray) -> "HostTable":
        """Return a view in which only these candidates may be taken, a mask over all ``candidate_count`` of them."""
        return structs.replace(self, kept=self.kept & kept)

    def nested_parts(self, trait: str | None = None) -> IntArray:
        """Return how many parts of each candidate (classes on providers) child providers give, shape (m,).

        Only those that have this trait count, where one is given.
        """
        candidates, wanted = self.offers.candidates, self.offers.slots.nested
        if trait is not None:
            nested = np.flatnonzero(wanted)
            wanted = np.zeros_like(wanted)
            wanted[nested] = self.offers.bearing(trait, nested)
        return np.add.reduceat(wanted[candidates.slots], candidates.starts[:-1], dtype=np.int64)[self.candidates]

    def capacity(self, resource_class: str) -> FloatArray:
        """Return the capacity of a class over each host's own provider tree, 0 where it has none."""
        return self._of(self.offers.capacities, resource_class)

    def used(self, resource_class: str) -> FloatArray:
        """Return what is used of a class over each host's own provider tree, this batch included."""
        return self._of(self.offers.used, resource_class) + self.taken(resource_class)

    def free(self, resource_class: str) -> FloatArray:
        """Return the room left of a class over each host's own provider tree; below 0 where it is overcommitted."""
        left = self._of(self.offers.room, resource_class)
        return left - self.taken(resource_class) if resource_class in self.added else left

    def taken(self, resource_class: str) -> FloatArray:
        """Return what the instances placed in this batch take of a class over each host's own provider tree."""
        return self._of(self.added, resource_class)

    def reserved(self, resource_class: str) -> FloatArray:
        """Return what is reserved of a class over each host's own provider tree, as far as the facts know."""
        known, slots = self.offers.snapshot.reserved, self.offers.slots
        own, amounts = slots.own.get(resource_class, _NOTHING), np.zeros(len(slots.classes), dtype=np.int64)
        if known:
            amounts[own] = [known.get((slots.providers[slot], resource_class), 0) for slot in own]
        summed = np.bincount(slots.hosts[own], amounts[own], minlength=self.size)
        return summed.astype(np.float64)[self.hosts]

    def has_trait(self, name: str) -> BoolArray:
        """Return which hosts have this trait on their root provider."""
        return self.offers.has_trait(name)[self.hosts]

    def offers_trait(self, name: str) -> BoolArray:
        """Return which hosts have this trait on some provider of their tree, nested ones included."""
        return self.offers.offers_trait(name)[self.hosts]

    def in_aggregate(self, uuid: UUID) -> BoolArray:
        """Return which hosts are members of this aggregate, as far as the facts know."""
        return self.offers.snapshot.members_of(uuid)[self.fact_rows]

    def in_cell(self, uuid: UUID) -> BoolArray:
        """Return which hosts are known to be in this cell."""
        codes, cells = self.distinct(("cell_uuid",))
        return np.array([cell == uuid for cell in cells], dtype=np.bool_)[codes]

    def has_room(self) -> BoolArray:
        """Return which hosts still have an allocation candidate that may be taken and fits what is left."""
        if len(self) < 2:
            return np.array([self.fitting(row).size > 0 for row in range(len(self))], dtype=np.bool_)
        if len(self) > self.size // 2:
            return self._hosts_with_room()[self.hosts]
        candidates, begins = spans(self.offers.candidates.host_starts, self.hosts)
        entries, entries_begin = spans(self.offers.candidates.starts, candidates)
        fits = np.logical_and.reduceat(self._entry_fits(entries), entries_begin) & self.kept[candidates]
        return np.logical_or.reduceat(fits, begins)

    def _hosts_with_room(self) -> BoolArray:
        """Return which of all hosts of the offers have room; cheaper for most of them than to look each up."""
        candidates = self.offers.candidates
        fits = np.logical_and.reduceat(self._entry_fits(slice(None)), candidates.starts[:-1]) & self.kept
        return np.logical_or.reduceat(fits, candidates.host_starts[:-1])

    def fitting(self, row: int) -> IntArray:
        """Return the candidates of this host that may be taken and still fit, in Placement's order."""
        first, end = self.offers.candidates.host_starts[self.hosts[row] : self.hosts[row] + 2].tolist()
        if end - first == 1:
            alone = self.kept[first] and self._entry_fits(self.offers.candidates.entries(first)).all()
            return np.arange(first, end if alone else first, dtype=np.int64)
        starts = self.offers.candidates.starts[first : end + 1]
        fits = np.logical_and.reduceat(self._entry_fits(slice(starts[0], starts[-1])), starts[:-1] - starts[0])
        found: IntArray = np.flatnonzero(fits & self.kept[first:end]) + first
        return found

    def first_fitting(self, row: int) -> int:
        """Return the candidate that an instance takes on this host, which has room: the first that fits."""
        first, end = self.offers.candidates.host_starts[self.hosts[row] : self.hosts[row] + 2].tolist()
        return int(self.fitting(row)[0]) if end - first > 1 else int(first)

    def request_of(self, candidate: int) -> AllocationRequest:
        """Return the allocation request of a candidate as Placement gave it. Raises BadAnswer where it is none."""
        return self.offers.candidates.requests[candidate].typed()

    def claims_on(self, candidate: int) -> list[Claim]:
        """Return (provider, class, capacity, used before, amount) of each entry of a candidate."""
        slots, entries = self.offers.slots, self.offers.candidates.entries(candidate)
        where, amounts = self.offers.candidates.slots[entries], self.offers.candidates.amounts[entries].tolist()
        capacities, used = slots.capacities[where].tolist(), self.slot_used[where].tolist()
        return list(zip(slots.providers[where], slots.classes[where], capacities, used, amounts, strict=True))

    def with_claim(self, row: int, candidate: int, instance: UUID) -> "HostTable":
        """Return the view in which this instance is on this host and uses what the candidate says.

        ValueError when the candidate is not one of the host, or no longer fits: a defect of the caller.
        """
        host, entries = int(self.hosts[row]), self.offers.candidates.entries(candidate)
        own = self.offers.candidates.host_starts[host] <= candidate < self.offers.candidates.host_starts[host + 1]
        if not (own and self.kept[candidate] and self._entry_fits(entries).all()):
            raise ValueError("the candidate is not one of the host, or no longer fits")
        slot_used, added = self._with(self.offers.candidates.slots[entries], self.offers.candidates.amounts[entries])
        placed, joined = self.placed.copy(), self.joined.copy()
        placed[host] += 1
        joined[host] += self.offers.fact_rows[host] not in self.offers.snapshot.rows_of_instance(instance)
        touched = (*self.touched, self.offers.touched_by(host, candidate))
        claimed = {**self.claimed, instance: host}
        return HostTable(self.offers, self.hosts, slot_used, placed, joined, self.kept, claimed, added, touched)

    def using(self, slots: IntArray, amounts: IntArray) -> "HostTable":
        """Return the view in which these amounts on these slots, each named once, are in use, too."""
        slot_used, added = self._with(slots, amounts)
        return structs.replace(self, slot_used=slot_used, added=added)

    def _with(self, slots: IntArray, amounts: IntArray) -> tuple[IntArray, dict[str, FloatArray]]:
        """Return what is used of each slot, and added on each host, with these amounts on these slots."""
        used, added, offered = self.slot_used.copy(), dict(self.added), self.offers.slots
        used[slots] += amounts
        hosts, classes = offered.hosts[slots].tolist(), offered.classes[slots].tolist()
        for host, name, amount in zip(hosts, classes, amounts.tolist(), strict=True):
            if host >= 0:
                added[name] = added[name].copy() if name in added else np.zeros(self.size)
                added[name][host] += amount
        return used, added

    def members(self, instances: Iterable[UUID]) -> IntArray:
        """Return how many of these instances are on each host, those placed in this batch included.

        An instance that moves is on two hosts.
        """
        known, wanted = self.offers.snapshot.rows_of_instance, set(instances)
        on_facts = [row for instance in wanted for row in known(instance)]
        here = [(self.claimed[instance], known(instance)) for instance in wanted if instance in self.claimed]
        return self._counted(on_facts, [host for host, rows in here if self.offers.fact_rows[host] not in rows])

    def named(self, names: Iterable[str]) -> IntArray:
        """Return how often each host's name occurs among these service host names, compared exactly."""
        given, snapshot, strangers = list(names), self.offers.snapshot, self.offers.strangers
        on_facts = [row for name in given for row in snapshot.rows_of_host(name)]
        return self._counted(on_facts, [strangers[name] for name in given if name in strangers])

    def named_any_case(self, names: Iterable[str]) -> BoolArray:
        """Return which hosts bear one of these service host names, upper and lower case being the same."""
        given, snapshot = {name.lower() for name in names}, self.offers.snapshot
        on_facts = [row for name in given for row in snapshot.rows_of_host(name, ignore_case=True)]
        strange = [host for name, host in self.offers.strangers.items() if name.lower() in given]
        return self._counted(on_facts, strange) > 0

    def on_nodes(self, nodes: Iterable[str]) -> BoolArray:
        """Return which hosts bear one of these node names, compared exactly."""
        given, snapshot, strangers = set(nodes), self.offers.snapshot, self.offers.strangers
        on_facts = [row for node in given for row in snapshot.rows_of_node(node)]
        return self._counted(on_facts, [strangers[node] for node in given if node in strangers]) > 0

    def column(self, name: str) -> AnyArray:
        """Return a fact by Nova's attribute name (``num_instances``, ``free_ram_mb``, ...); KeyError when unknown."""
        if name in _FROM_PLACEMENT:
            return _FROM_PLACEMENT[name](self).astype(np.int64)
        values = self.offers.snapshot.columns[name][self.fact_rows]
        return values + self.placed[self.hosts] if name in _COUNTED else values

    def levels(self, wanted: tuple[Level, ...]) -> FloatArray:
        """Return several columns of numbers at once, those placed in this batch included, shape (len(wanted), n).

        KeyError for one that there is not.
        """
        at = self.hosts if len(self) != 1 else self.hosts.item()  # numbers are far cheaper than arrays of one
        found = self.offers.levels(wanted).take(at, axis=1)
        for row, (kind, name) in enumerate(wanted):
            if kind == FREE and name in self.added:
                found[row] -= self.added[name][at]
            elif kind != FREE and name in _COUNTED and self.touched:
                found[row] += self.placed[at]
        return found.reshape(len(wanted), len(self))

    def numbers(self, *path: str, missing: float) -> FloatArray:
        """Return what each host has under ("metrics", name) or ("image_properties", name, value), or ``missing``."""
        column = np.full(len(self.offers.snapshot.facts) + 1, missing)
        if path in self.offers.snapshot.numbers:
            rows, held = self.offers.snapshot.numbers[path]
            column[rows] = held
        return column[self.fact_rows]

    def distinct(self, path: tuple[str, ...]) -> tuple[IntArray, tuple[Any, ...]]:
        """Return the distinct values of a capability path and, shape (n,), which of them each host has."""
        if len(path) == 1 and (path[0] in _FROM_PLACEMENT or path[0] in _COUNTED):
            values, codes = np.unique(self.column(path[0]), return_inverse=True)
            return codes, tuple(values.tolist())
        codes, known = self.offers.snapshot.distinct(path)
        return codes[self.fact_rows], known

    @property
    def aggregate_keys(self) -> frozenset[str]:
        """Return every metadata key that an aggregate has, whether a host of this table is in it or not."""
        return self.offers.snapshot.aggregate_keys

    def aggregate_values(self, key: str) -> tuple[IntArray, tuple[frozenset[str], ...]]:
        """Return the distinct sets of values of a metadata key and, shape (n,), which of them each host has.

        The set of a host holds what the key says on each aggregate that the host is in; empty where none has the key.
        """
        codes, sets = self.offers.snapshot.aggregate_values(key)
        return codes[self.fact_rows], sets

    def _of(self, totals: Mapping[str, FloatArray], resource_class: str) -> FloatArray:
        total = totals.get(resource_class)
        return np.zeros(len(self)) if total is None else total[self.hosts]

    def _entry_fits(self, entries: slice | IntArray) -> BoolArray:
        slots = self.offers.candidates.slots[entries]
        left = self.offers.slots.capacities[slots] - self.slot_used[slots]
        return left >= self.offers.candidates.amounts[entries]

    def _counted(self, fact_rows: list[int], hosts: list[int]) -> IntArray:
        """Count occurrences of facts and of hosts, a host's own and those of its facts added up, shape (n,)."""
        snapshot = self.offers.snapshot
        by_fact = np.bincount(np.array(fact_rows, dtype=np.int64), minlength=len(snapshot.facts) + 1)
        by_host = np.bincount(np.array(hosts, dtype=np.int64), minlength=len(self.offers.names))
        return by_fact[self.fact_rows] + by_host[self.hosts]


_NOTHING: IntArray = np.zeros(0, dtype=np.int64)
_COUNTED = frozenset({"num_instances", "num_io_ops"})
_FROM_PLACEMENT: Mapping[str, Callable[[HostTable], FloatArray]] = {
    "vcpus_total": lambda hosts: hosts.capacity("VCPU"),
    "vcpus_used": lambda hosts: hosts.used("VCPU"),
    "total_usable_ram_mb": lambda hosts: hosts.capacity("MEMORY_MB"),
    "free_ram_mb": lambda hosts: hosts.free("MEMORY_MB"),
    "total_usable_disk_gb": lambda hosts: hosts.capacity("DISK_GB"),
    "free_disk_mb": lambda hosts: hosts.free("DISK_GB") * 1024,
    "disk_mb_used": lambda hosts: hosts.used("DISK_GB") * 1024,
}
