"""Placement's query strings, written from values and checked against the negotiated microversion.

Nothing is ever dropped: what a server cannot express raises ``InvalidQuery`` naming what needs which microversion.
Rules: Placement API reference, "Request and response formats of allocation candidates", and its microversion history.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode
from uuid import UUID

from placement_client.errors import InvalidQuery
from placement_client.models import MAX_AMOUNT

NAME = re.compile(r"[A-Z0-9_]{1,255}")
SUFFIX = re.compile(r"[a-zA-Z0-9_-]{1,64}")
NUMBERED_SUFFIX = re.compile(r"[1-9][0-9]*")
POLICIES = ("none", "isolate")

Pairs = Iterator[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class RequestGroup:
    """What one provider (or, unsuffixed, one tree) has to offer.

    ``required`` is an AND of any-of sets, so ``(frozenset({"A"}), frozenset({"B", "C"}))`` is A and (B or C);
    ``member_of`` is an AND of any-of sets of aggregates.
    """

    resources: Mapping[str, int] = field(default_factory=dict)
    required: tuple[frozenset[str], ...] = ()
    forbidden: frozenset[str] = frozenset()
    member_of: tuple[frozenset[UUID], ...] = ()
    forbidden_aggregates: frozenset[UUID] = frozenset()
    in_tree: UUID | None = None


@dataclass(frozen=True, slots=True)
class CandidateQuery:
    """A query for allocation candidates; the group "" is the unsuffixed one."""

    groups: Mapping[str, RequestGroup]
    group_policy: str | None = None
    root_required: frozenset[str] = frozenset()
    root_forbidden: frozenset[str] = frozenset()
    same_subtree: tuple[frozenset[str], ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderFilter:
    """A query for resource providers; every part narrows the answer, and an empty one lists all."""

    name: str | None = None
    uuid: UUID | None = None
    member_of: tuple[frozenset[UUID], ...] = ()
    resources: Mapping[str, int] = field(default_factory=dict)
    in_tree: UUID | None = None
    required: tuple[frozenset[str], ...] = ()
    forbidden: frozenset[str] = frozenset()
    forbidden_aggregates: frozenset[UUID] = frozenset()


def minor_of(microversion: str) -> int:
    """Return 39 for "1.39"."""
    return int(microversion.removeprefix("1."))


def need(wanted: object, minor: int, microversion: str, feature: str) -> None:
    """Raise InvalidQuery when a feature is wanted that only a newer microversion has."""
    if wanted and minor_of(microversion) < minor:
        raise InvalidQuery(hint=f"the query uses {feature}, which needs microversion 1.{minor}, not {microversion}")


def to_query_string(query: CandidateQuery, microversion: str) -> str:
    """Return the query string of GET /allocation_candidates, always the same for equal queries.

    Raises InvalidQuery.
    """
    _check_request(query, microversion)
    pairs = list(_request_pairs(query))
    for suffix, group in query.groups.items():
        _check_group(group, microversion)
        pairs += _group_pairs(suffix, group)
    return _encode(pairs)


def provider_query_string(providers: ProviderFilter, microversion: str) -> str:
    """Return the query string of GET /resource_providers; empty when all are asked for. Raises InvalidQuery."""
    group = RequestGroup(
        resources=providers.resources,
        required=providers.required,
        forbidden=providers.forbidden,
        member_of=providers.member_of,
        forbidden_aggregates=providers.forbidden_aggregates,
        in_tree=providers.in_tree,
    )
    _check_traits(group, microversion)
    _check_places(group, microversion, in_tree_minor=14)
    pairs = list(_group_pairs("", group))
    pairs += [(key, str(value)) for key, value in (("name", providers.name), ("uuid", providers.uuid)) if value]
    return _encode(pairs)


def usages_query_string(project_id: str, user_id: str | None, consumer_type: str | None) -> str:
    """Return the query string of GET /usages. Raises InvalidQuery."""
    wanted = (("project_id", project_id), ("user_id", user_id), ("consumer_type", consumer_type))
    return _encode([(key, value) for key, value in wanted if value is not None])


def traits_query_string(names: Iterable[str]) -> str:
    """Return the query string of GET /traits for these names. Raises InvalidQuery."""
    return _encode([("name", "in:" + ",".join(_names(names)))])


def name_segment(name: str) -> str:
    """Return a trait or resource class name as a path segment. Raises InvalidQuery."""
    return _names([name])[0]


def _encode(pairs: list[tuple[str, str]]) -> str:
    try:
        return urlencode(sorted(pairs), quote_via=quote, safe=":,!")
    except UnicodeEncodeError:  # a lone surrogate
        pass
    raise InvalidQuery(hint="a name or id is not text that can be sent")


def _check_request(query: CandidateQuery, microversion: str) -> None:
    need(query.root_required or query.root_forbidden, 35, microversion, "root_required")
    need(query.same_subtree, 36, microversion, "same_subtree")
    if query.group_policy is not None and query.group_policy not in POLICIES:
        raise InvalidQuery(hint="group_policy is neither none nor isolate")
    if query.group_policy is None and len([suffix for suffix in query.groups if suffix]) > 1:
        raise InvalidQuery(hint="more than one suffixed group needs a group_policy")
    if query.limit is not None and not 1 <= query.limit <= MAX_AMOUNT:
        raise InvalidQuery(hint="limit is less than 1 or not a number")
    if query.root_required & query.root_forbidden:
        raise InvalidQuery(hint="a trait is both required and forbidden of the root")
    _check_suffixes(query, microversion)
    _check_subtrees(query, microversion)


def _check_suffixes(query: CandidateQuery, microversion: str) -> None:
    for suffix in filter(None, query.groups):
        if not SUFFIX.fullmatch(suffix):
            raise InvalidQuery(hint="a group suffix is not 1 to 64 letters, digits, _ or -")
        need(not NUMBERED_SUFFIX.fullmatch(suffix), 33, microversion, "a group suffix that is not a number")


def _check_subtrees(query: CandidateQuery, microversion: str) -> None:
    suffixes = frozenset[str]().union(*query.same_subtree)
    if not suffixes <= set(filter(None, query.groups)) or frozenset() in query.same_subtree:
        raise InvalidQuery(hint="same_subtree names no group, or one that the query does not have")
    bare = {suffix for suffix, group in query.groups.items() if not group.resources}
    need(bare, 36, microversion, "a group without resources")
    if not bare <= suffixes:
        raise InvalidQuery(hint="a group has no resources and is not part of same_subtree")
    if len(bare) == len(query.groups):
        raise InvalidQuery(hint="no group asks for resources")


def _check_group(group: RequestGroup, microversion: str) -> None:
    _check_traits(group, microversion)
    _check_places(group, microversion, in_tree_minor=31)


def _check_traits(group: RequestGroup, microversion: str) -> None:
    need(any(len(any_of) > 1 for any_of in group.required), 39, microversion, "any-of traits")
    if frozenset() in group.required:
        raise InvalidQuery(hint="an any-of set of traits is empty")
    if any(any_of <= group.forbidden for any_of in group.required):
        raise InvalidQuery(hint="a trait is both required and forbidden")


def _check_places(group: RequestGroup, microversion: str, in_tree_minor: int) -> None:
    need(group.forbidden_aggregates, 32, microversion, "forbidden aggregates")
    need(group.in_tree, in_tree_minor, microversion, "in_tree")
    if frozenset() in group.member_of:
        raise InvalidQuery(hint="an any-of set of aggregates is empty")


def _request_pairs(query: CandidateQuery) -> Pairs:
    if query.group_policy is not None:
        yield "group_policy", query.group_policy
    if query.limit is not None:
        yield "limit", str(query.limit)
    if query.root_required or query.root_forbidden:
        yield "root_required", _traits(query.root_required, query.root_forbidden)
    for suffixes in query.same_subtree:
        yield "same_subtree", ",".join(sorted(suffixes))


def _group_pairs(suffix: str, group: RequestGroup) -> Pairs:
    if group.resources:
        yield f"resources{suffix}", _resources(group.resources)
    yield from ((f"required{suffix}", value) for value in _required(group))
    yield from ((f"member_of{suffix}", _any_of(map(str, aggregates))) for aggregates in group.member_of)
    if group.forbidden_aggregates:
        yield f"member_of{suffix}", "!" + _any_of(map(str, group.forbidden_aggregates))
    if group.in_tree:
        yield f"in_tree{suffix}", str(group.in_tree)


def _required(group: RequestGroup) -> Iterator[str]:
    """Yield one value with all plain and forbidden traits, and one for each real choice."""
    plain = frozenset[str]().union(*(any_of for any_of in group.required if len(any_of) == 1))
    if plain or group.forbidden:
        yield _traits(plain, group.forbidden)
    yield from (_any_of(_names(any_of)) for any_of in group.required if len(any_of) > 1)


def _traits(required: frozenset[str], forbidden: frozenset[str]) -> str:
    return ",".join(_names(required) + ["!" + name for name in _names(forbidden)])


def _any_of(values: Iterable[str]) -> str:
    ordered = sorted(values)
    return ordered[0] if len(ordered) == 1 else "in:" + ",".join(ordered)


def _names(names: Iterable[str]) -> list[str]:
    ordered = sorted(names)
    if not all(NAME.fullmatch(name) for name in ordered):
        raise InvalidQuery(hint="a trait or resource class name is not upper case letters, digits and _")
    return ordered


def _resources(resources: Mapping[str, int]) -> str:
    for amount in resources.values():
        if type(amount) is not int or not 1 <= amount <= MAX_AMOUNT:
            raise InvalidQuery(hint="an amount is not a whole number from 1 to 2147483647")
    return ",".join(f"{name}:{resources[name]}" for name in _names(resources))
