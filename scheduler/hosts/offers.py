"""What Placement offers a request: providers and what they have, candidates, and the facts of the hosts they are on.

None of it changes while the request is decided; all of its tables share it.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from uuid import UUID

import numpy as np
from msgspec import Struct

from placement_client.models import WrittenRequest
from scheduler.hosts.arrays import BoolArray, Distinct, FloatArray, IntArray, ObjectArray, numbered
from scheduler.hosts.snapshot import HostSnapshot
from scheduler.hosts.tally import Tally

FREE, FACT = "free", "fact"
Level = tuple[str, str]
"""A column of numbers: (FREE, resource class), the room left of it; or (FACT, a fact by Nova's attribute name)."""


class Providers(Struct, frozen=True, eq=False):
    """The p providers of the answer: ``hosts`` (p,) is the host of each, -1 where it is of none.

    ``trait_lists`` are the different lists of traits, and ``traits`` (p,) says which of them each provider has.
    """

    hosts: IntArray
    traits: IntArray
    trait_lists: tuple[list[str], ...]

    def having(self, trait: str) -> BoolArray:
        """Return which providers have this trait, shape (p,)."""
        return bearers(trait, self.traits, self.trait_lists)


def bearers(trait: str, traits: IntArray, trait_lists: Sequence[Sequence[str]]) -> BoolArray:
    """Return which providers have this trait, shape (p,), of those that have these of the different lists."""
    return np.array([trait in names for names in trait_lists], dtype=np.bool_)[traits]


class Slots(Struct, frozen=True, eq=False):
    """What the providers have: one row a slot, which is one class on one provider; shape (s,) each.

    ``rows`` are the rows of the providers; ``hosts`` is -1 for slots that belong to no host of the request (those of
    sharing providers); ``own`` are the slots of each class that do belong to one. ``nested`` is set where the provider
    is one below a host.
    """

    rows: IntArray
    providers: ObjectArray
    classes: ObjectArray
    hosts: IntArray
    capacities: IntArray
    used: IntArray
    own: Mapping[str, IntArray]
    nested: BoolArray


class Candidates(Struct, frozen=True, eq=False, dict=True):
    """The m allocation candidates and their entries, ordered by host and within a host as Placement gave them.

    Those of host h are ``host_starts[h]`` to ``host_starts[h + 1]``; the entries of candidate c, each an amount on a
    slot, are ``starts[c]`` to ``starts[c + 1]``.
    """

    requests: tuple[WrittenRequest, ...]
    host_starts: IntArray
    starts: IntArray
    slots: IntArray
    amounts: IntArray

    @cached_property
    def hosts(self) -> IntArray:
        """Return the host of each candidate, shape (m,)."""
        return np.repeat(np.arange(len(self.host_starts) - 1), np.diff(self.host_starts))

    @cached_property
    def entry_hosts(self) -> IntArray:
        """Return the host of each entry, shape of ``slots``."""
        return np.repeat(self.hosts, np.diff(self.starts))

    def entries(self, candidate: int) -> slice:
        """Return where the entries of a candidate are."""
        return slice(int(self.starts[candidate]), int(self.starts[candidate + 1]))


class Offers(Struct, frozen=True, eq=False, dict=True):
    """Placement's answer and the facts of its h hosts; shared by all tables of a request.

    Hosts are ordered by UUID, so that the order of Placement's answer decides nothing. ``fact_rows`` is -1 for hosts
    without facts; ``roots`` are the rows of their root providers.
    """

    snapshot: HostSnapshot
    host_uuids: ObjectArray
    names: ObjectArray
    nodes: ObjectArray
    fact_rows: IntArray
    roots: IntArray
    providers: Providers
    slots: Slots
    candidates: Candidates

    @cached_property
    def strangers(self) -> Mapping[str, int]:
        """Return the hosts without facts by name."""
        return {self.names[host]: int(host) for host in np.flatnonzero(self.fact_rows < 0)}

    @cached_property
    def capacities(self) -> Mapping[str, FloatArray]:
        """Return the capacity of each class over each host's own providers, shape (h,)."""
        return {name: self._summed(own, self.slots.capacities) for name, own in self.slots.own.items()}

    @cached_property
    def used(self) -> Mapping[str, FloatArray]:
        """Return what is used of each class over each host's own providers, shape (h,)."""
        return {name: self._summed(own, self.slots.used) for name, own in self.slots.own.items()}

    @cached_property
    def room(self) -> Mapping[str, FloatArray]:
        """Return what is left of each class over each host's own providers, shape (h,)."""
        left = self.slots.capacities - self.slots.used
        return {name: self._summed(own, left) for name, own in self.slots.own.items()}

    def levels(self, wanted: tuple[Level, ...]) -> FloatArray:
        """Return columns as floats, shape (len(wanted), h): what is left of a class, or a number of the facts.

        KeyError for a number that there is not. Found once an answer.
        """
        known = self._levels.get(wanted)
        if known is None:
            known = np.zeros((len(wanted), len(self.names)))
            for column, (kind, name) in zip(known, wanted, strict=True):
                if kind == FACT:
                    column[:] = self.snapshot.columns[name][self.fact_rows]
                elif name in self.room:
                    column[:] = self.room[name]
            self._levels[wanted] = known
        return known

    @cached_property
    def _levels(self) -> dict[tuple[Level, ...], FloatArray]:
        return {}

    def _summed(self, own: IntArray, amounts: IntArray) -> FloatArray:
        return np.bincount(self.slots.hosts[own], amounts[own], minlength=len(self.names)).astype(
            np.float64, copy=False
        )

    @cached_property
    def _common(self) -> BoolArray:
        """Return which slots serve candidates of another host than the one they belong to, shape (s,)."""
        wanted, common = self.candidates.slots, np.zeros(len(self.slots.hosts), dtype=np.bool_)
        common[wanted[self.candidates.entry_hosts != self.slots.hosts[wanted]]] = True
        return common

    def touched_by(self, host: int, candidate: int) -> IntArray:
        """Return the hosts on which something else is left once this candidate of a host is taken, that host first."""
        wanted = self.candidates.slots[self.candidates.entries(candidate)]
        shared = wanted[self._common[wanted]]
        if not shared.size:
            return np.array([host], dtype=np.int64)
        owners = self.slots.hosts[shared]
        others = self.candidates.entry_hosts[np.isin(self.candidates.slots, shared)]
        found = np.unique(np.concatenate((others, owners[owners >= 0])))
        return np.concatenate(([host], found[found != host])).astype(np.int64)

    @cached_property
    def _trait_masks(self) -> dict[str, BoolArray]:
        return {}

    @cached_property
    def _tree_masks(self) -> dict[str, BoolArray]:
        return {}

    @cached_property
    def _trait_sets(self) -> dict[str, Distinct]:
        return {}

    def bearing(self, trait: str, slots: IntArray) -> BoolArray:
        """Return which of these slots are on a provider that has this trait, shape of ``slots``."""
        return self.providers.having(trait)[self.slots.rows[slots]]

    @cached_property
    def instances(self) -> Tally[UUID]:
        """Return the counts of instances over the f + 1 rows of the facts."""
        return Tally(self.snapshot.rows_of_instance, len(self.snapshot.facts) + 1, once=True)

    @cached_property
    def names_given(self) -> Tally[str]:
        """Return the counts of service host names over the f + 1 rows of the facts, and then the h hosts without."""
        known, strangers, rows = self.snapshot.rows_of_host, self.strangers, len(self.snapshot.facts) + 1
        return Tally(
            lambda name: (*known(name), *((rows + strangers[name],) if name in strangers else ())),
            rows + len(self.names),
        )

    def has_trait(self, name: str) -> BoolArray:
        """Return which hosts have this trait on their root provider, shape (h,)."""
        mask = self._trait_masks.get(name)
        if mask is None:
            mask = self._trait_masks[name] = self.providers.having(name)[self.roots]
        return mask

    def offers_trait(self, name: str) -> BoolArray:
        """Return which hosts have this trait on some provider of their tree, shape (h,)."""
        mask = self._tree_masks.get(name)
        if mask is None:
            bearers = self.providers.hosts[self.providers.having(name)]
            found = np.bincount(bearers + 1, minlength=len(self.names) + 1)  # those of no host at 0
            mask = self._tree_masks[name] = found[1:] > 0
        return mask

    def trait_sets(self, prefix: str) -> Distinct:
        """Return the distinct sets of traits with a prefix on root providers and, (h,), which of them each host has."""
        known = self._trait_sets.get(prefix)
        if known is None:
            codes, lists = self.providers.traits[self.roots], self.providers.trait_lists
            wanted = frozenset(name for name in set().union(*lists) if name.startswith(prefix))
            of_lists, sets = numbered([wanted.intersection(traits) for traits in lists])
            known = self._trait_sets[prefix] = of_lists[codes], sets
        return known


def spans(starts: IntArray, groups: IntArray) -> tuple[IntArray, IntArray]:
    """Return the positions of all members of these groups, and where each group begins among them.

    The members of group g are ``starts[g]`` to ``starts[g + 1]``; every group has at least one.
    """
    first = starts[groups]
    sizes = starts[groups + 1] - first
    begins = np.cumsum(sizes) - sizes
    shifts = np.repeat(first - begins, sizes)
    return shifts + np.arange(len(shifts)), begins
