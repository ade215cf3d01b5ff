"""What no schema can say about a request: fields that contradict each other, and words that nothing here honours."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import UUID

from scheduler.model import cpus, hardware, image_properties
from scheduler.model.extra_specs import DEVICE_PROFILE, ExtraSpecs, understand
from scheduler.model.group_specs import MAX_AMOUNT, FlavorGroup
from scheduler.model.implied import HYPERTHREADING, implied
from scheduler.model.messages import shown

if TYPE_CHECKING:
    from scheduler.model.request import RequestSpec

# The consumer type under which the scheduler holds room for a request that is not decided yet.
RESERVED_TYPE = "SCHED_RESERVATION"


def problems(spec: "RequestSpec") -> Iterator[str]:
    """Yield every problem of a request that fits the schema, each with its field."""
    specs = understand(spec.flavor.extra_specs)
    yield from specs.problems
    yield from image_properties.problems(spec.image.properties if spec.image else {})
    yield from _of_size(spec)
    yield from _of_hardware(spec, specs)
    yield from _of_groups(spec, specs)
    yield from _of_subtrees(spec, specs)
    yield from _of_policy(spec, specs)
    yield from _of_traits(spec, specs)
    yield from _of_hosts(spec)
    yield from _of_aggregates(spec, specs)
    yield from _of_server_group(spec)
    yield from _of_wishes(spec)
    yield from _of_hints(spec)
    if spec.consumer_type == RESERVED_TYPE:
        yield f"consumer_type: {RESERVED_TYPE} is kept for the scheduler"


def group_policy(spec: "RequestSpec", specs: ExtraSpecs) -> str | None:
    """Return the policy in force; Nova's default where a lone flavor group meets those of ports and devices."""
    given = spec.group_policy or specs.group_policy
    return given or ("none" if _needs_policy(spec, specs) and len(specs.suffixed()) <= 1 else None)


def _needs_policy(spec: "RequestSpec", specs: ExtraSpecs) -> bool:
    return len(specs.suffixed()) + len(spec.requested_resources) > 1


def _of_policy(spec: "RequestSpec", specs: ExtraSpecs) -> Iterator[str]:
    if spec.group_policy and specs.group_policy and spec.group_policy != specs.group_policy:
        yield "group_policy: differs from flavor.extra_specs['group_policy']"
    if _needs_policy(spec, specs) and group_policy(spec, specs) is None:
        yield "group_policy: needed, because the flavor has more than one request group; none or isolate"


def _of_size(spec: "RequestSpec") -> Iterator[str]:
    flavor = spec.flavor
    if flavor.root_gb + flavor.ephemeral_gb + flavor.swap // 1024 >= MAX_AMOUNT:
        yield f"flavor: root_gb, ephemeral_gb and swap together must stay below {MAX_AMOUNT} GiB"


def _of_hardware(spec: "RequestSpec", specs: ExtraSpecs) -> Iterator[str]:
    yield from _hardware_problems(spec, specs)
    wanted = hardware.hardware_of(spec.flavor, spec.image)
    explicit = {HYPERTHREADING} & _explicit_traits(spec, specs)
    if explicit and wanted.value("cpu_thread_policy"):
        yield f"{hardware.place(wanted, 'cpu_thread_policy')}: cannot be together with trait {HYPERTHREADING}"
    if DEVICE_PROFILE in spec.flavor.extra_specs and not spec.requested_resources:
        yield f"flavor.extra_specs['{DEVICE_PROFILE}']: needs the groups of the profile in requested_resources"


def _hardware_problems(spec: "RequestSpec", specs: ExtraSpecs) -> Iterator[str]:
    wanted = hardware.hardware_of(spec.flavor, spec.image)
    asked = {name for group in specs.groups.values() for name in group.amounts()}
    explicit = next((name for name in ("PCPU", "VCPU") if name in asked), None)
    yield from hardware.problems(wanted)
    yield from cpus.problems(wanted, explicit)


def _explicit_traits(spec: "RequestSpec", specs: ExtraSpecs) -> frozenset[str]:
    of_flavor = (group.required | group.forbidden for group in specs.groups.values())
    return frozenset(spec.image.traits_required if spec.image else ()).union(*of_flavor)


def _implied(spec: "RequestSpec", specs: ExtraSpecs) -> FlavorGroup:
    """Return what is implied, nothing where flavor and image contradict each other."""
    broken = any(_hardware_problems(spec, specs))
    return FlavorGroup() if broken else implied(hardware.hardware_of(spec.flavor, spec.image))


def _of_groups(spec: "RequestSpec", specs: ExtraSpecs) -> Iterator[str]:
    together = {suffix for entry in (*spec.same_subtree, *specs.same_subtree) for suffix in entry}
    seen: set[str] = set()
    for index, group in enumerate(spec.requested_resources):
        field = f"requested_resources[{index}]"
        if not group.requester_id:
            yield f"{field}.requester_id: must not be empty"
        elif group.requester_id in seen:
            yield f"{field}.requester_id: {shown(group.requester_id)} is used more than once"
        elif group.requester_id in specs.suffixed():
            yield f"{field}.requester_id: {shown(group.requester_id)} is a group of the flavor too"
        seen.add(group.requester_id)
        if not group.resources and group.requester_id not in together:
            yield f"{field}.resources: needed, unless same_subtree names the group"
    for suffix, of_flavor in specs.suffixed().items():
        if not of_flavor.amounts() and suffix not in together:
            yield f"flavor.extra_specs: group {shown(suffix)} has no resources:, and same_subtree does not name it"


