"""Nova's host manager over records in memory: only what reads the database is replaced."""

# mypy: disable-error-code="import-not-found"
# Nova is installed only where this runs.

from __future__ import annotations  # nova.objects has its classes only once they are registered

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from nova import objects
from nova.scheduler import host_manager

from benchmarks.speed import fleet
from parity.theirs.states import compute_node

CELL = "00000000-0000-4000-8000-00000000ce11"


class Hosts(host_manager.HostManager):
    """Filters, weighers and host states are Nova's; the records they are made of are those of the fleet."""

    def load(self, size: int) -> None:
        """Take a fleet of this size."""
        self._records = {host["uuid"]: _record(host) for host in fleet.hosts(size)}
        self._services = {record.host: _service(record.host) for record in self._records.values()}
        self._instance_info = {host: {"instances": {}, "updated": True} for host in self._services}
        self.uuids = list(self._records)
        self.prepared: list[host_manager.HostState] = []

    def prepare(self) -> list[host_manager.HostState]:
        """Make the host states that the next request finds, so that it need not make them."""
        self.prepared = []
        self.prepared = list(self.get_host_states_by_uuids(None, self.uuids, None))
        return self.prepared

    def forget(self) -> None:
        """Let every request make its host states again, as it does in a cloud."""
        self.prepared = []

    def get_host_states_by_uuids(
        self, context: object, compute_uuids: Iterable[str], spec_obj: object
    ) -> Iterator[host_manager.HostState]:
        """Return what was prepared, or what Nova makes of the records."""
        if self.prepared:
            return iter(self.prepared)
        states: Iterator[host_manager.HostState] = super().get_host_states_by_uuids(context, compute_uuids, spec_obj)
        return states

    def refresh_cells_caches(self) -> None:
        """Know one cell."""
        cell = objects.CellMapping(uuid=CELL, name="cell", disabled=False)
        self.cells = {CELL: cell}
        self.enabled_cells = [cell]
        self.host_to_cell_uuid: dict[str, str] = {}

    def _init_aggregates(self) -> None:
        """Know no aggregates."""

    def _init_instance_info(self, computes_by_cell: object = None) -> None:
        """Know no instances."""

    def _get_computes_for_cells(
        self, context: object, cells: object, compute_uuids: Iterable[str]
    ) -> tuple[dict[str, list[objects.ComputeNode]], dict[str, objects.Service]]:
        """Return the records that a query would return."""
        return {CELL: [self._records[uuid] for uuid in compute_uuids]}, self._services


def _record(host: fleet.Fields) -> objects.ComputeNode:
    record = compute_node(host["uuid"], host["name"], host)
    record.host = host["name"]
    return record


def _service(host: str) -> objects.Service:
    now = datetime.now(UTC)
    times = {"created_at": now, "updated_at": now, "last_seen_up": now, "deleted_at": None}
    return objects.Service(
        id=1,
        uuid=CELL,
        host=host,
        binary="nova-compute",
        topic="compute",
        report_count=1,
        disabled=False,
        disabled_reason=None,
        forced_down=False,
        deleted=False,
        availability_zone="nova",
        **times,
    )
