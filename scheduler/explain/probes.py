"""Which constraint rules the fleet out: the same query again, each time without one of its constraints.

The most telling ones come first: places, then traits, then special resource classes, then what ties groups together,
and what every instance has, VCPU, MEMORY_MB and DISK_GB, last.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from uuid import UUID

from placement_client.query import CandidateQuery, RequestGroup

COMMON = ("VCPU", "MEMORY_MB", "DISK_GB")

Relaxation = tuple[str, CandidateQuery]


def relaxations(query: CandidateQuery, names: Mapping[UUID, str], at_most: int) -> tuple[Relaxation, ...]:
    """Return what is left out and the query without it, at most so many, always in the same order.

    ``names`` are those of aggregates and hosts; one that is missing appears as its UUID.
    """
    found: list[Relaxation] = []
    for label, weaker in _all(query, names):
        if len(found) >= at_most:
            break
        sound = _sound(weaker)
        if sound is not None and sound not in (query, *(other for _, other in found)):
            found.append((label, sound))
    return tuple(found)


def _all(query: CandidateQuery, names: Mapping[UUID, str]) -> Iterator[Relaxation]:
    groups = sorted(query.groups.items())
    for suffix, group in groups:
        yield from _in_group(query, suffix, _without_places(group, names))
    for suffix, group in groups:
        yield from _in_group(query, suffix, _without_traits(group))
    yield from _without_root_required(query)
    for suffix, group in groups:
        yield from _in_group(query, suffix, _without_classes(group, sorted(set(group.resources) - {*COMMON})))
    yield from _without_ties(query)
    yield from _without_root_forbidden(query)
    for suffix, group in groups:
        yield from _in_group(query, suffix, _without_classes(group, [c for c in COMMON if c in group.resources]))


def _in_group(query: CandidateQuery, suffix: str, relaxed: Iterable[tuple[str, RequestGroup]]) -> Iterator[Relaxation]:
    of = f" of group {suffix}" if suffix else ""
    for label, group in relaxed:
        yield label + of, replace(query, groups={**query.groups, suffix: group})


def _without_places(group: RequestGroup, names: Mapping[UUID, str]) -> Iterator[tuple[str, RequestGroup]]:
    if group.in_tree:
        yield f"host {names.get(group.in_tree, group.in_tree)}", replace(group, in_tree=None)
    for any_of in group.member_of:
        label = " or ".join(sorted(names.get(uuid, str(uuid)) for uuid in any_of))
        yield label, replace(group, member_of=tuple(entry for entry in group.member_of if entry != any_of))
    for uuid in sorted(group.forbidden_aggregates):
        label = f"keeping out of {names.get(uuid, uuid)}"
        yield label, replace(group, forbidden_aggregates=group.forbidden_aggregates - {uuid})


def _without_traits(group: RequestGroup) -> Iterator[tuple[str, RequestGroup]]:
    for any_of in sorted(group.required, key=sorted):
        label = f"trait {' or '.join(sorted(any_of))}"
        yield label, replace(group, required=tuple(entry for entry in group.required if entry != any_of))
    for trait in sorted(group.forbidden):
        yield f"forbidden trait {trait}", replace(group, forbidden=group.forbidden - {trait})


def _without_classes(group: RequestGroup, classes: Iterable[str]) -> Iterator[tuple[str, RequestGroup]]:
    for name in classes:
        left = {other: amount for other, amount in group.resources.items() if other != name}
        # Without its last class a group has nothing that its traits and places could apply to.
        yield f"{name} {group.resources[name]}", replace(group, resources=left) if left else RequestGroup()


def _without_root_required(query: CandidateQuery) -> Iterator[Relaxation]:
    for trait in sorted(query.root_required):
        yield f"trait {trait} of the host", replace(query, root_required=query.root_required - {trait})


def _without_root_forbidden(query: CandidateQuery) -> Iterator[Relaxation]:
    for trait in sorted(query.root_forbidden):
        yield f"forbidden trait {trait} of the host", replace(query, root_forbidden=query.root_forbidden - {trait})


def _without_ties(query: CandidateQuery) -> Iterator[Relaxation]:
    """Leave out what ties groups together, and groups as a whole."""
    if query.group_policy == "isolate":
        yield "group_policy isolate", replace(query, group_policy="none")
    for index, suffixes in enumerate(query.same_subtree):
        left = query.same_subtree[:index] + query.same_subtree[index + 1 :]
        yield f"same_subtree {', '.join(sorted(suffixes))}", replace(query, same_subtree=left)
    for suffix in sorted(filter(None, query.groups)):
        left_groups = {other: group for other, group in query.groups.items() if other != suffix}
        yield f"group {suffix}", replace(query, groups=left_groups)


def _sound(query: CandidateQuery) -> CandidateQuery | None:
    """Return the query without what lost its meaning, None when nothing is asked for any more.

    A group without resources only means something inside a same_subtree, which only means something with groups.
    """
    tied = frozenset[str]().union(*query.same_subtree)
    groups = {
        suffix: group
        for suffix, group in query.groups.items()
        if group.resources or (suffix in tied and group != RequestGroup())
    }
    subtrees = tuple(kept for suffixes in query.same_subtree if (kept := suffixes & groups.keys()))
    if not any(group.resources for group in groups.values()):
        return None
    return replace(query, groups=groups, same_subtree=subtrees)
