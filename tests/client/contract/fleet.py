"""Providers by name, short forms of what is written and found, and plain HTTP."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid5

import requests
from requests.adapters import BaseAdapter

from placement_client.client import PlacementClient
from placement_client.models import AllocationCandidates, ConsumerWrite, Inventory, Resources
from placement_client.query import CandidateQuery, RequestGroup
from placement_client.testing.faults import FaultAdapter, speaks_up_to, when

Way = frozenset[tuple[str, str, int]]


def id_of(name: str) -> UUID:
    """Return the UUID that everything of this name has."""
    return uuid5(NAMESPACE_DNS, name)


class Fleet:
    """Puts providers into a server, and tells their names again."""

    def __init__(self, client: PlacementClient) -> None:
        self.client = client
        self.names: dict[UUID, str] = {}

    def add(
        self,
        name: str,
        inventories: Mapping[str, int | Inventory] | None = None,
        traits: Iterable[str] = (),
        aggregates: Iterable[str] = (),
        parent: str | None = None,
    ) -> UUID:
        """Create a provider with everything it has, and return its UUID."""
        uuid = id_of(name)
        self.names[uuid] = name
        generation = self.client.create_resource_provider(name, uuid, id_of(parent) if parent else None).generation
        wanted = {
            key: Inventory(value) if isinstance(value, int) else value for key, value in (inventories or {}).items()
        }
        if wanted:
            generation = self.client.set_inventories(uuid, generation, wanted).resource_provider_generation
        self._describe(uuid, generation, list(traits), [id_of(aggregate) for aggregate in aggregates])
        return uuid

    def _describe(self, uuid: UUID, generation: int | None, traits: list[str], aggregates: list[UUID]) -> None:
        for trait in traits:
            if trait.startswith("CUSTOM_"):
                self.client.create_trait(trait)
        if traits:
            generation = self.client.set_provider_traits(uuid, generation or 0, traits).resource_provider_generation
        if aggregates:
            self.client.set_aggregates(uuid, generation or 0, aggregates)

    def ways(self, found: AllocationCandidates) -> set[Way]:
        """Return the candidates as sets of (provider, class, amount)."""
        return {
            frozenset(
                (self.names[provider], name, amount)
                for provider, part in request.allocations.items()
                for name, amount in part.resources.items()
            )
            for request in found.allocation_requests
        }

    def hosts(self, found: AllocationCandidates) -> list[str]:
        """Return the names of all providers that serve in some candidate, sorted."""
        return sorted({name for way in self.ways(found) for name, _, _ in way})

    def find(self, *groups: RequestGroup, **more: Any) -> AllocationCandidates:
        """Ask for candidates; the first group is unsuffixed, the next are 1, 2 and so on."""
        suffixed = {str(number or ""): group for number, group in enumerate(groups) if group.resources or number}
        return self.client.get_allocation_candidates(CandidateQuery(suffixed, **more))


def group(resources: Mapping[str, int] | None = None, **more: Any) -> RequestGroup:
    """Return a request group; one VCPU unless told otherwise."""
    return RequestGroup({"VCPU": 1} if resources is None else resources, **more)


def traits(*names: str) -> tuple[frozenset[str], ...]:
    """Return traits that are all required."""
    return tuple(frozenset({name}) for name in names)


def claim(resources: Mapping[str, Mapping[str, int]], generation: int | None = None, **more: Any) -> ConsumerWrite:
    """Return a write of these amounts by provider name."""
    allocations = {id_of(provider): Resources(dict(amounts)) for provider, amounts in resources.items()}
    return ConsumerWrite(allocations, "project", "user", generation, **more)


def older(adapter: BaseAdapter, version: str) -> BaseAdapter:
    """Return an adapter behind which the server speaks nothing newer than ``version``."""
    return FaultAdapter(adapter, when(lambda call: call.path == "/", speaks_up_to(version)))


class Http:
    """Requests without a client of ours in between."""

    def __init__(self, adapter: BaseAdapter) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("https://", adapter)

    def __call__(
        self, method: str, path: str, body: Any = None, *, version: str | None = "1.39", **headers: str
    ) -> requests.Response:
        """Send one request; header names are written with _ for -."""
        every = {"X-Auth-Token": "admin"} | {name.replace("_", "-"): value for name, value in headers.items()}
        if version:
            every["OpenStack-API-Version"] = f"placement {version}"
        content = {"data": body} if isinstance(body, bytes) else {"json": body}
        return self._session.request(method, "https://placement.test" + path, headers=every, **content)
