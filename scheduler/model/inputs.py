"""What a decision was made from: enough to make it again, without asking anybody."""

from uuid import UUID

from msgspec import Struct, field

from placement_client.models import AllocationCandidates
from scheduler.model.facts import AggregateFact, HostFact
from scheduler.model.request import RequestSpec
from scheduler.settings import FilterSettings, OrderSettings, WeigherSettings


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
    """What one round was decided from: Placement's answer, and the facts of its hosts."""

    candidates: AllocationCandidates
    hosts: HostsThen


class Rules(Struct, frozen=True, kw_only=True):
    """The filters, weighers and order in force, and the versions of the packages that they came from."""

    filters: FilterSettings = field(default_factory=FilterSettings)
    weighers: WeigherSettings = field(default_factory=WeigherSettings)
    order: OrderSettings = field(default_factory=OrderSettings)
    versions: dict[str, str] = field(default_factory=dict)


class Inputs(Struct, frozen=True, kw_only=True):
    """What a request was decided from.

    ``rounds`` go with the rounds of the record; None where Placement offered nothing, so that nothing was decided.
    ``alternates`` and ``best_hosts`` are how many were asked for.
    """

    request: RequestSpec
    rules: Rules
    alternates: int = 0
    best_hosts: int = 0
    rounds: tuple[RoundInputs | None, ...] = ()

    @property
    def entries(self) -> int:
        """Return how much this is, in candidates, providers and facts."""
        held = [one for one in self.rounds if one is not None]
        offered = sum(len(one.candidates.allocation_requests) + len(one.candidates.provider_summaries) for one in held)
        return offered + sum(len(one.hosts.facts) for one in held)
