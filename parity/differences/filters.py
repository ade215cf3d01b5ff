"""Listed differences of filters."""

import re
from typing import Any

from parity.case import Case
from parity.compare import Disagreement
from parity.differences.table import Answered, Difference, Refused

NUMERIC = ("=", "==", "!=", ">=", "<=")
TEXTUAL = ("s==", "s!=", "s<", "s<=", "s>", "s>=")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
LIMIT = re.compile(r"\s*[+-]?\d{1,15}\s*", re.ASCII)
ATTRIBUTES = frozenset({"hypervisor_type", "num_io_ops", "host"})
OWN_KEYS = frozenset({"group_policy", "hide_hypervisor_id"})
IMAGE_DEMANDS = ("hw_architecture", "img_hv_type", "hw_vm_mode")
UNKNOWN_PROPERTIES = ("licensed", "os.edition")
"""Properties of cases that Nova does not know."""

UNLISTED = frozenset({"z80"})
"""Words of cases that are no architecture, hypervisor type or VM mode of Nova's lists."""


def extra_specs(case: Case) -> dict[str, str]:
    """Return the extra specs of a case."""
    return dict(case["request"].get("flavor", {}).get("extra_specs", {}))


def properties(case: Case) -> dict[str, str]:
    """Return the properties of a case's image."""
    return dict(case["request"].get("image", {}).get("properties", {}))


def hints(case: Case) -> dict[str, Any]:
    """Return the hints of a case."""
    return dict(case["request"].get("scheduler_hints", {}))


def is_malformed(requirement: str) -> bool:
    """Tell whether a requirement is neither plain text nor an operator with its operands."""
    operator, *operands = requirement.split() or [""]
    if operator in NUMERIC:
        return len(operands) != 1 or not NUMBER.fullmatch(operands[0])
    if operator in (*TEXTUAL, "<in>"):
        return len(operands) != 1
    if operator == "<all-in>":
        return not operands
    if operator == "<or>":
        pairs = operands[::2], operands[1::2]
        return len(operands) % 2 == 0 or "<or>" in pairs[0] or any(word != "<or>" for word in pairs[1])
    return operator.startswith(("<", ">", "=", "!", "s<", "s>", "s=", "s!"))


def _named(case: Case, match: re.Match[str]) -> str:
    """Return the extra spec that a refusal names."""
    return extra_specs(case).get(match["key"], "")


def _lacks_unscoped(one: Disagreement) -> bool:
    known = ATTRIBUTES | set(one.host.get("stats", {}))
    return one.theirs is True and any(":" not in key and key not in known for key in extra_specs(one.case))


def _demands_number(one: Disagreement) -> bool:
    demands = (value.split() for value in extra_specs(one.case).values())
    return one.theirs == "ValueError" and any(words and words[0] in NUMERIC for words in demands)


def _version_alone(one: Disagreement) -> bool:
    asked, options = properties(one.case), one.case.get("options", {}).get("filter_scheduler", {})
    return (
        one.theirs is True
        and "img_hv_requested_version" in asked
        and not any(name in asked for name in IMAGE_DEMANDS)
        and not options
    )


def _unlisted_word(one: Disagreement) -> bool:
    return one.raised == "ValueError" and bool(UNLISTED & set(properties(one.case).values()))


def _address_bits(one: Disagreement) -> bool:
    """Tell whether Nova fails at the description of the CPU, which is a text there, or does not get so far."""
    if "hw_maxphysaddr_bits" not in properties(one.case):
        return False
    fails = one.raised == "AttributeError" or one.theirs == "AttributeError"
    return fails or (one.theirs is True and not any(name in properties(one.case) for name in IMAGE_DEMANDS))


def _lenient_version(one: Disagreement) -> bool:
    text = properties(one.case).get("img_hv_requested_version")
    return one.raised == "ValueError" and text is not None and (not text or text.startswith("("))


def _said_by_aggregates(one: Disagreement, name: str) -> set[str]:
    """Return what the host's aggregates say of a property that the image has."""
    if name not in properties(one.case):
        return set()
    said = [one.case["aggregates"][str(number)].get(name, "") for number in one.host.get("aggregates", [])]
    return {word.strip() for text in said for word in text.split(",")} - {""}


def _spells_boolean(one: Disagreement) -> bool:
    return bool({"True", "true", "False", "false"} & _said_by_aggregates(one, "hw_boot_menu"))


def _unknown_property(one: Disagreement) -> bool:
    return one.theirs is True and any(_said_by_aggregates(one, name) for name in UNKNOWN_PROPERTIES)


def _other_spelling(one: Disagreement) -> bool:
    return one.theirs is False and "amd64" in _said_by_aggregates(one, "hw_architecture")


def _limit_form(one: Disagreement) -> bool:
    key = {"AggregateNumInstancesFilter": "max_instances_per_host"}.get(one.case["rule"], "max_io_ops_per_host")
    said = [one.case["aggregates"][str(number)].get(key, "0") for number in one.host.get("aggregates", [])]
    return any(not LIMIT.fullmatch(text) for text in said)


