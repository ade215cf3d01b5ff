"""A standalone, hardened filter scheduler for OpenStack Placement."""

from scheduler.bootstrap import build
from scheduler.claims import Reservation
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
    DecisionRecord,
    Destination,
    Flavor,
    HostFact,
    Image,
    RequestContext,
    RequestGroup,
    RequestSpec,
    Selection,
    ServerGroup,
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
    "HostSnapshot",
    "HostFact",
    "AggregateFact",
    "snapshot_of",
    "RandomSource",
    "SystemRandomSource",
    "SeededRandomSource",
]
