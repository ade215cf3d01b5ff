"""The values of the scheduler: what is asked for, what comes back, and why."""

from scheduler.model.decision import (
    DecisionRecord,
    FilterStep,
    InstanceDecision,
    Outcome,
    Probe,
    Round,
    ScoredHost,
    Selection,
    Timings,
    WeigherScore,
)
from scheduler.model.facts import AggregateFact, HostFact
from scheduler.model.inputs import HostsThen, Inputs, RoundInputs, Rules
from scheduler.model.request import (
    Destination,
    Flavor,
    Image,
    RequestContext,
    RequestGroup,
    RequestSpec,
    ServerGroup,
)

__all__ = [
    "RequestContext",
    "RequestSpec",
    "Flavor",
    "Image",
    "ServerGroup",
    "Destination",
    "RequestGroup",
    "Selection",
    "DecisionRecord",
    "Round",
    "InstanceDecision",
    "FilterStep",
    "ScoredHost",
    "WeigherScore",
    "Probe",
    "Timings",
    "Outcome",
    "HostFact",
    "AggregateFact",
    "Inputs",
    "RoundInputs",
    "HostsThen",
    "Rules",
]
