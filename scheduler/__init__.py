"""A standalone, hardened filter scheduler for OpenStack Placement."""

from scheduler.bootstrap import build
from scheduler.claims import GroupSource, Reservation
from scheduler.config import load_config
from scheduler.errors import (
    ClaimInDoubt,
    Fenced,
    InstanceConflict,
    InvalidRequest,
    InvalidSettings,
    JournalUnavailable,
    NotPermitted,
    NoValidHost,
    PluginFailed,
    RequestInProgress,
    SchedulerError,
    SchedulingUnavailable,
)
from scheduler.filter_scheduler import FilterScheduler
from scheduler.hosts import HostSnapshot, HostSource, snapshot_of
from scheduler.model import (
    AggregateFact,
    Build,
    DecisionRecord,
    Destination,
    Evacuate,
    Flavor,
    HostFact,
    Image,
    LiveMigrate,
    Migrate,
    Operation,
    Rebuild,
    RequestContext,
    RequestedNetwork,
    RequestGroup,
    RequestSpec,
    Selection,
    ServerGroup,
    TopologySpread,
    Unshelve,
)
from scheduler.randomness import RandomSource, SeededRandomSource, SystemRandomSource

__all__ = [
    # building a scheduler
    "load_config",
    "build",
    "FilterScheduler",
    # asking
    "RequestContext",
    "RequestSpec",
    "Flavor",
    "Image",
    "ServerGroup",
    "Destination",
    "RequestGroup",
    "TopologySpread",
    "RequestedNetwork",
    # what is done with the instances
    "Operation",
    "Build",
    "Rebuild",
    "Evacuate",
    "Migrate",
    "LiveMigrate",
    "Unshelve",
    # the answer
    "Selection",
    "Reservation",
    "DecisionRecord",
    # the errors
    "SchedulerError",
    "NoValidHost",
    "InvalidRequest",
    "NotPermitted",
    "InstanceConflict",
    "SchedulingUnavailable",
    "PluginFailed",
    "JournalUnavailable",
    "Fenced",
    "RequestInProgress",
    "ClaimInDoubt",
    "InvalidSettings",
    # what a controller may bring along
    "HostSource",
    "GroupSource",
    "HostSnapshot",
    "HostFact",
    "AggregateFact",
    "snapshot_of",
    "RandomSource",
    "SystemRandomSource",
    "SeededRandomSource",
]
