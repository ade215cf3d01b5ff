"""A wish that no enabled weigher weighs is refused by name, like a demand that no filter honours."""

from typing import Any

import pytest

from scheduler.errors import InvalidRequest
from scheduler.filters import load_filters
from scheduler.model import ServerGroup, TopologySpread
from scheduler.selection import Plugins, check_request
from scheduler.settings import DEFAULT_FILTERS, DEFAULT_WEIGHERS, FilterSettings, OrderSettings, WeigherSettings
from scheduler.weighers import load_weighers
from tests.hosts.fleets import spec

WISHES: list[tuple[dict[str, Any], str, str]] = [
    (
        {"instance_group": ServerGroup(policy="soft-affinity")},
        "ServerGroupSoftAffinityWeigher",
        "instance_group.policy",
    ),
    (
        {"instance_group": ServerGroup(policy="soft-anti-affinity")},
        "ServerGroupSoftAntiAffinityWeigher",
        "instance_group.policy",
    ),
    ({"preferred_traits": ("HW_A",)}, "PreferredTraitsWeigher", "preferred_traits"),
    (
        {"topology_spread": (TopologySpread(key="rack"), TopologySpread(key="zone", hard=False))},
        "TopologySpreadWeigher",
        "topology_spread[1]",
    ),
]
FILTERS = load_filters(FilterSettings(enabled_filters=(*DEFAULT_FILTERS, "TopologySpreadFilter")))


def plugins(without: str = "") -> Plugins:
    names = tuple(name for name in DEFAULT_WEIGHERS if name != without)
    return Plugins(FILTERS, load_weighers(WeigherSettings(enabled_weighers=names)), OrderSettings())


@pytest.mark.parametrize(("fields", "needed", "field"), WISHES)
def test_a_wish_needs_its_weigher(fields: dict[str, Any], needed: str, field: str) -> None:
    check_request(plugins(), spec(**fields))
    with pytest.raises(InvalidRequest) as caught:
        check_request(plugins(without=needed), spec(**fields))
    assert caught.value.problems == (f"{field}: needs {needed}, which is not enabled",)


def test_a_hard_spread_needs_its_filter_and_a_soft_one_does_not() -> None:
    default = Plugins(load_filters(FilterSettings()), plugins().weighers, OrderSettings())
    check_request(default, spec(topology_spread=(TopologySpread(key="rack", hard=False),)))
    with pytest.raises(InvalidRequest) as caught:
        check_request(default, spec(topology_spread=(TopologySpread(key="rack"),)))
    assert caught.value.problems == ("topology_spread[0]: needs TopologySpreadFilter, which is not enabled",)
