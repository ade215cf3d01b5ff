"""Who is where: the members of a server group on hosts, and in the domains (racks, zones) that hosts are in.

How many members a host has is the greater of two counts: members found on it by instance UUID (in the facts, or placed
in this batch), and how often the group names the host. Either may be the fresher one.
"""

from collections.abc import Collection

import numpy as np

from scheduler.hosts.arrays import FloatArray, IntArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.model.request import TRAIT_KEY


def members_on(request: RequestSpec, hosts: HostTable) -> IntArray:
    """Return how many of the others are on each host, shape (n,)."""
    (known, joined), (named, named_strangers) = _others(request, hosts), _named(request, hosts)
    at, facts = hosts.hosts, hosts.fact_rows
    counts: IntArray = np.maximum(known[facts] + joined[at], named[facts] + named_strangers[at])
    return counts


def somebody_is_somewhere(request: RequestSpec, hosts: HostTable) -> bool:
    """Tell whether any of the others is known to be on a host, of this table or not."""
    known, joined = _others(request, hosts)
    return bool(_named_hosts(request)) or bool(known.any()) or bool(joined.any())


def skews(key: str, request: RequestSpec, hosts: HostTable) -> FloatArray:
    """Return by how much each host's domain would lead the emptiest one with the instance there, shape (n,).

    A domain is a set of values of an aggregate metadata key, or of traits of root providers with a prefix. The emptiest
    one is looked for among those in which Placement offers a host. Infinite where a host is in no domain.
    """
    codes, sets, members = _domains(key, request, hosts)
    named = np.array([bool(values) for values in sets], dtype=np.bool_)
    offered = named & (np.bincount(codes, minlength=len(sets)) > 0)
    least = members[offered].min(initial=np.iinfo(np.int64).max)
    here = codes[hosts.hosts]
    return np.where(named[here], members[here] + 1.0 - least, np.inf)


def most_skewed(request: RequestSpec, hosts: HostTable) -> int:
    """Return a skew that no domain can exceed: with all of the others in one, and another one empty."""
    group = request.instance_group
    return len(group.members if group else hosts.claimed) + len(_named_hosts(request)) + 1


def _domains(key: str, request: RequestSpec, hosts: HostTable) -> tuple[IntArray, tuple[frozenset[str], ...], IntArray]:
    """Return the domain of every offered host (h,), what the d domains are, and how many of the others each has (d,).

    Placement tells traits of the hosts that it offers only; members elsewhere are counted by aggregates alone.
    """
    everywhere = hosts.at(np.arange(hosts.size, dtype=np.int64))
    if key.startswith(TRAIT_KEY):
        codes, sets = everywhere.offers.trait_sets(key.removeprefix(TRAIT_KEY))
        return codes, sets, _summed(codes, members_on(request, everywhere), len(sets))
    by_fact, sets = hosts.offers.snapshot.aggregate_values(key)
    return by_fact[everywhere.fact_rows], sets, _summed(by_fact, _on_facts(request, hosts), len(sets))


def _summed(codes: IntArray, counts: IntArray, domains: int) -> IntArray:
    return np.bincount(codes, weights=counts, minlength=domains).astype(np.int64)


def _on_facts(request: RequestSpec, hosts: HostTable) -> IntArray:
    """Return how many of the others are on the host of each fact, offered or not, shape (f + 1,)."""
    (known, joined), (named, _) = _others(request, hosts), _named(request, hosts)
    rows = hosts.offers.fact_rows % len(known)  # -1 is the last row
    counts: IntArray = np.maximum(known + _summed(rows, joined, len(known)), named)
    return counts


def _others(request: RequestSpec, hosts: HostTable) -> tuple[IntArray, IntArray]:
    """Return how many of the others the facts have on each row, (f + 1,), and the batch besides on each host, (h,).

    Those are the members of the group, the instances of the batch among them, or without one these alone; all but the
    one being placed.
    """
    own, group, offers = request.instance_uuid, request.instance_group, hosts.offers
    members, joined = (group.members, hosts.joined) if group else ((), hosts.placed)
    known = offers.instances.of(members)
    if own is None:
        return known, joined
    rows, here = offers.snapshot.rows_of_instance(own), hosts.claimed.get(own)
    rows = rows if rows and own in members else ()
    if rows:
        known = known - _counts(rows, len(known))
    if here is not None and offers.fact_rows[here] not in rows:
        joined = joined - _counts([here], len(joined))
    return known, joined


def _named(request: RequestSpec, hosts: HostTable) -> tuple[IntArray, IntArray]:
    """Return how often the group names the host of each fact, (f + 1,), and each host without facts, (h,)."""
    counts, facts = hosts.offers.names_given.of(_named_hosts(request)), len(hosts.offers.snapshot.facts) + 1
    return counts[:facts], counts[facts:]


def _counts(rows: Collection[int], size: int) -> IntArray:
    return np.bincount(list(rows), minlength=size)


def _named_hosts(request: RequestSpec) -> tuple[str, ...]:
    return request.instance_group.hosts if request.instance_group else ()
