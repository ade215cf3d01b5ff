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


class Hosts:
    """Nova's ``HostManager`` over the records of the fleet: filters, weighers and host states are its own."""

    def __init__(self) -> None:
        cell = objects.CellMapping(uuid=CELL, name="cell", disabled=False)
        objects.CellMappingList.get_all = lambda ctxt: objects.CellMappingList(objects=[cell])
        objects.AggregateList.get_all = lambda ctxt: objects.AggregateList(objects=[])
        host_manager.HostManager._init_instance_info = lambda manager: None
        self.manager = host_manager.HostManager()
        self.manager._get_computes_for_cells = self._computes
        self.states = self.manager.get_host_states_by_uuids
        self.manager.get_host_states_by_uuids = self._states
        self._prepared: list[host_manager.HostState] = []

    def load(self, size: int) -> None:
        """Take a fleet of this size."""
        self._records = {host["uuid"]: _record(host) for host in fleet.hosts(size)}
        self._services = {record.host: _service(record.host) for record in self._records.values()}
        self.manager._instance_info = {host: {"instances": {}, "updated": True} for host in self._services}
        self._prepared = []

    def prepare(self) -> list[host_manager.HostState]:
        """Make the host states that the next request finds, so that it need not make them."""
        self._prepared = list(self.states(None, list(self._records), None))
        return self._prepared

    def forget(self) -> None:
        """Let every request make its host states again, as it does in a cloud."""
        self._prepared = []

    def _states(self, context: object, uuids: Iterable[str], spec: object) -> Iterator[host_manager.HostState]:
        return iter(self._prepared or self.states(context, uuids, spec))

    def _computes(
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
