"""Listed differences of the question to Placement."""

import re
from typing import Any

from parity.compare import Disagreement, meaning
from parity.differences.table import Answered, Difference, Refused
from parity.generate.questions import PREFILTERS

QUERY = frozenset({"query"})
ZONES = frozenset({"map_az_to_placement_aggregate", "process_reqspec"})
IMAGE_TYPE = frozenset({"require_image_type_support", "process_reqspec"})
IMAGE_TRAITS = frozenset({"transform_image_metadata", "process_reqspec"})

OF_IMAGE = frozenset({"process_reqspec", *PREFILTERS})
NETWORKS = frozenset({"routed_networks_filter", "process_reqspec"})

UNKNOWN_CLASSES = ("UNKNOWN_CLASS",)
"""Classes of cases that are neither standard nor custom."""

UNKNOWN_TRAITS = frozenset({"COMPUTE_IMAGE_TYPE_STRANGE"})
"""Traits that prefilters make of words of cases, and that os-traits does not have."""

OTHER_SPELLINGS = frozenset({"COMPUTE_NET_VIF_MODEL_VIRTUALE1000", "HW_ARCH_AMD64"})
"""Traits that we make of spellings for which Nova has another word."""


def _spec(text: str) -> re.Pattern[str]:
    return re.compile(r"(flavor\.extra_specs\['(?P<key>[^']*)'\]|image\.properties\['(?P<name>[^']*)'\]): " + text)


def _without(query: dict[str, Any], word: str) -> dict[str, Any]:
    """Return a query without what it asks of a class, and without groups that are empty then."""
    left = {
        key: {part for part in value if not part.startswith(f"{word}:")} if isinstance(value, set) else value
        for key, value in query.items()
    }
    return {key: value for key, value in left.items() if value}


def _unknown_class(one: Disagreement) -> bool:
    """Tell whether the queries are the same but for classes that there are not."""
    if not all("query" in answer for answer in (one.theirs, one.ours)):
        return False
    theirs, ours = meaning(one.theirs["query"]), meaning(one.ours["query"])
    return any(word in one.ours["query"] and _without(ours, word) == theirs for word in UNKNOWN_CLASSES)


def _only_differs(one: Disagreement, *keys: str) -> bool:
    """Tell whether the queries are the same but for these parameters."""
    if not all("query" in answer for answer in (one.theirs, one.ours)):
        return False
    theirs, ours = meaning(one.theirs["query"]), meaning(one.ours["query"])
    return {name for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name)} <= set(keys)


def _defaulted_policy(one: Disagreement) -> bool:
    """Tell whether an unknown class makes a group of its own, for which we default the group policy."""
    specs = one.case["request"].get("flavor", {}).get("extra_specs", {})
    defaulted = _only_differs(one, "group_policy") and "group_policy=none" in one.ours["query"]
    return defaulted and any(key.endswith(UNKNOWN_CLASSES) for key in specs)


def _zone(one: Disagreement) -> str:
    return str(one.case["request"].get("availability_zone", ""))


def _zones(one: Disagreement) -> set[str]:
    return {metadata.get("availability_zone", "") for metadata in one.case.get("aggregates", {}).values()}


def _unknown_zone(one: Disagreement) -> bool:
    return one.ours == {"refusal": True} and _zone(one) not in {"", "nova", *_zones(one)}


def _default_zone(one: Disagreement) -> bool:
    return _zone(one) == "nova" and _only_differs(one, "member_of")


def _image(one: Disagreement) -> dict[str, Any]:
    return dict(one.case["request"].get("image", {}))


def _on(one: Disagreement, option: str) -> bool:
    return bool(one.case.get("options", {}).get("scheduler", {}).get(option))


def _no_format(one: Disagreement) -> bool:
    asked = _on(one, "query_placement_for_image_type_support")
    return asked and bool(one.raised) and "disk_format" not in _image(one)


def _no_image(one: Disagreement) -> bool:
    return one.raised == "AttributeError" and "image" not in one.case["request"]


def _nameless_network(one: Disagreement) -> bool:
    networks = one.case["request"].get("requested_networks", [])
    on = _on(one, "query_placement_for_routed_network_aggregates")
    return on and any(not network.keys() & {"network_id", "port_id"} for network in networks)


def _more_traits(one: Disagreement) -> set[str]:
    """Return the traits of the root that we ask for and Nova does not; none where the queries differ in more."""
    if not _only_differs(one, "root_required"):
        return set()
    theirs, ours = (meaning(answer["query"]).get("root_required", set()) for answer in (one.theirs, one.ours))
    return set(ours - theirs) if theirs < ours else set()


