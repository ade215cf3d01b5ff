"""What a decision was made from: enough to make it again, without asking anybody."""

from uuid import UUID

from msgspec import Struct, field

from placement_client.models import WrittenCandidates
from scheduler.model.facts import AggregateFact, HostFact
from scheduler.model.operation import BUILD, Operation
from scheduler.model.request import RequestSpec, ServerGroup
from scheduler.settings import (
    FilterSettings,
    MetricsSettings,
    OrderSettings,
    PrefilterSettings,
    QuestionSettings,
    WeigherSettings,
    WorkaroundSettings,
)


class HostsThen(Struct, frozen=True, kw_only=True):
    """The facts of the hosts that were offered, as they were then, in the order of the snapshot they come from.

    ``provider_uuids[i]`` is the root provider of fact i; ``provider_names`` are those of hosts without facts.
    ``reserved`` is (provider, class, amount). ``taken_at`` is seconds since the epoch.
    """

    facts: tuple[HostFact, ...] = ()
    provider_uuids: tuple[UUID | None, ...] = ()
    provider_names: dict[UUID, str] = field(default_factory=dict)
    aggregates: tuple[AggregateFact, ...] = ()
    reserved: tuple[tuple[UUID, str, int], ...] = ()
    taken_at: float = 0.0


class RoundInputs(Struct, frozen=True, kw_only=True):
    """What one round was decided from: Placement's answer, and the facts of its hosts.

    ``instance_group`` is the group as the round before found it, in place of the request's; None where nobody looked.
    ``assumed`` is (provider, class, amount): what requests in flight were to take then, on top of what Placement said.
    ``asked_by`` is the request whose question this is the answer to, "" when it is this one.
    """

    candidates: WrittenCandidates
    hosts: HostsThen
    instance_group: ServerGroup | None = None
    assumed: tuple[tuple[UUID, str, int], ...] = ()
    asked_by: str = ""


class Rules(Struct, frozen=True, kw_only=True):
    """The rules in force, and the versions of the packages that they came from.

    A replay starts at Placement's answer: what made the question is told here, and not used again.
    """

    prefilters: PrefilterSettings = field(default_factory=PrefilterSettings)
    question: QuestionSettings = field(default_factory=QuestionSettings)
    workarounds: WorkaroundSettings = field(default_factory=WorkaroundSettings)
    filters: FilterSettings = field(default_factory=FilterSettings)
    weighers: WeigherSettings = field(default_factory=WeigherSettings)
    order: OrderSettings = field(default_factory=OrderSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    versions: dict[str, str] = field(default_factory=dict)


class Inputs(Struct, frozen=True, kw_only=True):
    """What a request was decided from.

    ``request`` is what the operation made of it: that of a move ignores the host that the instance is on. ``rounds`` go
    with the rounds of the record; None where Placement offered nothing, so that nothing was decided.
    ``alternates`` and ``best_hosts`` are how many were asked for.
    """

    request: RequestSpec
    rules: Rules
    operation: Operation = BUILD
    alternates: int = 0
    best_hosts: int = 0
    rounds: tuple[RoundInputs | None, ...] = ()

    @property
    def entries(self) -> int:
        """Return how much this is, in candidates, providers and facts."""
        held = [one for one in self.rounds if one is not None]
        offered = sum(len(one.candidates.allocation_requests) + len(one.candidates.provider_summaries) for one in held)
        return offered + sum(len(one.hosts.facts) for one in held)
