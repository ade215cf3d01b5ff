"""What the extra specs of a flavor say about one request group, term by term.

Nova's forms are ``resources[S]:CLASS=amount`` and ``trait[S]:NAME=required|forbidden``. What Placement can be asked and
Nova has no form for is written as Placement writes it: the key is the parameter with the suffix of the group
(``required[S]``, ``member_of[S]``, ``in_tree[S]``), the value is Placement's; where Placement takes a parameter several
times, blanks stand between the values, and all of them have to hold.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct, field

from scheduler.model.messages import shown

MAX_AMOUNT = 2**31 - 1
NAMED = ("resources", "trait")
PARAMETERS = ("required", "member_of", "in_tree")

_SUFFIX = "[A-Za-z0-9_-]{0,64}"
_NAMED_KEY = re.compile(rf"({'|'.join(NAMED)})({_SUFFIX}):(.*)", re.DOTALL)
_PARAMETER_KEY = re.compile(rf"({'|'.join(PARAMETERS)})({_SUFFIX})")
_NAME = re.compile(r"[A-Z0-9_]{1,255}")
_AMOUNT = re.compile(r"[0-9]{1,10}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Misfit(ValueError):
    """An extra spec cannot be understood; the text says what would be."""


class Term(NamedTuple):
    """One extra spec about one group; ``name`` is "" where the key names no class and no trait."""

    kind: str
    suffix: str
    name: str
    value: str


class FlavorGroup(Struct, frozen=True):
    """What a flavor says about one request group; an amount of 0 takes a class of the flavor away.

    ``any_of`` are sets of traits of which one each has to be there; ``member_of`` is the same for aggregates.
    """

    resources: Mapping[str, int] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    any_of: frozenset[frozenset[str]] = frozenset()
    member_of: frozenset[frozenset[UUID]] = frozenset()
    forbidden_aggregates: frozenset[UUID] = frozenset()
    in_tree: UUID | None = None

    def amounts(self) -> dict[str, int]:
        """Return the resources that are really asked for."""
        return {name: amount for name, amount in self.resources.items() if amount}

    def is_empty(self) -> bool:
        """Tell whether nothing is left to ask for."""
        traits = self.required or self.forbidden or self.any_of
        return not (self.amounts() or traits or self.member_of or self.forbidden_aggregates or self.in_tree)

    def __or__(self, other: "FlavorGroup") -> "FlavorGroup":
        """Return a group that both of these are about; amounts of the other one take precedence."""
        return FlavorGroup(
            resources={**self.resources, **other.resources},
            required=self.required | other.required,
            forbidden=self.forbidden | other.forbidden,
            any_of=self.any_of | other.any_of,
            member_of=self.member_of | other.member_of,
            forbidden_aggregates=self.forbidden_aggregates | other.forbidden_aggregates,
            in_tree=other.in_tree or self.in_tree,
        )


def merged(groups: Iterable[FlavorGroup]) -> FlavorGroup:
    """Return the group that all of these are about."""
    return reduce(FlavorGroup.__or__, groups, FlavorGroup())


def term_of(key: str, value: str) -> Term | None:
    """Return the term that an extra spec is; None when it is about no group. Raises Misfit for a malformed suffix."""
    if match := _NAMED_KEY.fullmatch(key):
        return Term(match[1], match[2], match[3], value)
    if match := _PARAMETER_KEY.fullmatch(key):
        return Term(match[1], match[2], "", value)
    if key.startswith(PARAMETERS if ":" not in key else NAMED):
        raise Misfit("the group suffix must be at most 64 letters, digits, '_' or '-'")
    return None


def group_of(term: Term) -> FlavorGroup:
    """Return what one term says. Raises Misfit."""
    return _READERS[term.kind](term.name, term.value)


def check_trait(name: str, value: str) -> None:
    """Raise Misfit unless this is the name of a trait that is required or forbidden."""
    if not _NAME.fullmatch(name):
        raise Misfit("must name an upper-case trait")
    if value not in {"required", "forbidden"}:
        raise Misfit(f"{shown(value)} is not one of required, forbidden")


def _resource(name: str, value: str) -> FlavorGroup:
    if not _NAME.fullmatch(name):
        raise Misfit("must name an upper-case resource class")
    if not _AMOUNT.fullmatch(value) or int(value) > MAX_AMOUNT:
        raise Misfit(f"must be an integer from 0 to {MAX_AMOUNT}")
    return FlavorGroup(resources={name: int(value)})


def _trait(name: str, value: str) -> FlavorGroup:
    if "," in name:
        raise Misfit("must name an upper-case trait; one of several is required=in:A,B")
    check_trait(name, value)
    return FlavorGroup(required=frozenset({name})) if value == "required" else FlavorGroup(forbidden=frozenset({name}))


def _required(_: str, value: str) -> FlavorGroup:
    terms = value.split()
    choices = [frozenset(term.removeprefix("in:").split(",")) for term in terms]
    if not terms or not all(term.startswith("in:") and names_in(term[3:]) for term in terms):
        raise Misfit("must be in: and upper-case traits with commas between; blanks between terms that all must hold")
    return FlavorGroup(any_of=frozenset(choices))


def _member_of(_: str, value: str) -> FlavorGroup:
    terms = [(term.startswith("!"), _uuids(term.removeprefix("!"))) for term in value.split()]
    if not terms or not all(uuids for _, uuids in terms):
        raise Misfit("must be UUID, in:UUID,UUID, or one of these after !; blanks between terms that all must hold")
    return FlavorGroup(
        member_of=frozenset(uuids for forbidden, uuids in terms if not forbidden),
        forbidden_aggregates=frozenset().union(*(uuids for forbidden, uuids in terms if forbidden)),
    )


def _in_tree(_: str, value: str) -> FlavorGroup:
    if not _UUID.fullmatch(value):
        raise Misfit("must be the UUID of a resource provider")
    return FlavorGroup(in_tree=UUID(value))


def names_in(text: str) -> list[str]:
    """Return the names in a text with commas between; empty when one is not a trait's."""
    names = text.split(",")
    return names if all(map(_NAME.fullmatch, names)) else []


def _uuids(text: str) -> frozenset[UUID]:
    texts = text.removeprefix("in:").split(",") if text.startswith("in:") else [text]
    return frozenset(map(UUID, texts)) if all(map(_UUID.fullmatch, texts)) else frozenset()


_READERS: Mapping[str, Callable[[str, str], FlavorGroup]] = {
    "resources": _resource,
    "trait": _trait,
    "required": _required,
    "member_of": _member_of,
    "in_tree": _in_tree,
}
