"""Small fleets for tests of the deciding core: nodes with names, and what Placement would offer of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid5

from placement_client.models import (
    AllocationCandidates,
    AllocationRequest,
    ProviderSummary,
    Resources,
    ResourceSummary,
)
from scheduler.hosts import HostTable, build_host_table, snapshot_of
from scheduler.model import Flavor, HostFact, RequestSpec

Amounts = Mapping[str, Mapping[str, int]]


def uid(name: str) -> UUID:
    """Return the UUID that stands for a name."""
    return uuid5(NAMESPACE_DNS, name)


@dataclass(frozen=True)
class Node:
    """A provider: (capacity, used) by class, traits, the name of its root (itself by default), facts of the host."""

    name: str
    room: Mapping[str, tuple[int, int]] = field(default_factory=lambda: {"VCPU": (8, 0)})
    traits: Sequence[str] = ()
    root: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    known: bool = True

    @property
    def is_root(self) -> bool:
        return self.root is None

    def summary(self) -> ProviderSummary:
        resources = {name: ResourceSummary(capacity, used) for name, (capacity, used) in self.room.items()}
        parent = None if self.is_root else uid(self.root)
        return ProviderSummary(resources, list(self.traits), parent, uid(self.root or self.name))

    def fact(self) -> HostFact:
        return HostFact(name=self.name, provider_uuid=uid(self.name), **self.facts)


def request_for(amounts: Amounts) -> AllocationRequest:
    """Return the allocation request of these amounts by node name and class."""
    allocations = {uid(name): Resources(dict(resources)) for name, resources in amounts.items()}
    return AllocationRequest(allocations, {"": list(allocations)})


def candidates(nodes: Sequence[Node], requests: Sequence[Amounts] | None = None) -> AllocationCandidates:
    """Return an answer of Placement; by default one candidate a root node, of 1 of each of its classes."""
    ways = requests if requests is not None else [{n.name: dict.fromkeys(n.room, 1)} for n in nodes if n.is_root]
    return AllocationCandidates([request_for(way) for way in ways], {uid(node.name): node.summary() for node in nodes})


def table(*nodes: Node, requests: Sequence[Amounts] | None = None, **snapshot: Any) -> HostTable:
    """Return the host table of these nodes; ``snapshot`` is handed to ``snapshot_of``."""
    facts = [node.fact() for node in nodes if node.is_root and node.known]
    return build_host_table(candidates(nodes, requests), snapshot_of(facts, **snapshot))


def row_of(hosts: HostTable, name: str) -> int:
    """Return the row of a host."""
    return list(hosts.names).index(name)


def names_where(hosts: HostTable, mask: Any) -> set[str]:
    """Return the names of the hosts at which a mask is set."""
    return set(hosts.names[mask])


def spec(**fields: Any) -> RequestSpec:
    """Return a request of one virtual CPU with these fields."""
    return RequestSpec(**{"flavor": Flavor(vcpus=1, memory_mb=1), "project_id": "p", "user_id": "u"} | fields)
