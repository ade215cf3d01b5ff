"""From hosts to the providers of their trees, and back."""

from uuid import UUID

import numpy as np

from scheduler.hosts.table import HostTable


def tree_of(root: UUID, hosts: HostTable) -> tuple[UUID, ...]:
    """Return the providers of an offered host on which anything can be allocated: those that have inventory."""
    slots = hosts.offers.slots
    own = np.flatnonzero(slots.hosts == np.flatnonzero(hosts.offers.host_uuids == root))
    return tuple(dict.fromkeys(slots.providers[slot] for slot in own))


def host_of(provider: UUID, hosts: HostTable) -> str:
    """Return the name of the host that a provider belongs to, or its UUID where neither offers nor facts know it."""
    offers, snapshot = hosts.offers, hosts.offers.snapshot
    offered = offers.slots.hosts[[one == provider for one in offers.slots.providers]]
    if offered.size and offered[0] >= 0:
        return str(offers.names[offered[0]])
    row = snapshot.rows_by_int.get(provider.int)
    return snapshot.provider_names.get(provider, str(provider)) if row is None else snapshot.facts[row].name
