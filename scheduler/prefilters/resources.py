"""From a request to the question that Placement is asked: resources, traits, aggregates and groups.

Rules: Nova's resource requests ("Flavors" in its user guide), without the silent drops: what cannot be asked for is an
``InvalidRequest``.
"""

import math
from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from placement_client.query import CandidateQuery, RequestGroup
from scheduler import model
from scheduler.errors import InvalidRequest
from scheduler.model import Flavor, RequestSpec, checks
from scheduler.model.extra_specs import ExtraSpecs, FlavorGroup, understand

MIB_PER_GIB = 1024


def query_of(spec: RequestSpec, *, limit: int | None, in_tree: UUID | None = None) -> CandidateQuery:
    """Return the query for hosts that satisfy the request; ``in_tree`` is the one host that is asked for.

    Raises InvalidRequest with every problem of the request.
    """
    problems = tuple(checks.problems(spec))
    if problems:
        raise InvalidRequest(*problems)
    specs = understand(spec.flavor.extra_specs)
    groups = _groups(spec, specs, in_tree)
    return CandidateQuery(
        groups=groups,
        group_policy=checks.group_policy(spec, specs),
        root_required=frozenset(spec.root_required),
        root_forbidden=frozenset(spec.root_forbidden),
        same_subtree=tuple(frozenset(suffixes) for suffixes in spec.same_subtree),
        # A cut answer may hold no host of the group, although there is room on one.
        limit=None if spec.instance_group else limit,
    )


def asked(query: CandidateQuery) -> dict[str, int]:
    """Return the amounts of the whole query by resource class."""
    total: Counter[str] = Counter()
    for group in query.groups.values():
        total.update(group.resources)
    return dict(total)


def _groups(spec: RequestSpec, specs: ExtraSpecs, in_tree: UUID | None) -> dict[str, RequestGroup]:
    unsuffixed = _unsuffixed(spec, specs, in_tree)
    suffixed = {suffix: _of_flavor(group) for suffix, group in specs.suffixed().items()}
    suffixed |= {group.requester_id: _requested(group) for group in spec.requested_resources}
    if not any(group.resources for group in (unsuffixed, *suffixed.values())):
        raise InvalidRequest("flavor: asks for no resources")
    if unsuffixed.resources:
        return {"": unsuffixed, **suffixed}
    if unsuffixed != RequestGroup():
        raise InvalidRequest(
            "flavor: needs a resource outside its groups, for traits, aggregates or a host to apply to"
        )
    return suffixed


def _unsuffixed(spec: RequestSpec, specs: ExtraSpecs, in_tree: UUID | None) -> RequestGroup:
    own = specs.groups.get("", FlavorGroup())
    image_traits = spec.image.traits_required if spec.image else ()
    destination = spec.requested_destination or model.Destination()
    return RequestGroup(
        resources=_flavor_resources(spec.flavor, specs, spec.is_bfv) | own.amounts(),
        required=_all_of(own.required.union(image_traits)),
        forbidden=own.forbidden,
        member_of=_any_of(destination.aggregates),
        forbidden_aggregates=frozenset(destination.forbidden_aggregates),
        in_tree=in_tree,
    )


def _flavor_resources(flavor: Flavor, specs: ExtraSpecs, is_bfv: bool) -> dict[str, int]:
    """Return what the size of the flavor asks for, except for classes that any of its groups names itself."""
    swap_gb = math.ceil(flavor.swap / MIB_PER_GIB)
    amounts: Mapping[str, int] = {
        "VCPU": 0 if specs.mentions("VCPU", "PCPU") else flavor.vcpus,
        "MEMORY_MB": 0 if specs.mentions("MEMORY_MB") else flavor.memory_mb,
        "DISK_GB": 0 if specs.mentions("DISK_GB") else flavor.ephemeral_gb + swap_gb + flavor.root_gb * (not is_bfv),
    }
    return {name: amount for name, amount in amounts.items() if amount}


def _of_flavor(group: FlavorGroup) -> RequestGroup:
    return RequestGroup(
        resources=group.amounts(), required=_all_of(group.required), forbidden=frozenset(group.forbidden)
    )


def _requested(group: model.RequestGroup) -> RequestGroup:
    return RequestGroup(
        resources=dict(group.resources),
        required=_all_of(group.required_traits),
        forbidden=frozenset(group.forbidden_traits),
        member_of=_any_of(group.aggregates),
        in_tree=group.in_tree,
    )


def _all_of(traits: frozenset[str] | tuple[str, ...]) -> tuple[frozenset[str], ...]:
    return tuple(frozenset({trait}) for trait in sorted(set(traits)))


def _any_of(aggregates: tuple[tuple[UUID, ...], ...]) -> tuple[frozenset[UUID], ...]:
    return tuple(frozenset(any_of) for any_of in aggregates)
