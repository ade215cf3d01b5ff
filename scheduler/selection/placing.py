"""From a row of the host table to what is planned for an instance and what the caller sees of it."""

from collections.abc import Iterable
from uuid import UUID

from scheduler.hosts import HostTable
from scheduler.model import Selection
from scheduler.model.plan import AmountOn, Placing


def placing_of(instance: UUID, hosts: HostTable, row: int, candidate: int) -> Placing:
    """Return the placing of an instance on a host, as this candidate says."""
    name, node, provider = hosts.identity(row)
    return Placing(
        instance_uuid=instance,
        host=name,
        node=node,
        provider_uuid=provider,
        allocation_request=hosts.request_of(candidate),
        amounts=tuple(AmountOn(*amount) for amount in hosts.claims_on(candidate)),
    )


def selection_of(placing: Placing, microversion: str, *, claimed: bool) -> Selection:
    """Return a placing as the caller sees it."""
    return Selection(
        instance_uuid=placing.instance_uuid,
        service_host=placing.host,
        nodename=placing.node,
        compute_node_uuid=placing.provider_uuid,
        allocation_request=placing.allocation_request,
        allocation_request_version=microversion,
        claimed=claimed,
    )


def selections_of(placings: Iterable[Placing], alternates: HostTable, microversion: str) -> list[list[Selection]]:
    """Return what the caller gets: each instance's host, and the alternates, which all share."""
    others = [(row, alternates.first_fitting(row)) for row in range(len(alternates))]
    return [
        [
            selection_of(placing, microversion, claimed=True),
            *(
                selection_of(placing_of(placing.instance_uuid, alternates, *other), microversion, claimed=False)
                for other in others
            ),
        ]
        for placing in placings
    ]