def _as_written(one: Disagreement) -> bool:
    """Tell whether only a trait differs that Nova makes of another spelling of a word."""
    if not _only_differs(one, "root_required"):
        return False
    theirs, ours = (meaning(answer["query"]).get("root_required", set()) for answer in (one.theirs, one.ours))
    return bool(ours - theirs) and ours - theirs <= OTHER_SPELLINGS and len(theirs - ours) == len(ours - theirs)


def _viommu(one: Disagreement) -> bool:
    return any(trait.startswith("COMPUTE_VIOMMU_MODEL_") for trait in _more_traits(one))


def _size_replaced(one: Disagreement) -> bool:
    ports = one.case["request"].get("requested_resources", [])
    return any("MEMORY_MB" in port["resources"] for port in ports) and _only_differs(one, "resources")


DIFFERENCES: tuple[Difference, ...] = (
    Refused(
        "malformed-extra-spec",
        "**What Nova drops with a warning is refused**",
        _spec(
            "(must be an integer from 0 to .*|must name an upper-case .*"
            "|'.*' is not one of (none, isolate|required, forbidden))"
        ),
    ),
    Refused(
        "contradiction-of-cpus",
        "**Contradictions that Nova's API finds are found here**",
        _spec(
            "(needs CPU policy .*|cannot be together with resources:[VP]CPU|mixed needs either .*|must leave a CPU .*"
            "|must name a CPU|names a CPU above .*|'.*' is not one of dedicated, shared, mixed)"
        ),
    ),
    Refused(
        "stateless-without-uefi",
        "stateless firmware without UEFI firmware, which Nova ignores",
        _spec("needs hw_firmware_type uefi"),
    ),
    Refused(
        "contradiction-of-models",
        "flavor and image that contradict each other about a",
        _spec("('.*' contradicts .*|'.*' is not one of tpm-tis, tpm-crb|tpm-crb needs TPM version 2.0)"),
    ),
    Refused(
        "placing-key",
        "Extra specs that Nova places by and nothing here does",
        _spec("not honoured by any enabled filter"),
    ),
    Refused(
        "refused-by-placement",
        "**What Placement would refuse is refused here**",
        re.compile(
            r"flavor\.extra_specs: group '.*' has no resources:, and same_subtree does not name it"
            r"|flavor\.extra_specs: '.*' is required too|group_policy: needed, because .*"
            r"|flavor: (asks for no resources|needs a resource outside its groups, .*)|.*: '.*' is forbidden too"
        ),
    ),
    Answered(
        "unknown-class",
        "**A class or trait that Placement does not know is an error naming it**",
        QUERY,
        _unknown_class,
    ),
    Answered(
        "unknown-class",
        "**A class or trait that Placement does not know is an error naming it**",
        QUERY,
        _defaulted_policy,
    ),
    Answered("unknown-zone", "**An availability zone that no aggregate names has no hosts**", ZONES, _unknown_zone),
    Answered("default-zone", "is that of the hosts in no other zone", ZONES, _default_zone),
    Answered(
        "no-disk-format", "`require_image_type_support` where the image has no `disk_format`", IMAGE_TYPE, _no_format
    ),
    Answered("no-image", "**Prefilters that read the image ask for nothing where there is none**", OF_IMAGE, _no_image),
    Answered("nameless-network", "Nova fails at one that names neither port nor network", NETWORKS, _nameless_network),
    Refused(
        "profile-without-groups",
        "**`accel:device_profile` needs the groups of the profile**",
        _spec("needs the groups of the profile in requested_resources"),
    ),
    Answered(
        "unknown-trait",
        "where Nova leaves the demand out",
        IMAGE_TYPE | IMAGE_TRAITS,
        lambda one: bool(UNKNOWN_TRAITS & _more_traits(one)),
    ),
    Answered("as-written", "An architecture is taken as it is written", IMAGE_TRAITS, _as_written),
    Answered("viommu-traits", "**`hw_viommu_model` asks for `COMPUTE_VIOMMU_MODEL_...`**", IMAGE_TRAITS, _viommu),
    Answered(
        "size-is-the-flavors", "**Only the flavor's own groups replace the size of the flavor.**", QUERY, _size_replaced
    ),
)
"""In the order of docs/nova-differences.md."""
