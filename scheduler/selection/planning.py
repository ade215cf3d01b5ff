"""A whole batch: an instance at a time, each on what the ones before left over."""

from collections.abc import Callable, Sequence
from uuid import UUID

import numpy as np
from msgspec import Struct

from scheduler.filters import AnyFilter
from scheduler.hosts.table import HostTable
from scheduler.model import InstanceDecision, RequestSpec
from scheduler.model.plan import Placing
from scheduler.randomness import RandomStream
from scheduler.selection.filtering import settle
from scheduler.selection.memory import Memory
from scheduler.selection.placing import placing_of
from scheduler.selection.plugins import Plugins
from scheduler.selection.ranking import Ranked, rank_hosts

Rank = Callable[[Memory, RequestSpec, HostTable], Ranked]
"""Ranks the hosts for one instance, as ``rank_hosts`` does."""


class Plan(Struct, frozen=True):
    """Where every instance of a batch goes, and the request and the hosts as they will be then."""

    placings: tuple[Placing, ...]
    hosts: HostTable
    spec: RequestSpec


def plan_batch(
    filters: Sequence[AnyFilter],
    rank: Rank,
    spec: RequestSpec,
    instances: Sequence[UUID],
    hosts: HostTable,
    put_down: Callable[[InstanceDecision], None],
) -> Plan | None:
    """Return a host and an allocation candidate for every instance; None when nothing is left for one of them.

    ``put_down`` is called with each decision as it is made, the one that found nothing included.
    """
    memory, placings, spec = settle(filters, spec, hosts), [], spec.with_members(instances)
    for instance in instances:
        ranked = rank(memory, spec.for_instance(instance), hosts)
        if not len(ranked.rows):
            put_down(_decision_of(instance, ranked, None))
            return None
        row = int(ranked.rows[0])
        candidate = ranked.hosts.first_fitting(row)
        placing = placing_of(instance, hosts, row, candidate)
        put_down(_decision_of(instance, ranked, placing))
        placings.append(placing)
        hosts = hosts.with_claim(row, candidate, instance)
        spec = spec.with_member_on(placing.host)
    return Plan(tuple(placings), hosts, spec)


def alternates_of(plugins: Plugins, plan: Plan, at_most: int, stream: RandomStream) -> HostTable:
    """Return the best hosts that none of the batch goes to, best first, as they are with the batch in place."""
    if not at_most:
        return plan.hosts.take(np.zeros(0, dtype=np.int64))
    spec = plan.spec.for_instance(plan.placings[-1].instance_uuid)
    taken = {placing.provider_uuid for placing in plan.placings}
    memory, places = settle(plugins.filters, spec, plan.hosts), at_most + len(taken)
    ranked = rank_hosts(plugins, memory, spec, plan.hosts, stream, best=0, places=places)
    free = [uuid not in taken for uuid in plan.hosts.provider_uuids[ranked.rows]]
    return ranked.hosts.take(ranked.rows[free][:at_most])


def _decision_of(instance: UUID, ranked: Ranked, placing: Placing | None) -> InstanceDecision:
    return InstanceDecision(
        instance_uuid=instance,
        steps=ranked.steps,
        best_hosts=ranked.best_hosts,
        order=ranked.digest,
        selected=placing.host if placing else None,
        allocation=placing.allocation_request if placing else None,
    )
