"""Listed differences of weighers."""

from typing import Any

from parity.compare import Disagreement
from parity.differences.table import Answered, Difference
from parity.generate.weighers import RULES

EVERY = frozenset(RULES)
IMAGES = frozenset({"ImagePropertiesWeigher"})


def _section(one: Disagreement) -> dict[str, Any]:
    return dict(one.case.get("options", {}).get("filter_scheduler", {}))


def _one_host(one: Disagreement) -> bool:
    return len(one.case["hosts"]) == 1 and one.theirs == {"weights": [0.0]}


def _no_number(one: Disagreement) -> bool:
    said = (text for metadata in one.case.get("aggregates", {}).values() for text in metadata.values())
    return any(text == "nan" for text in said)


def _off_by_option(one: Disagreement) -> bool:
    off = _section(one).get("image_props_weight_multiplier", 0.0) == 0.0
    return off and any(number > 0 or number < 0 for number in one.ours.get("weights", []))


def _as_text(one: Disagreement) -> bool:
    asked = one.case["request"].get("image", {}).get("properties", {})
    return "licensed" in asked or "hw_boot_menu" in asked


DIFFERENCES: tuple[Difference, ...] = (
    Answered("one-host-weighed", "**One host left is weighed too.**", EVERY, _one_host),
    Answered("nan-multiplier", "NaN, infinity and numbers beyond 1e100 are none here", EVERY, _no_number),
    Answered(
        "aggregate-turns-on",
        "An aggregate can turn the weigher on where the configured multiplier",
        IMAGES,
        _off_by_option,
    ),
    Answered("properties-as-text", "compares all properties of the image, as text", IMAGES, _as_text),
)
"""In the order of the rules."""
