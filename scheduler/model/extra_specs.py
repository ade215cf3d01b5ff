"""What the extra specs of a flavor mean: request groups, what holds for all of them, and what filters read.

Every key is understood or is a problem; none is ignored because it looks unfamiliar. The tables here say which keys
there are; docs/request-language.md explains each. ``group_specs`` reads those about one request group and ``hardware``
those that an image has a property for. ``capabilities:...`` belongs to ComputeCapabilitiesFilter,
``aggregate_instance_extra_specs:...`` to AggregateInstanceExtraSpecsFilter, keys without a namespace that are in no
table to either, and ``provider_trait:NAME=required|forbidden`` to ProviderTraitFilter.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches

from msgspec import Struct

from scheduler.model import hardware
from scheduler.model.devices import DEVICES, devices_in
from scheduler.model.group_specs import (
    NAMED,
    PARAMETERS,
    FlavorGroup,
    Misfit,
    check_trait,
    group_of,
    merged,
    names_in,
    term_of,
)
from scheduler.model.messages import NOT_HONOURED, shown

POLICIES = ("none", "isolate")

REQUEST_KEYS = ("group_policy", "root_required", "same_subtree")
"""Keys about the request as a whole; ``group_policy`` is Nova's, the others are Placement's parameters."""

GUEST_NAMESPACES = frozenset({"quota", "hw_rng", "hw_video", "vmware"})
GUEST_KEYS = frozenset(
    {
        "hide_hypervisor_id",
        "hw:boot_menu",
        "hw:cpu_cores",
        "hw:cpu_max_cores",
        "hw:cpu_max_sockets",
        "hw:cpu_max_threads",
        "hw:cpu_sockets",
        "hw:cpu_threads",
        "hw:hide_hypervisor_id",
        "hw:locked_memory",
        "hw:pmu",
        "hw:redirected_usb_ports",
        "hw:serial_port_count",
        "hw:usb_model",
        "hw:vif_multiqueue_enabled",
        "hw:viommu_model",
        "hw:watchdog_action",
    }
)
"""Namespaces and keys that configure the guest on its host; neither Nova nor this scheduler places by them."""

PLACING_KEYS = ("hw:mem_page_size", "hw:numa_nodes")
PLACING_PREFIXES = ("hw:numa_cpus.", "hw:numa_mem.")
"""Nova places by these, nothing here does. Ignoring one would place an instance where it cannot work."""

DEVICE_PROFILE = "accel:device_profile"

ADDRESS_BITS = "hw:maxphysaddr_bits"
"""What a host must have at least; Nova reads it as the capability ``cpu_info:maxphysaddr:bits``."""

CAPABILITY = "capabilities:"
AGGREGATE = "aggregate_instance_extra_specs:"
PROVIDER_TRAIT = "provider_trait:"
"""What the keys begin with that filters read."""

_DEMANDS = frozenset({*hardware.EXTRA_SPECS, DEVICES, ADDRESS_BITS})
_KNOWN = (*hardware.EXTRA_SPECS, *sorted(GUEST_KEYS), *PLACING_KEYS, DEVICE_PROFILE, DEVICES, ADDRESS_BITS)
_NAMESPACES = (*NAMED, *(prefix[:-1] for prefix in (CAPABILITY, AGGREGATE, PROVIDER_TRAIT)), *sorted(GUEST_NAMESPACES))


class ExtraSpecs(Struct, frozen=True):
    """Extra specs understood: request groups by suffix ("" is the unsuffixed one), and what holds for all of them.

    ``misfits`` says by its key what is wrong with an extra spec.
    """

    groups: Mapping[str, FlavorGroup]
    group_policy: str | None
    root_required: frozenset[str]
    root_forbidden: frozenset[str]
    same_subtree: tuple[tuple[str, ...], ...]
    misfits: Mapping[str, str]

    @property
    def problems(self) -> tuple[str, ...]:
        """Return every misfit with its field."""
        return tuple(f"{_field(key)}: {problem}" for key, problem in self.misfits.items())

    def suffixed(self) -> dict[str, FlavorGroup]:
        """Return the groups that one provider each has to satisfy, without those that ask for nothing."""
        return {suffix: group for suffix, group in self.groups.items() if suffix and not group.is_empty()}

    def mentions(self, *classes: str) -> bool:
        """Tell whether any group names one of these resource classes, even with amount 0."""
        return any(name in group.resources for group in self.groups.values() for name in classes)


def capabilities(extra_specs: Mapping[str, str]) -> dict[str, str]:
    """Return the extra specs that ComputeCapabilitiesFilter reads, as they are written."""
    return {key: value for key, value in extra_specs.items() if _is_capability(key) or key == ADDRESS_BITS}


def of_aggregates(extra_specs: Mapping[str, str]) -> dict[str, str]:
    """Return the extra specs that AggregateInstanceExtraSpecsFilter reads, with the key of metadata that each names."""
    return {key: key.removeprefix(AGGREGATE) for key in extra_specs if _is_of_aggregates(key)}


def of_providers(extra_specs: Mapping[str, str]) -> dict[str, str]:
    """Return the extra specs that ProviderTraitFilter reads, with the trait that each names."""
    return {key: key.removeprefix(PROVIDER_TRAIT) for key in extra_specs if key.startswith(PROVIDER_TRAIT)}


def has_no_namespace(key: str) -> bool:
    """Tell whether an extra spec may be a capability of the host as well as metadata of its aggregates."""
    known = key in GUEST_KEYS or key in REQUEST_KEYS or key.startswith(PARAMETERS)
    return bool(key) and ":" not in key and not known


def understand(extra_specs: Mapping[str, str]) -> ExtraSpecs:
    """Return what the extra specs mean, and what is wrong with them."""
    misfits = {key: problem for key, value in sorted(extra_specs.items()) if (problem := _misfit(key, value))}
    sound = {key: value for key, value in sorted(extra_specs.items()) if key not in misfits}
    terms = [term for key, value in sound.items() if (term := term_of(key, value))]
    root_required, root_forbidden = _root_traits(sound.get("root_required", ""))
    return ExtraSpecs(
        groups={
            suffix: merged(group_of(term) for term in terms if term.suffix == suffix)
            for suffix in sorted({term.suffix for term in terms})
        },
        group_policy=sound.get("group_policy"),
        root_required=root_required,
        root_forbidden=root_forbidden,
        same_subtree=tuple(tuple(entry.split(",")) for entry in sound.get("same_subtree", "").split()),
        misfits=misfits,
    )


def droppable(extra_specs: Mapping[str, str]) -> dict[str, str]:
    """Return the extra specs that Nova drops, each with what is wrong with it.

    Those that Nova places by are none of them: dropping one would drop what the flavor demands.
    """
    misfits = understand(extra_specs).misfits
    return {key: problem for key, problem in misfits.items() if not _places(key) and key not in _DEMANDS}


def dropped(extra_specs: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is wrong with each of the extra specs that Nova drops, with its field."""
    return tuple(f"{_field(key)}: dropped; {problem}" for key, problem in droppable(extra_specs).items())