def _no_address(one: Disagreement) -> bool:
    return "host_ip" not in one.host and one.theirs == "TypeError" and one.ours is False


def _without_slash(one: Disagreement) -> bool:
    return str(hints(one.case).get("cidr", "/")).isdigit()


def _spec(text: str) -> re.Pattern[str]:
    return re.compile(r"flavor\.extra_specs\['(?P<key>[^']*)'\]: " + text)


def _hint(text: str) -> re.Pattern[str]:
    return re.compile(r"scheduler_hints\['(?P<key>[^']*)'\]: " + text)


CAPABILITIES, AGGREGATES = frozenset({"ComputeCapabilitiesFilter"}), frozenset({"AggregateInstanceExtraSpecsFilter"})
ISOLATION = frozenset({"AggregateImagePropertiesIsolation"})

DIFFERENCES: tuple[Difference, ...] = (
    Answered(
        "disabled-trait",
        "also removes hosts whose root provider has the trait `COMPUTE_STATUS_DISABLED`",
        frozenset({"ComputeFilter"}),
        lambda one: one.theirs is True and "COMPUTE_STATUS_DISABLED" in one.host.get("traits", []),
    ),
    Answered(
        "capability-without-namespace",
        "treats extra specs without namespace like `capabilities:` ones",
        CAPABILITIES,
        _lacks_unscoped,
    ),
    Answered(
        "number-of-text",
        "A host whose value is not a number does not meet a numeric demand; in Nova the request fails.",
        CAPABILITIES | AGGREGATES,
        _demands_number,
    ),
    Answered(
        "own-keys",
        "does not ask aggregates for keys without a namespace",
        AGGREGATES,
        lambda one: one.theirs is False and bool(OWN_KEYS & extra_specs(one.case).keys()),
    ),
    Refused(
        "strict-operators",
        "**Operators are read strictly.**",
        _spec(
            "(.* needs exactly one operand|the operand is not a number|alternatives are written .*"
            "|<all-in> needs an operand|it begins like an operator and is none; .*)"
        ),
        lambda case, match: is_malformed(_named(case, match)),
    ),
    Refused(
        "refused-extra-spec",
        "**What Nova drops with a warning is refused**",
        _spec(".* is not one of required, forbidden"),
        lambda case, match: _named(case, match) not in {"required", "forbidden"},
    ),
    Answered(
        "version-alone",
        "It counts also where the image asks for nothing else",
        frozenset({"ImagePropertiesFilter"}),
        _version_alone,
    ),
    Answered(
        "unlisted-words",
        "VM modes that Nova does not list are compared as they are",
        frozenset({"ImagePropertiesFilter", "AggregateImagePropertiesIsolation"}),
        _unlisted_word,
    ),
    Answered(
        "lenient-version",
        "Parentheses around it are allowed, and an empty one asks for nothing",
        frozenset({"ImagePropertiesFilter"}),
        _lenient_version,
    ),
    Answered(
        "boolean-spelling",
        "spells booleans `True`",
        ISOLATION,
        _spells_boolean,
    ),
    Answered(
        "unknown-property",
        "compares every property of the image with metadata of the same name, as text",
        ISOLATION,
        _unknown_property,
    ),
    Answered(
        "one-spelling",
        "in their one spelling, on both sides",
        ISOLATION,
        _other_spelling,
    ),
    Refused(
        "version-predicate",
        "`img_hv_requested_version` that is no version predicate is an error naming it",
        re.compile(r"image\.properties\['img_hv_requested_version'\]: expected comparisons .*"),
    ),
    Answered(
        "address-bits",
        "`hw_maxphysaddr_bits` counts alone, too, and is compared with `cpu_info` of the facts",
        frozenset({"ImagePropertiesFilter"}),
        _address_bits,
    ),
    Answered(
        "limit-forms",
        "a limit of an aggregate that is no whole number",
        frozenset({"AggregateNumInstancesFilter", "AggregateIoOpsFilter"}),
        _limit_form,
    ),
    Refused(
        "hint-uuid",
        "what is not the UUID of an instance is an error naming the hint",
        _hint("'no uuid' is not the UUID of an instance"),
    ),
    Answered(
        "no-address",
        "A host that reports no address is not near; in Nova the request fails.",
        frozenset({"SimpleCIDRAffinityFilter"}),
        _no_address,
    ),
    Answered(
        "cidr-without-slash",
        "`cidr` may be written without the slash",
        frozenset({"SimpleCIDRAffinityFilter"}),
        _without_slash,
    ),
    Refused(
        "malformed-address",
        "An address or prefix that is none, and `cidr` without `build_near_host_ip`, are errors naming the hint",
        _hint("('.*' is not an IP address|'.*' is not a prefix for .*|has no effect without build_near_host_ip)"),
    ),
)
"""In the order of the rules."""