def _of_subtrees(spec: "RequestSpec", specs: ExtraSpecs) -> Iterator[str]:
    known = {*specs.suffixed(), *(group.requester_id for group in spec.requested_resources)} - {""}
    entries = [(f"same_subtree[{index}]", entry) for index, entry in enumerate(spec.same_subtree)]
    entries += [("flavor.extra_specs['same_subtree']", entry) for entry in specs.same_subtree]
    for field, entry in entries:
        if not entry:
            yield f"{field}: must name a group"
        yield from (
            f"{field}: {shown(suffix)} is not a group of the request" for suffix in entry if suffix not in known
        )


def _of_traits(spec: "RequestSpec", specs: ExtraSpecs) -> Iterator[str]:
    image = frozenset(spec.image.traits_required if spec.image else ())
    root_required, root_forbidden = specs.root_required.union(spec.root_required), specs.root_forbidden
    sides = [("root_forbidden", root_required, root_forbidden.union(spec.root_forbidden))]
    for index, group in enumerate(spec.requested_resources):
        field = f"requested_resources[{index}].forbidden_traits"
        sides.append((field, frozenset(group.required_traits), frozenset(group.forbidden_traits)))
    groups = {**specs.groups, "": specs.groups.get("", FlavorGroup()) | _implied(spec, specs)}
    for suffix, of_flavor in groups.items():
        sides.append(("flavor.extra_specs", of_flavor.required.union(() if suffix else image), of_flavor.forbidden))
    for field, required, forbidden in sides:
        yield from (f"{field}: {shown(name)} is required too" for name in sorted(required & forbidden))
    yield from _of_choices(spec, specs)


def _of_choices(spec: "RequestSpec", specs: ExtraSpecs) -> Iterator[str]:
    """Find choices among traits that leave none."""
    for index, group in enumerate(spec.requested_resources):
        for place, any_of in enumerate(group.any_of_traits):
            if set(any_of) <= set(group.forbidden_traits):
                yield f"requested_resources[{index}].any_of_traits[{place}]: must name a trait that is not forbidden"
    for suffix, of_flavor in specs.groups.items():
        if any(any_of <= of_flavor.forbidden for any_of in of_flavor.any_of):
            yield f"flavor.extra_specs[{shown(f'required{suffix}')}]: must name a trait that is not forbidden"


def _of_hosts(spec: "RequestSpec") -> Iterator[str]:
    ignored = {host.lower() for host in spec.ignore_hosts}
    for index, host in enumerate(spec.force_hosts):
        if host.lower() in ignored:
            yield f"force_hosts[{index}]: {shown(host)} is in ignore_hosts too"
    wanted = spec.requested_destination.host if spec.requested_destination else None
    if wanted and wanted.lower() in ignored:
        yield f"requested_destination.host: {shown(wanted)} is in ignore_hosts too"
    if wanted and spec.force_hosts and wanted.lower() not in {host.lower() for host in spec.force_hosts}:
        yield f"requested_destination.host: {shown(wanted)} is not in force_hosts"
    node = spec.requested_destination.node if spec.requested_destination else None
    if node and spec.force_nodes and node.lower() not in {name.lower() for name in spec.force_nodes}:
        yield f"requested_destination.node: {shown(node)} is not in force_nodes"


def _of_aggregates(spec: "RequestSpec", specs: ExtraSpecs) -> Iterator[str]:
    destination = spec.requested_destination
    if destination:
        yield from _of_places("requested_destination", destination.aggregates, destination.forbidden_aggregates)
    for index, group in enumerate(spec.requested_resources):
        yield from _of_places(f"requested_resources[{index}]", group.aggregates, group.forbidden_aggregates)
    for suffix, of_flavor in specs.groups.items():
        if any(any_of <= of_flavor.forbidden_aggregates for any_of in of_flavor.member_of):
            yield f"flavor.extra_specs[{shown(f'member_of{suffix}')}]: must name an aggregate that is not forbidden"


def _of_places(field: str, aggregates: tuple[tuple[UUID, ...], ...], forbidden: tuple[UUID, ...]) -> Iterator[str]:
    for index, any_of in enumerate(aggregates):
        if not any_of:
            yield f"{field}.aggregates[{index}]: must name an aggregate"
        elif set(any_of) <= set(forbidden):
            yield f"{field}.aggregates[{index}]: all of it is in forbidden_aggregates too"


def _of_server_group(spec: "RequestSpec") -> Iterator[str]:
    group = spec.instance_group
    if group and group.policy != "anti-affinity" and group.max_server_per_host != 1:
        yield "instance_group.max_server_per_host: only with policy anti-affinity"


def _of_wishes(spec: "RequestSpec") -> Iterator[str]:
    keys = Counter(spread.key for spread in spec.topology_spread)
    traits = Counter(spec.preferred_traits)
    yield from (
        f"topology_spread: key {shown(key)} is given more than once" for key, times in keys.items() if times > 1
    )
    yield from (f"preferred_traits: {name} is given more than once" for name, times in traits.items() if times > 1)


def _of_hints(spec: "RequestSpec") -> Iterator[str]:
    """Refuse what Nova passes to itself among the hints: what is to be done is the method called, not tenant data."""
    for name in spec.scheduler_hints:
        if name.startswith("_"):
            yield f"scheduler_hints[{shown(name)}]: names that begin with _ are reserved"
