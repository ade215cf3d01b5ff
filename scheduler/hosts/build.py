"""From Placement's answer to the table: the one place where JSON-shaped values become columns."""

from collections.abc import Mapping
from itertools import chain, count
from uuid import UUID

import numpy as np

from placement_client.errors import BadAnswer
from placement_client.models import AllocationCandidates, AllocationRequest, ProviderSummary
from scheduler.hosts.arrays import IntArray, ObjectArray, object_array
from scheduler.hosts.offers import Candidates, Offers, Slots
from scheduler.hosts.snapshot import HostSnapshot
from scheduler.hosts.table import HostTable

SHARES = "MISC_SHARES_VIA_AGGREGATE"
_OPERATION = "GET /allocation_candidates"

Summaries = Mapping[int, ProviderSummary]


def build_host_table(candidates: AllocationCandidates, snapshot: HostSnapshot) -> HostTable:
    """Join what Placement offers with what is known of the hosts.

    A host is a root provider; a candidate belongs to the root of the first of its providers that is not a sharing one,
    or of the first when all are. BadAnswer when a candidate is empty or names what has no summary.
    """
    try:
        offers = _offers(candidates, snapshot)
    except LookupError:
        offers = None
    if offers is None:
        raise BadAnswer(_OPERATION, hint="a candidate is empty, or names a provider or class that has no summary")
    return HostTable(
        offers=offers,
        hosts=np.arange(len(offers.names), dtype=np.int64),
        slot_used=offers.slots.used,
        placed=np.zeros(len(offers.names), dtype=np.int64),
        kept=np.ones(len(offers.candidates.requests), dtype=np.bool_),
    )


def _offers(candidates: AllocationCandidates, snapshot: HostSnapshot) -> Offers:
    # Keyed by UUID.int throughout: a UUID hashes and compares in Python code, its number in C, and this runs for every
    # provider of every answer.
    summaries = {uuid.int: summary for uuid, summary in candidates.provider_summaries.items()}
    uuids = {uuid.int: uuid for uuid in candidates.provider_summaries}
    roots = {key: (summary.root_provider_uuid or uuids[key]).int for key, summary in summaries.items()}
    requests = candidates.allocation_requests
    owners = [_owner(request, summaries, roots) for request in requests]
    order = sorted(range(len(requests)), key=owners.__getitem__)
    hosts = {root: host for host, root in enumerate(sorted(set(owners)))}
    host_uuids = object_array([uuids[root] for root in hosts])
    fact_rows = _ints([snapshot.rows_by_int.get(root, -1) for root in hosts])
    provider_hosts = [hosts.get(roots[key], -1) for key in summaries]
    return Offers(
        snapshot=snapshot,
        host_uuids=host_uuids,
        names=_names("host", snapshot, fact_rows, host_uuids),
        nodes=_names("nodename", snapshot, fact_rows, host_uuids),
        fact_rows=fact_rows,
        traits=tuple(summaries[root].traits for root in hosts),
        provider_hosts=_ints(provider_hosts),
        provider_traits=tuple(summary.traits for summary in summaries.values()),
        slots=_slots(summaries, uuids, provider_hosts),
        candidates=_candidates([requests[at] for at in order], _ints([hosts[owners[at]] for at in order]), summaries),
    )


def _names(column: str, snapshot: HostSnapshot, fact_rows: IntArray, host_uuids: ObjectArray) -> ObjectArray:
    names: ObjectArray = snapshot.columns[column][fact_rows]
    for host in np.flatnonzero(fact_rows < 0):
        names[host] = snapshot.provider_names.get(host_uuids[host], str(host_uuids[host]))
    return names


def _owner(request: AllocationRequest, summaries: Summaries, roots: Mapping[int, int]) -> int:
    providers = [uuid.int for uuid in request.allocations]
    own = [key for key in providers if SHARES not in summaries[key].traits] if len(providers) > 1 else providers
    return roots[(own or providers)[0]]


def _slots(summaries: Summaries, uuids: Mapping[int, UUID], hosts: list[int]) -> Slots:
    sizes = [len(summary.resources) for summary in summaries.values()]
    held = [held for summary in summaries.values() for held in summary.resources.values()]
    classes = tuple(chain.from_iterable(summary.resources for summary in summaries.values()))
    slot_hosts = np.repeat(_ints(hosts), sizes)
    below = np.array([summary.parent_provider_uuid is not None for summary in summaries.values()], dtype=np.bool_)
    return Slots(
        providers=tuple(uuids[key] for key, summary in summaries.items() for _ in summary.resources),
        classes=classes,
        hosts=slot_hosts,
        capacities=_ints([room.capacity for room in held]),
        used=_ints([room.used for room in held]),
        own=_own_slots(classes, slot_hosts),
        nested=np.repeat(below, sizes) & (slot_hosts >= 0),
        traits=tuple(chain.from_iterable([summary.traits] * len(summary.resources) for summary in summaries.values())),
    )


def _own_slots(classes: tuple[str, ...], slot_hosts: IntArray) -> Mapping[str, IntArray]:
    numbers = {name: number for number, name in enumerate(dict.fromkeys(classes))}
    numbered = _ints([numbers[name] for name in classes])
    return {name: np.flatnonzero((numbered == number) & (slot_hosts >= 0)) for name, number in numbers.items()}


def _candidates(requests: list[AllocationRequest], hosts: IntArray, summaries: Summaries) -> Candidates:
    # Plain lists of numbers, not one tuple an entry: those would wake the garbage collector again and again.
    slot_of = _slot_numbers(summaries)
    sizes, slots, amounts = list[int](), list[int](), list[int]()
    for request in requests:
        known = len(slots)
        for uuid, held in request.allocations.items():
            own = slot_of[uuid.int]
            slots.extend([own[resource_class] for resource_class in held.resources])
            amounts.extend(held.resources.values())
        sizes.append(len(slots) - known)
    if not all(sizes):
        raise LookupError
    return Candidates(
        requests=tuple(requests),
        host_starts=_starts(np.bincount(hosts)),
        starts=_starts(_ints(sizes)),
        slots=_ints(slots),
        amounts=_ints(amounts),
    )


def _slot_numbers(summaries: Summaries) -> Mapping[int, Mapping[str, int]]:
    numbers = count()
    return {key: dict(zip(summary.resources, numbers, strict=False)) for key, summary in summaries.items()}


def _starts(sizes: IntArray) -> IntArray:
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)


def _ints(values: list[int]) -> IntArray:
    return np.array(values, dtype=np.int64)
