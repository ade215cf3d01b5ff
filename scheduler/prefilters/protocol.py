"""What a prefilter is: a rule that narrows the question to Placement, so that fewer hosts come back at all."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Protocol
from uuid import UUID

from msgspec import Struct, field

from placement_client.query import CandidateQuery
from scheduler.errors import InvalidRequest, PluginFailed
from scheduler.model import AggregateFact, RequestSpec
from scheduler.settings import PrefilterSettings


class Facts(Struct, frozen=True):
    """What is known beside the request when the question is put: the aggregates with their metadata, zones included."""

    aggregates: Mapping[UUID, AggregateFact] = field(default_factory=dict)


class Refusal(Struct, frozen=True):
    """No host can be asked for; ``reason`` is the stable code of why."""

    reason: str


Answer = CandidateQuery | Refusal
Narrow = Callable[[RequestSpec, CandidateQuery, Facts, str, PrefilterSettings], Answer]
"""From the request, the query so far, facts, the microversion in force and settings to the query to go on with."""


class Prefilter(Protocol):
    """Narrows the question; ``name`` is what operators write in the ini."""

    @property
    def name(self) -> str:
        """Return the name that operators know it by."""
        ...

    @property
    def narrow(self) -> Narrow:
        """Return the rule; pure, and called once a question."""
        ...


class BuiltIn(Struct, frozen=True):
    """A prefilter of this package.

    ``switch`` is the setting that turns it on, "" where it is always on; ``settings`` are others that it reads.
    """

    name: str
    rule: Narrow
    switch: str = ""
    settings: tuple[str, ...] = ()

    def narrow(
        self, request: RequestSpec, query: CandidateQuery, facts: Facts, microversion: str, settings: PrefilterSettings
    ) -> Answer:
        """Return what the rule makes of the query, which stays as it is while the switch is off."""
        if self.switch and not getattr(settings, self.switch):
            return query
        return self.rule(request, query, facts, microversion, settings)


def apply_prefilters(
    prefilters: Iterable[Prefilter],
    request: RequestSpec,
    query: CandidateQuery,
    facts: Facts,
    microversion: str,
    settings: PrefilterSettings,
) -> Answer:
    """Return the query after all prefilters in order, or the first refusal. PluginFailed names one that raises."""
    for prefilter in prefilters:
        narrow = partial(prefilter.narrow, request, query, facts, microversion, settings)
        answer = _guarded(prefilter.name, narrow)
        if isinstance(answer, Refusal):
            return answer
        query = answer
    return query


def _guarded(name: str, ask: Callable[[], Answer]) -> Answer:
    try:
        answer = ask()
        problem = "" if isinstance(answer, CandidateQuery | Refusal) else "the answer is neither a query nor a refusal"
    except InvalidRequest:
        raise
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; the request stops, nothing leaks
        problem = type(error).__name__
    if problem:
        raise PluginFailed(name, problem)
    return answer
