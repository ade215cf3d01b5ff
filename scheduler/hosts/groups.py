"""Who is where: the members of a server group on hosts, and in the domains (racks, zones) that hosts are in.

How many members a host has is the greater of two counts: members found on it by instance UUID (in the facts, or placed
in this batch), and how often the group names the host. Either may be the fresher one.
"""

from collections.abc import Collection
from uuid import UUID

import numpy as np

from scheduler.hosts.arrays import FloatArray, IntArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.model.request import TRAIT_KEY


def others(request: RequestSpec, hosts: HostTable) -> frozenset[UUID]:
    """Return whom the instance is placed beside: the members of its group, or else the instances of its batch."""
    group = request.instance_group
    return frozenset(group.members if group else hosts.claimed) - {request.instance_uuid}


def members_on(request: RequestSpec, hosts: HostTable) -> IntArray:
    """Return how many of the others are on each host, shape (n,)."""
    return np.maximum(hosts.members(others(request, hosts)), hosts.named(_named_hosts(request)))


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
    return len(others(request, hosts)) + len(_named_hosts(request)) + 1


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
    snapshot = hosts.offers.snapshot
    known, here = hosts.whereabouts(others(request, hosts))
    placed = [int(hosts.offers.fact_rows[host]) % (len(snapshot.facts) + 1) for host in here]  # -1 is the last row
    named = [row for name in _named_hosts(request) for row in snapshot.rows_of_host.get(name, ())]
    return np.maximum(_counts([*known, *placed], len(snapshot.facts) + 1), _counts(named, len(snapshot.facts) + 1))


def _counts(rows: list[int], size: int) -> IntArray:
    return np.bincount(np.array(rows, dtype=np.int64), minlength=size)


def _named_hosts(request: RequestSpec) -> Collection[str]:
    return request.instance_group.hosts if request.instance_group else ()
