"""From Placement's answer to the table: the one place where JSON-shaped values become columns.

Every provider of every answer passes here, so what is done for each of them is little, and done by what runs in C.
Providers are known by the text of their UUID, as which they are written: a UUID hashes and compares in Python code.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from struct import pack
from uuid import UUID

import numpy as np
from msgspec import Struct

from placement_client.errors import BadAnswer
from placement_client.models import CANDIDATES, AllocationCandidates, WrittenRequest, WrittenSummary
from scheduler.hosts.arrays import BoolArray, IntArray, ObjectArray, in_blocks, lengths, numbered, object_array
from scheduler.hosts.offers import Candidates, Offers, Providers, Slots, bearers, spans
from scheduler.hosts.snapshot import HostSnapshot
from scheduler.hosts.table import HostTable

SHARES = "MISC_SHARES_VIA_AGGREGATE"


def build_host_table(candidates: AllocationCandidates, snapshot: HostSnapshot) -> HostTable:
    """Join what Placement offers with what is known of the hosts.

    A host is a root provider; a candidate belongs to the root of the first of its providers that is not a sharing one,
    or of the first when all are. BadAnswer when a candidate is empty or names what has no summary.
    """
    try:
        offers = _offers(candidates, snapshot)
    except (LookupError, ValueError):
        offers = None
    if offers is None:
        raise BadAnswer(CANDIDATES, hint="a candidate is empty, or names a provider or class that has no summary")
    nothing = np.zeros(len(offers.names), dtype=np.int64)
    return HostTable(
        offers=offers,
        hosts=np.arange(len(offers.names), dtype=np.int64),
        slot_used=offers.slots.used,
        placed=nothing,
        joined=nothing,
        kept=np.ones(len(candidates), dtype=np.bool_),
    )


class _Places(Struct, frozen=True, eq=False):
    """Which class on which provider each slot is: rows of providers, and numbers of classes, which are in ``kinds``."""

    kinds: Mapping[str, int]
    providers: IntArray
    classes: IntArray

    @classmethod
    def of_classes(cls, resources: Sequence[Mapping[str, object]]) -> "_Places":
        """Return the places of the classes of each provider, in their order."""
        classes, names = numbered(list(chain.from_iterable(resources)))
        providers = np.repeat(np.arange(len(resources)), lengths(resources))
        return cls({name: kind for kind, name in enumerate(names)}, providers, classes)

    def of(self, providers: IntArray, classes: IntArray) -> IntArray:
        """Return the slots of these classes on these providers. Raises LookupError where there is none."""
        known, wanted = (
            rows * len(self.kinds) + kinds for rows, kinds in ((self.providers, self.classes), (providers, classes))
        )
        order = np.argsort(known, kind="stable")
        slots = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)]
        if not np.array_equal(known[slots], wanted):
            raise LookupError
        return slots


class _Asked(Struct, frozen=True, eq=False):
    """What the m candidates ask for, in the order of the answer: each has parts, one a provider, and those amounts.

    The parts of candidate c are ``starts[c]`` to ``starts[c + 1]``, on the providers of these rows; the ``classes`` and
    ``amounts`` of part i are ``part_starts[i]`` to ``part_starts[i + 1]``.
    """

    starts: IntArray
    providers: IntArray
    part_starts: IntArray
    classes: IntArray
    amounts: IntArray

    @classmethod
    def of(cls, requests: Sequence[WrittenRequest], rows: Mapping[str, int], kinds: Mapping[str, int]) -> "_Asked":
        """Return what candidates ask for. Raises LookupError where it is nothing, or of what has no summary."""
        found = in_blocks(requests, lambda block: _read(block, rows, kinds))
        parts, providers, held, classes, amounts = found
        if not (parts.all() and held.all()):
            raise LookupError
        return cls(_starts(parts), providers, _starts(held), classes, amounts)

    def owners(self, sharing: BoolArray) -> IntArray:
        """Return the row of the first provider of each candidate that shares nothing, or of the first when all do."""
        firsts, end = self.starts[:-1], len(self.providers)
        own = np.minimum.reduceat(np.where(sharing[self.providers], end, np.arange(end)), firsts)
        return self.providers[np.where(own < self.starts[1:], own, firsts)]


def _read(requests: Sequence[WrittenRequest], rows: Mapping[str, int], kinds: Mapping[str, int]) -> list[IntArray]:
    given = [request.allocations for request in requests]
    held = [one.resources for allocations in given for one in allocations.values()]
    return [
        lengths(given),
        _ints([rows[text] for allocations in given for text in allocations]),
        lengths(held),
        _ints([kinds[name] for resources in held for name in resources]),
        _ints([amount for resources in held for amount in resources.values()]),
    ]


def _offers(candidates: AllocationCandidates, snapshot: HostSnapshot) -> Offers:
    summaries, uuids = list(candidates.written.provider_summaries.values()), list(candidates.uuids.values())
    texts, (numbers, trait_lists) = list(candidates.uuids), candidates.trait_lists
    rows, traits = {text: row for row, text in enumerate(texts)}, _ints(numbers)
    places = _Places.of_classes([one.resources for one in summaries])
    asked = _Asked.of(candidates.written.allocation_requests, rows, places.kinds)
    roots = _roots(summaries, rows)
    owners = roots[asked.owners(bearers(SHARES, traits, trait_lists))]
    host_rows = _ordered(owners, texts)
    hosts = np.full(len(texts) + 1, -1, dtype=np.int64)  # the last one is of roots that have no summary
    hosts[host_rows] = np.arange(len(host_rows))
    host_uuids = object_array(uuids)[host_rows]
    fact_rows = _ints([snapshot.rows_by_int.get(uuid.int, -1) for uuid in uuids])[host_rows]
    return Offers(
        snapshot=snapshot,
        host_uuids=host_uuids,
        names=_names("host", snapshot, fact_rows, host_uuids),
        nodes=_names("nodename", snapshot, fact_rows, host_uuids),
        fact_rows=fact_rows,
        roots=host_rows,
        providers=Providers(hosts[roots], traits, trait_lists),
        slots=_slots(uuids, summaries, hosts[roots], places),
        candidates=_candidates(candidates.written.allocation_requests, hosts[owners], asked, places),
    )


def _roots(summaries: Sequence[WrittenSummary], rows: Mapping[str, int]) -> IntArray:
    """Return the row of the root of each provider, -1 where that has no summary; without a root it is its own."""
    found = [
        row if (root := one.root_provider_uuid) is None or root == text else rows.get(root, -1)
        for row, (text, one) in enumerate(zip(rows, summaries, strict=True))
    ]
    return _ints(found)


def _ordered(owners: IntArray, texts: Sequence[str]) -> IntArray:
    """Return the rows of the providers that own a candidate, by UUID. ValueError for -1, which has no summary."""
    return _ints(sorted(np.flatnonzero(np.bincount(owners)).tolist(), key=texts.__getitem__))


def _names(column: str, snapshot: HostSnapshot, fact_rows: IntArray, host_uuids: ObjectArray) -> ObjectArray:
    names: ObjectArray = snapshot.columns[column][fact_rows]
    for host in np.flatnonzero(fact_rows < 0):
        names[host] = snapshot.provider_names.get(host_uuids[host], str(host_uuids[host]))
    return names


def _slots(uuids: list[UUID], summaries: Sequence[WrittenSummary], hosts: IntArray, places: _Places) -> Slots:
    slot_hosts = hosts[places.providers]
    below = np.array([summary.parent_provider_uuid is not None for summary in summaries], dtype=np.bool_)
    own = {name: np.flatnonzero((places.classes == kind) & (slot_hosts >= 0)) for name, kind in places.kinds.items()}
    capacities, used = in_blocks(summaries, _rooms)
    return Slots(
        rows=places.providers,
        providers=object_array(uuids)[places.providers],
        classes=object_array(list(places.kinds))[places.classes],
        hosts=slot_hosts,
        capacities=capacities,
        used=used,
        own=own,
        nested=below[places.providers] & (slot_hosts >= 0),
    )


def _rooms(summaries: Sequence[WrittenSummary]) -> list[IntArray]:
    """Return the capacities and what is used of them."""
    held = [room for summary in summaries for room in summary.resources.values()]
    return [_ints([room.capacity for room in held]), _ints([room.used for room in held])]


def _candidates(requests: Sequence[WrittenRequest], hosts: IntArray, asked: _Asked, places: _Places) -> Candidates:
    """Return the candidates ordered by host, and within one as the answer has them."""
    slots = places.of(np.repeat(asked.providers, np.diff(asked.part_starts)), asked.classes)
    order = np.argsort(hosts, kind="stable")
    entries, begins = spans(asked.part_starts[asked.starts], order)
    return Candidates(
        requests=tuple([requests[at] for at in order.tolist()]),
        host_starts=_starts(np.bincount(hosts)),
        starts=np.append(begins, len(entries)),
        slots=slots[entries],
        amounts=asked.amounts[entries],
    )


def _starts(sizes: IntArray) -> IntArray:
    """Return where groups of these sizes begin when one follows the other, and where the last one ends."""
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)


def _ints(values: list[int]) -> IntArray:
    """Return numbers as an array, read-only; numpy itself takes three times as long to read a list."""
    return np.frombuffer(pack(f"{len(values)}q", *values), dtype=np.int64)