def _field(key: str) -> str:
    return f"flavor.extra_specs[{shown(key)}]"


def _misfit(key: str, value: str) -> str | None:
    try:
        _read(key, value)
    except Misfit as misfit:
        return str(misfit)
    return None


def _read(key: str, value: str) -> None:
    """Raise Misfit when an extra spec is not understood."""
    if key in _REQUEST_READERS:
        _REQUEST_READERS[key](value)
    elif term := term_of(key, value):
        group_of(term)
    elif key in hardware.EXTRA_SPECS:
        hardware.check_extra_spec(key, value)
    elif key.startswith(PROVIDER_TRAIT):
        check_trait(key.removeprefix(PROVIDER_TRAIT), value)
    elif not (_is_capability(key) or _is_of_aggregates(key) or _is_for_the_guest(key) or key == DEVICE_PROFILE):
        raise Misfit(NOT_HONOURED if _places(key) else NOT_HONOURED + _meant(_close_to(key)))
    elif ":" not in key and (close := get_close_matches(key, (*REQUEST_KEYS, *PARAMETERS), n=1, cutoff=0.85)):
        raise Misfit(f"unknown{_meant(close)} A capability of that name is written with capabilities: before it")


def _close_to(key: str) -> list[str]:
    """Return the known key that is most like this one; for an unknown namespace the same key in a known one."""
    namespace, _, rest = key.partition(":")
    spaces = get_close_matches(namespace, _NAMESPACES, n=1, cutoff=0.75) if rest else []
    return get_close_matches(key, _KNOWN, n=1, cutoff=0.85) or [f"{space}:{rest}" for space in spaces]


def _meant(close: list[str]) -> str:
    return f", did you mean {shown(close[0])}?" if close else ""


def _policy(value: str) -> None:
    if value not in POLICIES:
        raise Misfit(f"{shown(value)} is not one of {', '.join(POLICIES)}")


def _root_traits(value: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the traits that the root must have, and those, after "!", that it must not."""
    names = value.split(",") if value else []
    forbidden = frozenset(name[1:] for name in names if name.startswith("!"))
    return frozenset(names) - {f"!{name}" for name in forbidden}, forbidden


def _root(value: str) -> None:
    if not all(names_in(name.removeprefix("!")) for name in value.split(",")):
        raise Misfit("must be upper-case traits with commas between, ! before those that are forbidden")


def _subtrees(value: str) -> None:
    if not value.split() or not all(all(entry.split(",")) for entry in value.split()):
        raise Misfit("must be suffixes of groups with commas between; blanks between lists")


_REQUEST_READERS: Mapping[str, Callable[[str], object]] = {
    ADDRESS_BITS: hardware.check_address_bits,
    DEVICES: devices_in,
    "group_policy": _policy,
    "root_required": _root,
    "same_subtree": _subtrees,
}


def _is_capability(key: str) -> bool:
    return has_no_namespace(key) or (key.startswith(CAPABILITY) and key != CAPABILITY)


def _is_of_aggregates(key: str) -> bool:
    return has_no_namespace(key) or (key.startswith(AGGREGATE) and key != AGGREGATE)


def _is_for_the_guest(key: str) -> bool:
    return key in GUEST_KEYS or key.partition(":")[0] in GUEST_NAMESPACES


def _places(key: str) -> bool:
    return key in PLACING_KEYS or key.startswith(PLACING_PREFIXES)
