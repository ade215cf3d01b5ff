"""Listed differences of whole decisions."""

from parity.compare import Disagreement
from parity.differences.table import Answered, Difference

DECISION = frozenset({"decision"})


def _batch_counts(one: Disagreement) -> bool:
    """Tell whether the first instance is decided alike, and the image of it counts for those after it."""
    theirs, ours = one.theirs.get("orders"), one.ours.get("orders")
    image = one.case["request"].get("image", {}).get("properties")
    weighed = "ImagePropertiesWeigher" in one.case["weighers"]
    return bool(theirs and ours and theirs[0] == ours[0] and image and weighed)


DIFFERENCES: tuple[Difference, ...] = (
    Answered("batch-counts", "Instances placed in the same batch count", DECISION, _batch_counts),
)
"""There is one: what else differs is in the rules that a decision is made of, and not in these cases."""
