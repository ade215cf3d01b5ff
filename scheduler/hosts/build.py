"""From Placement's answer to the table: the one place where JSON-shaped values become columns.

Every provider of every answer passes here, so what is done for each of them is little, and done by what runs in C.
Providers are known by the text of their UUID, as which they are written: a UUID hashes and compares in Python code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from struct import pack
from uuid import UUID

import numpy as np

from placement_client.errors import BadAnswer
from placement_client.models import CANDIDATES, AllocationCandidates, WrittenRequest, WrittenSummary
from scheduler.hosts.arrays import IntArray, ObjectArray, object_array
from scheduler.hosts.offers import Candidates, Offers, Providers, Slots
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


@dataclass(frozen=True, slots=True)
class _Places:
    """Which class on which provider each slot is: rows of providers, and numbers of classes, which are in ``kinds``."""

    kinds: Mapping[str, int]
    providers: IntArray
    classes: IntArray

    @classmethod
    def of_classes(cls, resources: Sequence[Mapping[str, object]]) -> "_Places":
        """Return the places of the classes of each provider, in their order."""
        names = list(chain.from_iterable(resources))
        kinds = {name: kind for kind, name in enumerate(dict.fromkeys(names))}
        providers = np.repeat(np.arange(len(resources)), _ints(list(map(len, resources))))
        return cls(kinds, providers, _ints([kinds[name] for name in names]))

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


def _offers(candidates: AllocationCandidates, snapshot: HostSnapshot) -> Offers:
    summaries, uuids = list(candidates.written.provider_summaries.values()), list(candidates.uuids.values())
    rows = {text: row for row, text in enumerate(candidates.uuids)}
    roots = [one.root_provider_uuid or text for text, one in zip(rows, summaries, strict=True)]
    traits, trait_lists = _numbered(summaries, candidates.trait_lists)
    requests = candidates.written.allocation_requests
    owners = _owners(requests, rows, roots, _sharing(traits, trait_lists))
    hosts = {root: host for host, root in enumerate(sorted(set(owners)))}
    host_rows = [rows[root] for root in hosts]
    host_uuids = object_array([uuids[row] for row in host_rows])
    fact_rows = _ints([snapshot.rows_by_int.get(uuids[row].int, -1) for row in host_rows])
    provider_hosts = _ints(list(map(hosts.get, roots, repeat(-1))))
    places = _Places.of_classes([one.resources for one in summaries])
    return Offers(
        snapshot=snapshot,
        host_uuids=host_uuids,
        names=_names("host", snapshot, fact_rows, host_uuids),
        nodes=_names("nodename", snapshot, fact_rows, host_uuids),
        fact_rows=fact_rows,
        roots=_ints(host_rows),
        providers=Providers(provider_hosts, traits, trait_lists),
        slots=_slots(uuids, summaries, provider_hosts, places),
        candidates=_candidates(requests, _ints([hosts[owner] for owner in owners]), rows, places),
    )


def _names(column: str, snapshot: HostSnapshot, fact_rows: IntArray, host_uuids: ObjectArray) -> ObjectArray:
    names: ObjectArray = snapshot.columns[column][fact_rows]
    for host in np.flatnonzero(fact_rows < 0):
        names[host] = snapshot.provider_names.get(host_uuids[host], str(host_uuids[host]))
    return names


def _numbered(
    summaries: Sequence[WrittenSummary], trait_lists: Mapping[bytes, list[str]]
) -> tuple[IntArray, tuple[list[str], ...]]:
    """Return which of the different lists of traits each provider has, and those."""
    numbers = {text: number for number, text in enumerate(trait_lists)}
    return _ints([numbers[bytes(one.traits)] for one in summaries]), tuple(trait_lists.values())


def _sharing(traits: IntArray, trait_lists: Sequence[list[str]]) -> frozenset[int]:
    """Return the rows of sharing providers."""
    shares = [number for number, names in enumerate(trait_lists) if SHARES in names]
    return frozenset(np.flatnonzero(np.isin(traits, shares)).tolist()) if shares else frozenset()


def _owners(
    requests: Sequence[WrittenRequest], rows: Mapping[str, int], roots: Sequence[str], sharing: frozenset[int]
) -> list[str]:
    """Return the root provider that each candidate belongs to."""
    if not all(request.allocations for request in requests):
        raise LookupError
    if not sharing:
        return [roots[rows[next(iter(request.allocations))]] for request in requests]
    return [roots[rows[_own_provider(request, rows, sharing)]] for request in requests]


def _own_provider(request: WrittenRequest, rows: Mapping[str, int], sharing: frozenset[int]) -> str:
    providers = list(request.allocations)
    return next((text for text in providers if rows[text] not in sharing), providers[0])


def _slots(uuids: list[UUID], summaries: Sequence[WrittenSummary], hosts: IntArray, places: _Places) -> Slots:
    held = list(chain.from_iterable([summary.resources.values() for summary in summaries]))
    slot_hosts = hosts[places.providers]
    below = np.array([summary.parent_provider_uuid is not None for summary in summaries], dtype=np.bool_)
    own = {name: np.flatnonzero((places.classes == kind) & (slot_hosts >= 0)) for name, kind in places.kinds.items()}
    return Slots(
        rows=places.providers,
        providers=object_array(uuids)[places.providers],
        classes=object_array(list(places.kinds))[places.classes],
        hosts=slot_hosts,
        capacities=_ints([room.capacity for room in held]),
        used=_ints([room.used for room in held]),
        own=own,
        nested=below[places.providers] & (slot_hosts >= 0),
    )


def _candidates(
    requests: Sequence[WrittenRequest], hosts: IntArray, rows: Mapping[str, int], places: _Places
) -> Candidates:
    order = np.argsort(hosts, kind="stable")
    ordered = tuple([requests[at] for at in order.tolist()])
    allocations = [request.allocations for request in ordered]
    held = [one.resources for held in allocations for one in held.values()]
    if not all(held):
        raise LookupError
    held_rows = _ints([rows[text] for text in chain.from_iterable(allocations)])
    held_sizes = _ints(list(map(len, held)))
    classes = _ints(list(map(places.kinds.__getitem__, chain.from_iterable(held))))
    sizes = np.add.reduceat(held_sizes, _starts(_ints(list(map(len, allocations))))[:-1])
    return Candidates(
        requests=ordered,
        host_starts=_starts(np.bincount(hosts)),
        starts=_starts(sizes),
        slots=places.of(np.repeat(held_rows, held_sizes), classes),
        amounts=_ints(list(chain.from_iterable([one.values() for one in held]))),
    )


def _starts(sizes: IntArray) -> IntArray:
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)


def _ints(values: list[int]) -> IntArray:
    """Return numbers as an array, read-only; numpy itself takes three times as long to read a list."""
    return np.frombuffer(pack(f"{len(values)}q", *values), dtype=np.int64)
