"""The inputs of a round: what of a snapshot can matter to it, and the same table made of that again."""

from collections.abc import Iterable, Iterator
from typing import TypeVar
from uuid import UUID

import numpy as np

from placement_client.models import AllocationCandidates
from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.assumed import Assumed, Standing
from scheduler.hosts.build import build_host_table
from scheduler.hosts.snapshot import HostSnapshot
from scheduler.hosts.table import HostTable
from scheduler.model.inputs import HostsThen, RoundInputs
from scheduler.model.request import RequestSpec, ServerGroup

T = TypeVar("T")


def inputs_of(
    found: AllocationCandidates,
    hosts: HostTable,
    request: RequestSpec,
    instances: Iterable[UUID],
    learnt: ServerGroup | None = None,
    assumed: Assumed = (),
    asked_by: str = "",
) -> RoundInputs:
    """Return what a table was built from, without the facts of hosts that can make no difference.

    Those are the hosts that were not offered, unless an instance of the request or a member of its group is there, or
    the group names them. ``learnt`` is the group of this round, where it is not that of the request; ``assumed`` and
    ``asked_by`` are for an answer that requests share.
    """
    offers, snapshot = hosts.offers, hosts.offers.snapshot
    group = learnt or request.instance_group
    named = (*instances, *(group.members if group else ()))
    wanted = np.zeros(len(snapshot.facts) + 1, dtype=np.bool_)  # the last one is of hosts without facts
    wanted[offers.fact_rows] = True
    wanted[[row for instance in named for row in snapshot.rows_of_instance(instance)]] = True
    wanted[[row for name in (group.hosts if group else ()) for row in snapshot.rows_of_host(name)]] = True
    wanted[-1] = False
    strangers = [offers.host_uuids[host] for host in np.flatnonzero(offers.fact_rows < 0)]
    return RoundInputs(
        candidates=found.written,
        hosts=HostsThen(
            facts=_picked(snapshot.facts, wanted),
            provider_uuids=_picked(snapshot.provider_uuids, wanted),
            provider_names={uuid: name for uuid in strangers if (name := snapshot.provider_names.get(uuid))},
            aggregates=snapshot.aggregates_of(wanted),
            reserved=tuple(_reserved(snapshot, found)),
            taken_at=snapshot.taken_at,
        ),
        instance_group=learnt,
        assumed=assumed,
        asked_by=asked_by,
    )


def table_of(inputs: RoundInputs) -> HostTable:
    """Return the table that these are the inputs of. Raises BadAnswer or LookupError when they are not of one table."""
    then = inputs.hosts
    snapshot = HostSnapshot(
        facts=then.facts,
        provider_uuids=then.provider_uuids,
        provider_names=then.provider_names,
        aggregates={aggregate.uuid: aggregate for aggregate in then.aggregates},
        reserved={(provider, name): amount for provider, name, amount in then.reserved},
        taken_at=then.taken_at,
    )
    return Standing(build_host_table(AllocationCandidates.of(inputs.candidates), snapshot)).with_use(inputs.assumed)


def _picked(values: tuple[T, ...], wanted: BoolArray) -> tuple[T, ...]:
    """Return the values that are wanted; the tuple itself where all of them are, as in a small fleet."""
    return values if wanted[:-1].all() else tuple(map(values.__getitem__, np.flatnonzero(wanted).tolist()))


def _reserved(snapshot: HostSnapshot, found: AllocationCandidates) -> Iterator[tuple[UUID, str, int]]:
    if not snapshot.reserved:
        return
    for provider, summary in found.provider_summaries.items():
        for name in summary.resources:
            if amount := snapshot.reserved.get((provider, name)):
                yield provider, name, amount
