"""The mock's search for allocation candidates, within provider trees.

A suffixed group is served by one provider; the unsuffixed one by any providers of one tree together. Providers that
share through an aggregate (MISC_SHARES_VIA_AGGREGATE) are left out: with those, use the real server.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from placement_client.testing.mock_allocations import exact_capacity, fits_units
from placement_client.testing.mock_http import Ask, HttpError, Reply
from placement_client.testing.mock_query import CandidateAsk, Group, parse_candidates
from placement_client.testing.mock_state import MockState, ProviderRecord

Amounts = frozenset[tuple[str, str, int]]  # (provider, class, amount)
Mappings = frozenset[tuple[str, frozenset[str]]]  # (suffix, providers)


@dataclass(frozen=True, slots=True)
class Serving:
    """One way to serve one group, or all groups together, in the tree of ``root``."""

    root: str
    amounts: Amounts
    mappings: Mappings


def list_candidates(state: MockState, ask: Ask) -> Reply:
    """Handle GET /allocation_candidates."""
    query = parse_candidates(ask)
    check_names(state, query.groups, query.root_required | query.root_forbidden)
    found = [item for item in _search(state, query) if ask.version >= 29 or not _spans_providers(item)]
    kept = found[: query.limit]
    requests = [_request(item, with_mappings=ask.version >= 34) for item in kept]
    summaries = {provider.uuid: _summary(state, provider, ask.version) for provider in _named(state, kept, ask.version)}
    return Reply(200, {"allocation_requests": requests, "provider_summaries": summaries})


def check_names(state: MockState, groups: Iterable[Group], more_traits: frozenset[str] = frozenset()) -> None:
    """Refuse classes and traits that do not exist with HttpError 400."""
    traits = set(more_traits)
    for group in groups:
        traits |= group.forbidden.union(*group.required)
        unknown = sorted(group.resources.keys() - state.classes)
        if unknown:
            raise HttpError(400, f"Invalid resource class in resources parameter: No such resource class {unknown[0]}.")
    if state.unknown_traits(traits):
        raise HttpError(400, f"No such trait(s): {', '.join(state.unknown_traits(traits))}.")


def matching_providers(state: MockState, group: Group) -> list[ProviderRecord]:
    """Return the providers that serve a group alone, as GET /resource_providers lists them."""
    check_names(state, [group])
    providers = state.providers.values()
    return [item for item in providers if _serves_alone(state, item, group) and _in_tree(state, item, group)]


def _search(state: MockState, query: CandidateAsk) -> list[Serving]:
    """Return the distinct ways to serve all groups, tree by tree."""
    anchors = [root for root in state.providers.values() if root.parent is None and _anchors(root, query)]
    found: dict[tuple[Amounts, Mappings], Serving] = {}
    for root in anchors:
        tree = [provider for provider in state.providers.values() if provider.root == root.uuid]
        for parts in itertools.product(*(list(_ways(state, tree, group)) for group in query.groups)):
            whole = _merged(root.uuid, parts)
            if _isolated(parts, query) and _subtrees_hold(state, parts, query) and _has_room(state, whole):
                found.setdefault((whole.amounts, whole.mappings), whole)
    return list(found.values())


def _anchors(root: ProviderRecord, query: CandidateAsk) -> bool:
    return query.root_required <= root.traits and not query.root_forbidden & root.traits


def _ways(state: MockState, tree: list[ProviderRecord], group: Group) -> Iterator[Serving]:
    return _ways_alone(state, tree, group) if group.suffix else _ways_together(state, tree, group)


def _ways_alone(state: MockState, tree: list[ProviderRecord], group: Group) -> Iterator[Serving]:
    """Yield each provider of the tree that serves the whole group."""
    filtered = bool(group.resources or group.required or group.member_of)
    for provider in tree:
        # Placement looks at in_tree only where resources are asked for, and finds nobody for a group without a filter
        near = not group.resources or _in_tree(state, provider, group)
        if filtered and near and _serves_alone(state, provider, group):
            amounts = frozenset((provider.uuid, name, amount) for name, amount in group.resources.items())
            yield Serving(provider.root, amounts, frozenset({(group.suffix, frozenset({provider.uuid}))}))


def _serves_alone(state: MockState, provider: ProviderRecord, group: Group) -> bool:
    return (
        all(any_of & provider.traits for any_of in group.required)
        and not group.forbidden & provider.traits
        and all(any_of & provider.aggregates for any_of in group.member_of)
        and not group.forbidden_aggregates & provider.aggregates
        and all(_fits(state, provider, name, amount) for name, amount in group.resources.items())
    )


def _ways_together(state: MockState, tree: list[ProviderRecord], group: Group) -> Iterator[Serving]:
    """Yield each choice of one provider a class; together they have the traits, none has a forbidden one."""
    usable = [item for item in tree if _in_tree(state, item, group) and _member(state, item, group)]
    choices = [
        [(item, name, amount) for item in usable if _fits(state, item, name, amount)]
        for name, amount in group.resources.items()
    ]
    for chosen in itertools.product(*choices):
        traits = set().union(*(provider.traits for provider, _, _ in chosen))
        if all(any_of & traits for any_of in group.required) and not group.forbidden & traits:
            amounts = frozenset((provider.uuid, name, amount) for provider, name, amount in chosen)
            providers = frozenset(provider.uuid for provider, _, _ in chosen)
            yield Serving(tree[0].root, amounts, frozenset({(group.suffix, providers)}))


def _fits(state: MockState, provider: ProviderRecord, name: str, amount: int) -> bool:
    inventory = provider.inventories.get(name)
    if inventory is None or not fits_units(inventory, amount):
        return False
    return state.used(provider.uuid, name) + amount <= exact_capacity(inventory)


def _in_tree(state: MockState, provider: ProviderRecord, group: Group) -> bool:
    if group.in_tree is None:
        return True
    named = state.providers.get(group.in_tree)
    return named is not None and named.root == provider.root


def _member(state: MockState, provider: ProviderRecord, group: Group) -> bool:
    """Tell whether a provider or its root is where the group wants it, and neither where it does not."""
    own, root = provider.aggregates, state.providers[provider.root].aggregates
    wanted = all(any_of & own for any_of in group.member_of) or all(any_of & root for any_of in group.member_of)
    return wanted and not group.forbidden_aggregates & (own | root)


def _merged(root: str, parts: tuple[Serving, ...]) -> Serving:
    totals: Counter[tuple[str, str]] = Counter()
    for part in parts:
        for provider, name, amount in part.amounts:
            totals[provider, name] += amount
    amounts = frozenset((provider, name, amount) for (provider, name), amount in totals.items())
    return Serving(root, amounts, frozenset().union(*(part.mappings for part in parts)))


def _isolated(parts: tuple[Serving, ...], query: CandidateAsk) -> bool:
    if not query.isolate:
        return True
    single = [providers for part in parts for suffix, providers in part.mappings if suffix]
    return len(frozenset().union(*single)) == len(single)


def _subtrees_hold(state: MockState, parts: tuple[Serving, ...], query: CandidateAsk) -> bool:
    """Tell whether, for each same_subtree, one of the serving providers is above (or is) all of them."""
    serving = {suffix: providers for part in parts for suffix, providers in part.mappings}
    for suffixes in query.same_subtree:
        providers = frozenset[str]().union(*(serving[suffix] for suffix in suffixes))
        common = frozenset.intersection(*(_with_ancestors(state, uuid) for uuid in providers))
        if not common & providers:
            return False
    return True


def _with_ancestors(state: MockState, uuid: str) -> frozenset[str]:
    above: set[str] = set()
    current: str | None = uuid
    while current:
        above.add(current)
        current = state.providers[current].parent
    return frozenset(above)


def _has_room(state: MockState, whole: Serving) -> bool:
    """Tell whether the sums of several groups on one provider still fit."""
    for provider, name, amount in whole.amounts:
        inventory = state.providers[provider].inventories[name]
        if state.used(provider, name) + amount > inventory.capacity or amount > inventory.max_unit:
            return False
    return True


def _spans_providers(whole: Serving) -> bool:
    """Tell whether several providers of the tree serve; before 1.29 such candidates are not shown."""
    return len({provider for provider, _, _ in whole.amounts}) > 1


def _request(whole: Serving, *, with_mappings: bool) -> dict[str, Any]:
    allocations: dict[str, dict[str, dict[str, int]]] = {}
    for provider, name, amount in sorted(whole.amounts):
        allocations.setdefault(provider, {"resources": {}})["resources"][name] = amount
    mappings = {suffix: sorted(providers) for suffix, providers in sorted(whole.mappings)}
    return {"allocations": allocations} | ({"mappings": mappings} if with_mappings else {})


def _named(state: MockState, kept: list[Serving], version: int) -> list[ProviderRecord]:
    """Return whom the summaries describe: the whole trees, or before 1.29 only the providers that serve."""
    serving = {provider for item in kept for provider, _, _ in item.amounts}
    if version < 29 and any(provider.parent for provider in state.providers.values()):
        return [provider for provider in state.providers.values() if provider.uuid in serving]
    roots = {item.root for item in kept}
    return [provider for provider in state.providers.values() if provider.root in roots]


def _summary(state: MockState, provider: ProviderRecord, version: int) -> dict[str, Any]:
    resources = {
        name: {"capacity": inventory.capacity, "used": state.used(provider.uuid, name)}
        for name, inventory in provider.inventories.items()
    }
    summary: dict[str, Any] = {"resources": resources, "traits": sorted(provider.traits)}
    family = {"parent_provider_uuid": provider.parent, "root_provider_uuid": provider.root}
    return summary | (family if version >= 29 else {})
