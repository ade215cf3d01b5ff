"""Nothing silently dropped: what a request wishes for must be weighed by a weigher that is enabled."""

from collections.abc import Iterator, Sequence

from scheduler.errors import InvalidRequest
from scheduler.model import RequestSpec
from scheduler.weighers.affinity import ServerGroupSoftAffinityWeigher, ServerGroupSoftAntiAffinityWeigher
from scheduler.weighers.protocol import Weighed
from scheduler.weighers.wishes import PreferredTraitsWeigher, TopologySpreadWeigher

GROUP_WEIGHERS = {
    "soft-affinity": ServerGroupSoftAffinityWeigher.name,
    "soft-anti-affinity": ServerGroupSoftAntiAffinityWeigher.name,
}


def check_wishes(weighers: Sequence[Weighed], request: RequestSpec) -> None:
    """Raise InvalidRequest naming every field that no enabled weigher weighs."""
    enabled = {one.weigher.name for one in weighers}
    problems = [
        f"{field}: needs {name}, which is not enabled" for field, name in _needs(request) if name not in enabled
    ]
    if problems:
        raise InvalidRequest(*problems)


def _needs(request: RequestSpec) -> Iterator[tuple[str, str]]:
    """Yield each field that a weigher must weigh, with the name of that weigher."""
    if request.instance_group and request.instance_group.policy in GROUP_WEIGHERS:
        yield "instance_group.policy", GROUP_WEIGHERS[request.instance_group.policy]
    if request.preferred_traits:
        yield "preferred_traits", PreferredTraitsWeigher.name
    for index, spread in enumerate(request.topology_spread):
        if not spread.hard:
            yield f"topology_spread[{index}]", TopologySpreadWeigher.name
