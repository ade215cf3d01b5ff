"""From a request to the question that Placement is asked: resources, traits, aggregates and groups.

Rules: Nova's resource requests ("Flavors" in its user guide), without the silent drops: what cannot be asked for is an
``InvalidRequest``.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from placement_client.query import CandidateQuery, RequestGroup
from scheduler import model
from scheduler.errors import InvalidRequest
from scheduler.model import Flavor, RequestSpec, checks
from scheduler.model.extra_specs import ExtraSpecs, understand
from scheduler.model.group_specs import FlavorGroup
from scheduler.model.hardware import hardware_of
from scheduler.model.implied import implied
from scheduler.prefilters.narrowing import NEEDS_RESOURCE

T = TypeVar("T")

MIB_PER_GIB = 1024
LIMITLESS_HINTS = frozenset({"group", "same_host", "different_host"})


def query_of(
    spec: RequestSpec, *, limit: int | None, in_tree: UUID | None = None, pinned: bool = True
) -> CandidateQuery:
    """Return the query for hosts that satisfy the request; ``in_tree`` is the one host that is asked for.

    ``pinned`` False asks for VCPU where the CPU policy means PCPU. Raises InvalidRequest with every problem of the
    request.
    """
    problems = tuple(checks.problems(spec))
    if problems:
        raise InvalidRequest(*problems)
    specs = understand(spec.flavor.extra_specs)
    whole = implied(hardware_of(spec.flavor, spec.image), pinned=pinned)
    return CandidateQuery(
        groups=_groups(spec, specs, whole, in_tree),
        group_policy=checks.group_policy(spec, specs),
        root_required=specs.root_required.union(spec.root_required),
        root_forbidden=specs.root_forbidden.union(spec.root_forbidden),
        same_subtree=tuple(frozenset(suffixes) for suffixes in (*spec.same_subtree, *specs.same_subtree)),
        limit=None if _needs_every_host(spec) else limit,
    )


def _needs_every_host(spec: RequestSpec) -> bool:
    """Tell whether a cut answer may hold no host of the group, or of the emptiest domain, although one has room."""
    return bool(spec.instance_group or spec.topology_spread or LIMITLESS_HINTS & spec.scheduler_hints.keys())


def asked(query: CandidateQuery) -> dict[str, int]:
    """Return the amounts of the whole query by resource class."""
    total: Counter[str] = Counter()
    for group in query.groups.values():
        total.update(group.resources)
    return dict(total)


def _groups(spec: RequestSpec, specs: ExtraSpecs, whole: FlavorGroup, in_tree: UUID | None) -> dict[str, RequestGroup]:
    unsuffixed = _unsuffixed(spec, specs, whole, in_tree)
    suffixed = {suffix: _of_flavor(group) for suffix, group in specs.suffixed().items()}
    suffixed |= {group.requester_id: _requested(group) for group in spec.requested_resources}
    if not any(group.resources for group in (unsuffixed, *suffixed.values())):
        raise InvalidRequest("flavor: asks for no resources")
    if unsuffixed.resources:
        return {"": unsuffixed, **suffixed}
    if unsuffixed != RequestGroup():
        raise InvalidRequest(NEEDS_RESOURCE)
    return suffixed


def _unsuffixed(spec: RequestSpec, specs: ExtraSpecs, whole: FlavorGroup, in_tree: UUID | None) -> RequestGroup:
    own = specs.groups.get("", FlavorGroup())
    if in_tree and own.in_tree and in_tree != own.in_tree:
        raise InvalidRequest("flavor.extra_specs['in_tree']: is not the host that is asked for")
    image_traits = frozenset(spec.image.traits_required if spec.image else ())
    destination = spec.requested_destination or model.Destination()
    size = FlavorGroup(resources=_flavor_resources(spec.flavor, specs, spec.is_bfv, whole.resources))
    of_flavor = _of_flavor(size | own | whole | FlavorGroup(required=image_traits, in_tree=in_tree))
    return replace(
        of_flavor,
        member_of=_any_of(destination.aggregates) + of_flavor.member_of,
        forbidden_aggregates=of_flavor.forbidden_aggregates.union(destination.forbidden_aggregates),
    )


def _flavor_resources(
    flavor: Flavor, specs: ExtraSpecs, is_bfv: bool, implied_resources: Mapping[str, int]
) -> dict[str, int]:
    """Return what the size of the flavor asks for, except for classes that any of its groups names itself."""
    swap_gb = math.ceil(flavor.swap / MIB_PER_GIB)
    cpus_named = specs.mentions("VCPU", "PCPU") or "PCPU" in implied_resources
    return {
        "VCPU": 0 if cpus_named else flavor.vcpus,
        "MEMORY_MB": 0 if specs.mentions("MEMORY_MB") else flavor.memory_mb,
        "DISK_GB": 0 if specs.mentions("DISK_GB") else flavor.ephemeral_gb + swap_gb + flavor.root_gb * (not is_bfv),
    }


def _of_flavor(group: FlavorGroup) -> RequestGroup:
    return RequestGroup(
        resources=group.amounts(),
        required=_all_of(group.required) + _ordered(group.any_of),
        forbidden=group.forbidden,
        member_of=_ordered(group.member_of),
        forbidden_aggregates=group.forbidden_aggregates,
        in_tree=group.in_tree,
    )


def _requested(group: model.RequestGroup) -> RequestGroup:
    return RequestGroup(
        resources=dict(group.resources),
        required=_all_of(group.required_traits) + tuple(frozenset(any_of) for any_of in group.any_of_traits),
        forbidden=frozenset(group.forbidden_traits),
        member_of=_any_of(group.aggregates),
        forbidden_aggregates=frozenset(group.forbidden_aggregates),
        in_tree=group.in_tree,
    )


def _all_of(traits: frozenset[str] | tuple[str, ...]) -> tuple[frozenset[str], ...]:
    return tuple(frozenset({trait}) for trait in sorted(set(traits)))


def _any_of(aggregates: tuple[tuple[UUID, ...], ...]) -> tuple[frozenset[UUID], ...]:
    return tuple(frozenset(any_of) for any_of in aggregates)


def _ordered(choices: Iterable[frozenset[T]]) -> tuple[frozenset[T], ...]:
    return tuple(sorted(choices, key=lambda any_of: sorted(map(str, any_of))))
