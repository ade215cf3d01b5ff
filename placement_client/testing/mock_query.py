"""The mock's reading of query strings: request groups and what applies to a whole candidate query.

Refusals follow the Placement API reference for GET /allocation_candidates; what a microversion does not know is 400.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from placement_client.testing.mock_http import Ask, HttpError

GROUP_KEY = re.compile(r"(resources|required|member_of|in_tree)([a-zA-Z0-9_-]{1,64})?")
NUMBER = re.compile(r"[1-9][0-9]*")
BAD_VALUE = "placement.query.bad_value"


@dataclass(frozen=True, slots=True)
class Group:
    """One request group; ``required`` and ``member_of`` are ANDs of any-of sets."""

    suffix: str
    resources: dict[str, int] = field(default_factory=dict)
    required: tuple[frozenset[str], ...] = ()
    forbidden: frozenset[str] = frozenset()
    member_of: tuple[frozenset[str], ...] = ()
    forbidden_aggregates: frozenset[str] = frozenset()
    in_tree: str | None = None


@dataclass(frozen=True, slots=True)
class CandidateAsk:
    """A whole candidate query."""

    groups: tuple[Group, ...]
    isolate: bool = False
    root_required: frozenset[str] = frozenset()
    root_forbidden: frozenset[str] = frozenset()
    same_subtree: tuple[frozenset[str], ...] = ()
    limit: int | None = None


def parse_candidates(ask: Ask) -> CandidateAsk:
    """Return the query of GET /allocation_candidates. Raises HttpError 400."""
    suffixes = _suffixes(ask)
    groups = tuple(parse_group(ask, suffix) for suffix in suffixes)
    policy = _policy(ask, groups)
    root_required, root_forbidden = _root_traits(ask)
    same_subtree = tuple(frozenset(part.strip() for part in value.split(",")) for value in ask.values("same_subtree"))
    query = CandidateAsk(groups, policy == "isolate", root_required, root_forbidden, same_subtree, _limit(ask))
    _check_resourceless(ask, query)
    return query


def parse_group(ask: Ask, suffix: str) -> Group:
    """Return one request group. Raises HttpError 400."""
    required, forbidden = _traits(ask, suffix)
    member_of, forbidden_aggregates = _member_of(ask, suffix)
    for any_of in required:
        if any_of <= forbidden:
            raise HttpError(400, "Conflicting required and forbidden traits found")
    resources = ask.value("resources" + suffix)
    return Group(
        suffix,
        {} if resources is None else _resources(resources),
        required,
        forbidden,
        member_of,
        forbidden_aggregates,
        _in_tree(ask.value("in_tree" + suffix)),
    )


def _suffixes(ask: Ask) -> list[str]:
    """Return the group suffixes in order of appearance, and refuse keys that the microversion does not know."""
    plain = {"limit", "group_policy"}
    plain |= {"root_required"} if ask.version >= 35 else set()
    plain |= {"same_subtree"} if ask.version >= 36 else set()
    suffixes: dict[str, None] = {}
    for key, _ in ask.query:
        if key in plain:
            continue
        suffixes[_suffix_of(key, ask.version)] = None
    return list(suffixes)


def _suffix_of(key: str, version: int) -> str:
    match = GROUP_KEY.fullmatch(key)
    suffix = (match[2] or "") if match else ""
    numbered_only = version < 33 and suffix and not NUMBER.fullmatch(suffix)
    if not match or numbered_only or (match[1] == "in_tree" and version < 31):
        raise HttpError(400, f"Invalid query string parameters: '{key}' does not match any of the regexes")
    return suffix


def _policy(ask: Ask, groups: tuple[Group, ...]) -> str | None:
    policy = ask.value("group_policy")
    if policy not in (None, "none", "isolate"):
        raise HttpError(400, "Invalid query string parameters: group_policy is not one of 'none', 'isolate'")
    if policy is None and sum(1 for group in groups if group.suffix) > 1:
        raise HttpError(400, 'The "group_policy" parameter is required when specifying more than one group.')
    return policy


def _limit(ask: Ask) -> int | None:
    limit = ask.value("limit")
    if limit is not None and not NUMBER.fullmatch(limit):
        raise HttpError(400, "Invalid query string parameters: limit does not match '^[1-9][0-9]*$'")
    return int(limit) if limit else None


def _root_traits(ask: Ask) -> tuple[frozenset[str], frozenset[str]]:
    values = ask.values("root_required")
    if len(values) > 1:
        raise HttpError(400, "'root_required' may be specified only once.", "placement.query.duplicate_key")
    required, forbidden = _trait_list(values[0]) if values else (frozenset(), frozenset())
    if required & forbidden:
        raise HttpError(400, "Conflicting required and forbidden traits found in root_required", BAD_VALUE)
    return required, forbidden


def _check_resourceless(ask: Ask, query: CandidateAsk) -> None:
    bare = {group.suffix for group in query.groups if not group.resources}
    in_subtree = frozenset[str]().union(*query.same_subtree)
    if len(bare) == len(query.groups):
        raise HttpError(400, "There must be at least one resources parameter.", "placement.query.missing_value")
    if ask.version < 36 and bare:
        raise HttpError(400, "All request groups must specify resources.")
    if bare - in_subtree:
        raise HttpError(400, "Resourceless suffixed group request should be in `same_subtree`", BAD_VALUE)
    if in_subtree - {group.suffix for group in query.groups if group.suffix}:
        raise HttpError(400, "Real suffixes should be specified in `same_subtree`", BAD_VALUE)


def _resources(value: str) -> dict[str, int]:
    resources = {}
    for part in value.split(","):
        name, colon, amount = part.partition(":")
        if not colon or not amount.isdecimal() or int(amount) < 1:
            raise HttpError(400, "Badly formed resources parameter.")
        resources[name] = int(amount)
    return resources


def _traits(ask: Ask, suffix: str) -> tuple[tuple[frozenset[str], ...], frozenset[str]]:
    """Return the AND of any-of sets, and what is forbidden; before 1.39 only the last parameter counts."""
    values = ask.values("required" + suffix)
    required: list[frozenset[str]] = []
    forbidden: frozenset[str] = frozenset()
    for value in values if ask.version >= 39 else values[-1:]:
        if value.startswith("in:"):
            required.append(_any_of_traits(value, ask.version))
        else:
            plain, banned = _trait_list(value)
            required += [frozenset({trait}) for trait in sorted(plain)]
            forbidden |= banned
    return tuple(required), forbidden


def _any_of_traits(value: str, version: int) -> frozenset[str]:
    traits = frozenset(part.strip() for part in value.removeprefix("in:").split(","))
    if version < 39 or not all(traits) or any(trait.startswith("!") for trait in traits):
        raise HttpError(400, "Invalid query string parameters: the format 'in:' of traits")
    return traits


def _trait_list(value: str) -> tuple[frozenset[str], frozenset[str]]:
    parts = [part.strip() for part in value.split(",")]
    if not all(part.lstrip("!") for part in parts) or value.startswith("in:"):
        raise HttpError(400, "Invalid query string parameters: Expected 'required' parameter value of the form: A,!B")
    forbidden = frozenset(part.lstrip("!") for part in parts if part.startswith("!"))
    return frozenset(part for part in parts if not part.startswith("!")), forbidden


def _member_of(ask: Ask, suffix: str) -> tuple[tuple[frozenset[str], ...], frozenset[str]]:
    required: list[frozenset[str]] = []
    forbidden: frozenset[str] = frozenset()
    for value in ask.values("member_of" + suffix):
        positive = value.removeprefix("!")
        aggregates = _aggregates(positive)
        if positive == value:
            required.append(aggregates)
        elif ask.version < 32:
            raise HttpError(400, "Forbidden member_of parameters are not supported in the specified microversion")
        else:
            forbidden |= aggregates
    return tuple(required), forbidden


def _aggregates(value: str) -> frozenset[str]:
    parts = value.removeprefix("in:").split(",")
    if len(parts) > 1 and not value.startswith("in:"):
        raise HttpError(400, "Multiple values for 'member_of' must be prefixed with the 'in:' or '!in:' keyword")
    return frozenset(_uuids(parts, "member_of"))


def _in_tree(value: str | None) -> str | None:
    return None if value is None else _uuids([value.strip()], "in_tree")[0]


def _uuids(values: Iterable[str], key: str) -> list[str]:
    try:
        return [str(UUID(value)) for value in values]
    except ValueError:
        message = f"Invalid query string parameters: Expected '{key}' parameter to contain valid UUID(s)."
    raise HttpError(400, message)
