"""Listed differences of server groups, hard and soft."""

import re
from typing import Any

from parity.case import uuid
from parity.compare import Disagreement
from parity.differences.table import Answered, Difference, Refused

TWO_COUNTS = "the number of members on a host is the greater of two counts"
SOFT = frozenset({"ServerGroupSoftAffinityWeigher", "ServerGroupSoftAntiAffinityWeigher"})


def group(one: Disagreement) -> dict[str, Any]:
    """Return the group of a case."""
    return dict(one.case["request"].get("instance_group", {}))


def _found(one: Disagreement, position: int) -> int:
    """Return how many members are on a host by their UUIDs, the instance itself among them."""
    there = {uuid(number) for number in one.case["hosts"][position].get("instances", [])}
    return len(there & set(group(one).get("members", [])))


def _named(one: Disagreement, position: int) -> int:
    """Return how often the group names a host."""
    host = one.case["hosts"][position]
    return list(group(one).get("hosts", [])).count(host.get("name", f"h{position}"))


def _named_more(one: Disagreement) -> bool:
    """Anti-affinity: the group names the host as often as members may be there, and the facts know of fewer."""
    limit, here = group(one).get("max_server_per_host", 1), one.position or 0
    return one.theirs is True and _named(one, here) >= limit > _found(one, here)


def _found_more(one: Disagreement) -> bool:
    """Affinity: the facts know of members where the group names no host, or other hosts."""
    here = one.position or 0
    if one.theirs is False:
        return _found(one, here) > _named(one, here)
    return not group(one).get("hosts") and any(_found(one, other) for other in range(len(one.case["hosts"])))


def _counts_differ(one: Disagreement) -> bool:
    """Tell whether the group names a host more often than the facts know of members there."""
    return any(_named(one, position) > _found(one, position) for position in range(len(one.case["hosts"])))


def _is_neighbour(one: Disagreement) -> bool:
    """Tell whether the instance itself is on a host, and a member of its group."""
    itself = one.case["request"].get("instance_uuid")
    there = {uuid(number) for host in one.case["hosts"] for number in host.get("instances", [])}
    return itself in group(one).get("members", []) and itself in there


DIFFERENCES: tuple[Difference, ...] = (
    Refused(
        "limit-of-other-policy",
        "`max_server_per_host` with another policy than anti-affinity is refused",
        re.compile(r"instance_group\.max_server_per_host: only with policy anti-affinity"),
        lambda case, match: case["request"]["instance_group"]["policy"] != "anti-affinity",
    ),
    Answered("greater-of-two-counts", TWO_COUNTS, frozenset({"ServerGroupAntiAffinityFilter"}), _named_more),
    Answered("greater-of-two-counts", TWO_COUNTS, frozenset({"ServerGroupAffinityFilter"}), _found_more),
    Answered("soft-counts", "**Soft policies** count members as the hard ones do", SOFT, _counts_differ),
    Answered(
        "not-its-own-neighbour", "counts an instance that moves as a member of its own group", SOFT, _is_neighbour
    ),
)
"""In the order of the rules."""
