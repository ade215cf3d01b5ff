"""The whole question to Placement: made from the request, then narrowed by every prefilter."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from msgspec import Struct, field

from placement_client.query import CandidateQuery
from scheduler.model import RequestSpec
from scheduler.model.hardware import hardware_of
from scheduler.model.implied import pinning_implied
from scheduler.prefilters.protocol import Answer, Facts, Prefilter, Refusal, apply_prefilters
from scheduler.prefilters.registry import BUILT_IN
from scheduler.prefilters.resources import query_of
from scheduler.settings import PrefilterSettings


class Asking(Struct, frozen=True, kw_only=True):
    """What besides the request makes the question.

    ``targets`` are the root providers of the forced or requested host: one becomes ``in_tree``; among several the
    filters choose, so that no limit may cut them off.
    """

    limit: int | None
    microversion: str
    targets: Sequence[UUID] | None = None
    facts: Facts = field(default_factory=Facts)
    settings: PrefilterSettings = field(default_factory=PrefilterSettings)
    prefilters: Sequence[Prefilter] = BUILT_IN


def placement_queries(spec: RequestSpec, asking: Asking, *, fallback: bool) -> tuple[CandidateQuery, ...] | Refusal:
    """Return the queries of a request, whose answers count together, or why no host can be asked for.

    There is a second one with ``fallback`` where all CPUs are dedicated: for hosts that give them as VCPU. Raises
    InvalidRequest with every problem of the request, and PluginFailed.
    """
    query = placement_query(spec, asking)
    if isinstance(query, Refusal) or not fallback or not pinning_implied(hardware_of(spec.flavor, spec.image)):
        return query if isinstance(query, Refusal) else (query,)
    second = placement_query(spec, asking, pinned=False)
    return second if isinstance(second, Refusal) else (query, second)


def placement_query(spec: RequestSpec, asking: Asking, *, pinned: bool = True) -> Answer:
    """Return one complete query; ``pinned`` False asks for VCPU where the CPU policy means PCPU."""
    targets = asking.targets
    in_tree = targets[0] if targets and len(targets) == 1 else None
    query = query_of(spec, limit=asking.limit, in_tree=in_tree, pinned=pinned)
    if targets and len(targets) > 1:
        query = replace(query, limit=None)
    return apply_prefilters(asking.prefilters, spec, query, asking.facts, asking.microversion, asking.settings)
