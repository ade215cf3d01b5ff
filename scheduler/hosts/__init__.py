"""The hosts of a request: facts, where they come from, and the table that joins them with what Placement offers."""

from scheduler.hosts.assumed import Assumed, Standing
from scheduler.hosts.build import build_host_table
from scheduler.hosts.inputs import inputs_of, table_of
from scheduler.hosts.snapshot import HostSnapshot, snapshot_of
from scheduler.hosts.source import HostSource, PlacementHostSource, facts_from
from scheduler.hosts.table import HostTable

__all__ = [
    "HostTable",
    "build_host_table",
    "Assumed",
    "Standing",
    "inputs_of",
    "table_of",
    "HostSnapshot",
    "snapshot_of",
    "HostSource",
    "facts_from",
    "PlacementHostSource",
]
