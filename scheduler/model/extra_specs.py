"""What the extra specs of a flavor mean: request groups, a group policy, and what filters read.

Every key is understood or is a problem; none is ignored because it looks unfamiliar. The grammar is Nova's:
``resources[S]:CLASS=amount``, ``trait[S]:NAME=required|forbidden`` and ``group_policy=none|isolate``, where S is the
suffix of a request group. ``capabilities:...`` and keys without a namespace belong to ComputeCapabilitiesFilter.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scheduler.model.messages import shown

MAX_AMOUNT = 2**31 - 1
POLICIES = ("none", "isolate")

_GROUP_KEY = re.compile(r"(resources|trait)([A-Za-z0-9_-]{0,64}):(.*)", re.DOTALL)
_NAME = re.compile(r"[A-Z0-9_]{1,255}")
_AMOUNT = re.compile(r"[0-9]{1,10}")

# Namespaces and keys that configure the guest on its host; neither Nova nor this scheduler places by them.
_GUEST_NAMESPACES = frozenset({"quota", "hw_rng", "hw_video"})
_GUEST_KEYS = frozenset(
    {"hw:boot_menu", "hw:hide_hypervisor_id", "hw:serial_port_count", "hw:vif_multiqueue_enabled", "hw:watchdog_action"}
)


@dataclass(frozen=True, slots=True)
class FlavorGroup:
    """What the extra specs say about one request group; an amount of 0 takes a class of the flavor away."""

    resources: Mapping[str, int] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()

    def amounts(self) -> dict[str, int]:
        """Return the resources that are really asked for."""
        return {name: amount for name, amount in self.resources.items() if amount}

    def is_empty(self) -> bool:
        """Tell whether nothing is left to ask for."""
        return not (self.amounts() or self.required or self.forbidden)


@dataclass(frozen=True, slots=True)
class ExtraSpecs:
    """Extra specs understood: request groups by suffix ("" is the unsuffixed one), policy, and every problem."""

    groups: Mapping[str, FlavorGroup]
    group_policy: str | None
    problems: tuple[str, ...]

    def suffixed(self) -> dict[str, FlavorGroup]:
        """Return the groups that one provider each has to satisfy, without those that ask for nothing."""
        return {suffix: group for suffix, group in self.groups.items() if suffix and not group.is_empty()}

    def mentions(self, *classes: str) -> bool:
        """Tell whether any group names one of these resource classes, even with amount 0."""
        return any(name in group.resources for group in self.groups.values() for name in classes)


def capabilities(extra_specs: Mapping[str, str]) -> dict[str, str]:
    """Return the extra specs that ComputeCapabilitiesFilter reads, as they are written."""
    return {key: value for key, value in extra_specs.items() if _is_capability(key)}


def understand(extra_specs: Mapping[str, str]) -> ExtraSpecs:
    """Return what the extra specs mean, and what is wrong with them."""
    terms = [
        (match.groups(), value) for key, value in sorted(extra_specs.items()) if (match := _GROUP_KEY.fullmatch(key))
    ]
    suffixes = sorted({suffix for (_, suffix, _), _ in terms})
    policy = extra_specs.get("group_policy")
    return ExtraSpecs(
        groups={suffix: _group(suffix, terms) for suffix in suffixes},
        group_policy=policy if policy in POLICIES else None,
        problems=tuple(_problems(extra_specs)),
    )


def _group(suffix: str, terms: list[tuple[tuple[str, ...], str]]) -> FlavorGroup:
    own = [(kind, name, value) for (kind, of, name), value in terms if of == suffix]
    return FlavorGroup(
        resources={name: int(value) for kind, name, value in own if kind == "resources" and _AMOUNT.fullmatch(value)},
        required=frozenset(name for kind, name, value in own if (kind, value) == ("trait", "required")),
        forbidden=frozenset(name for kind, name, value in own if (kind, value) == ("trait", "forbidden")),
    )


def _problems(extra_specs: Mapping[str, str]) -> Iterator[str]:
    for key, value in sorted(extra_specs.items()):
        problem = _problem(key, value)
        if problem:
            yield f"flavor.extra_specs[{shown(key)}]: {problem}"


def _problem(key: str, value: str) -> str | None:
    match = _GROUP_KEY.fullmatch(key)
    if match:
        kind, _, name = match.groups()
        return _resource_problem(name, value) if kind == "resources" else _trait_problem(name, value)
    if key.startswith(("resources", "trait")) and ":" in key:
        return "the group suffix must be at most 64 letters, digits, '_' or '-'"
    if key == "group_policy":
        return None if value in POLICIES else f"{shown(value)} is not one of {', '.join(POLICIES)}"
    return None if _is_capability(key) or _is_for_the_guest(key) else "not honoured by any enabled filter"


def _resource_problem(name: str, value: str) -> str | None:
    if not _NAME.fullmatch(name):
        return "must name an upper-case resource class"
    if not _AMOUNT.fullmatch(value) or int(value) > MAX_AMOUNT:
        return f"must be an integer from 0 to {MAX_AMOUNT}"
    return None


def _trait_problem(name: str, value: str) -> str | None:
    if not _NAME.fullmatch(name):
        return "must name an upper-case trait"
    return None if value in ("required", "forbidden") else f"{shown(value)} is not one of required, forbidden"


def _is_capability(key: str) -> bool:
    namespace, colon, rest = key.partition(":")
    return bool(rest) and namespace == "capabilities" if colon else bool(key) and key != "group_policy"


def _is_for_the_guest(key: str) -> bool:
    return key in _GUEST_KEYS or key.partition(":")[0] in _GUEST_NAMESPACES
