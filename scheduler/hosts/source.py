"""Where the facts of hosts come from: the protocol, and the source that needs nothing but Placement."""

import threading
from collections.abc import Collection, Iterable, Sequence
from typing import Literal, Protocol
from uuid import UUID

from placement_client.clock import SYSTEM_CLOCK, Clock, Deadline
from placement_client.errors import DeadlineExceeded, PlacementError
from placement_client.models import Aggregates, Inventories, ResourceProvider
from scheduler.errors import PluginFailed, SchedulerError
from scheduler.events import EventLog
from scheduler.events.table import HOSTS_REFRESHED
from scheduler.hosts.snapshot import HostSnapshot, snapshot_of
from scheduler.model.facts import AggregateFact, HostFact

MIN_REFRESH_S = 5.0
"""A provider that the listing does not hold either does not make every request ask again."""


class HostSource(Protocol):
    """Gives facts of hosts."""

    def snapshot(self, wanted: Collection[UUID] = (), deadline: Deadline | None = None) -> HostSnapshot:
        """Return facts for at least these root providers where known; the same object while nothing changed.

        ``deadline`` is that of the request that asks; nothing may take longer.
        """
        ...


def facts_from(source: HostSource, wanted: Collection[UUID] = (), deadline: Deadline | None = None) -> HostSnapshot:
    """Return what a source knows; PluginFailed names one that raises anything but our own errors."""
    try:
        return source.snapshot(wanted, deadline)
    except (SchedulerError, PlacementError):
        raise
    except Exception as error:  # noqa: BLE001 - a source may raise anything, and its text may hold anything
        problem = type(error).__name__
    raise PluginFailed(type(source).__name__, problem)


class ProviderReader(Protocol):
    """What this room asks of a ``PlacementClient``."""

    def within(self, deadline: Deadline, /) -> "ProviderReader":
        """Return a reader whose calls share a deadline."""
        ...

    def list_resource_providers(self) -> Sequence[ResourceProvider]:
        """Return all resource providers."""
        ...

    def get_inventories(self, provider: UUID, /) -> Inventories:
        """Return the inventories of one provider."""
        ...

    def get_aggregates(self, provider: UUID, /) -> Aggregates:
        """Return the aggregates of one provider."""
        ...


class PlacementHostSource:
    """Hosts as Placement lists them: each root provider is one, enabled and up, host and node named like it.

    One listing every ``refresh_s``, or sooner when an unknown provider is wanted. With details "full" also two calls a
    root provider, for reserved amounts and aggregates. Thread-safe. A ``PlacementError`` of a refresh reaches the
    caller: facts that cannot be refreshed are not used, as a request without Placement leads nowhere anyway.
    """

    def __init__(
        self,
        client: ProviderReader,
        clock: Clock = SYSTEM_CLOCK,
        refresh_s: float = 300.0,
        details: Literal["names", "full"] = "names",
        log: EventLog | None = None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._log = log or EventLog()
        self._refresh_s = refresh_s
        self._full = details == "full"
        self._lock = threading.Lock()
        self._latest: HostSnapshot | None = None
        self._refreshed_at = 0.0
        self._missing: frozenset[int] = frozenset()

    def snapshot(self, wanted: Collection[UUID] = (), deadline: Deadline | None = None) -> HostSnapshot:
        """Return the latest listing, refreshed when it is old or lacks a wanted root provider."""
        if not self._lock.acquire(timeout=deadline.remaining() if deadline else -1):
            raise DeadlineExceeded("GET /resource_providers")
        try:
            if self._latest is None or self._stale(self._latest, wanted):
                started = self._clock.monotonic()
                self._latest = self._read(self._client.within(deadline) if deadline else self._client)
                self._refreshed_at = self._clock.monotonic()
                taken_ms = 1000 * (self._refreshed_at - started)
                self._log(HOSTS_REFRESHED, hosts=len(self._latest.facts), step_ms=taken_ms)
                self._missing = self._unknown(self._latest, wanted)
            return self._latest
        finally:
            self._lock.release()

    def _stale(self, latest: HostSnapshot, wanted: Collection[UUID]) -> bool:
        age = self._clock.monotonic() - self._refreshed_at
        if age >= self._refresh_s:
            return True
        unknown = self._unknown(latest, wanted)
        return bool(unknown - self._missing) or (bool(unknown) and age >= MIN_REFRESH_S)

    @staticmethod
    def _unknown(latest: HostSnapshot, wanted: Collection[UUID]) -> frozenset[int]:
        return frozenset(uuid.int for uuid in wanted if uuid.int not in latest.rows_by_int)

    def _read(self, client: ProviderReader) -> HostSnapshot:
        roots = [one for one in client.list_resource_providers() if one.root_provider_uuid in {None, one.uuid}]
        memberships = {root.uuid: client.get_aggregates(root.uuid) for root in roots} if self._full else {}
        facts = [
            HostFact(
                name=root.name,
                provider_uuid=root.uuid,
                aggregates=tuple(memberships[root.uuid].aggregates) if self._full else (),
            )
            for root in roots
        ]
        return snapshot_of(
            facts,
            provider_names={root.uuid: root.name for root in roots},
            aggregates=_unnamed(uuid for fact in facts for uuid in fact.aggregates),
            reserved=_reserved(client, roots) if self._full else {},
            taken_at=self._clock.wall(),
        )


def _reserved(client: ProviderReader, roots: Sequence[ResourceProvider]) -> dict[tuple[UUID, str], int]:
    return {
        (root.uuid, resource_class): inventory.reserved
        for root in roots
        for resource_class, inventory in client.get_inventories(root.uuid).inventories.items()
    }


def _unnamed(uuids: Iterable[UUID]) -> list[AggregateFact]:
    # Placement knows aggregates by UUID only.
    return [AggregateFact(uuid=uuid, name=str(uuid)) for uuid in sorted(set(uuids))]
