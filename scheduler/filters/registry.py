"""The filters an operator can name."""

from collections.abc import Callable, Mapping

from scheduler.filters.affinity import ServerGroupAffinityFilter, ServerGroupAntiAffinityFilter
from scheduler.filters.capabilities import ComputeCapabilitiesFilter
from scheduler.filters.image import ImagePropertiesFilter
from scheduler.filters.protocol import Filter
from scheduler.filters.status import ComputeFilter
from scheduler.plugins import Registry
from scheduler.settings import FilterSettings

GROUP = "placement_scheduler.filters"


def load_filters(settings: FilterSettings) -> tuple[Filter, ...]:
    """Return the enabled filters in their order; InvalidSettings names every one that is unknown or broken."""
    registry = Registry("enabled_filters", GROUP, built_in(settings), ("name", "reason", "passes"))
    return registry.load(settings.enabled_filters)


def from_outside(settings: FilterSettings) -> tuple[str, ...]:
    """Return the enabled filters that are entry points."""
    own = built_in(settings)
    return tuple(name for name in settings.enabled_filters if name not in own)


def built_in(settings: FilterSettings) -> Mapping[str, Callable[[], Filter]]:
    """Return how each built-in filter is made, by the name operators write."""
    return {
        "ComputeFilter": lambda: ComputeFilter(settings.service_down_time_s),
        "ComputeCapabilitiesFilter": ComputeCapabilitiesFilter,
        "ImagePropertiesFilter": lambda: ImagePropertiesFilter(settings.image_properties_default_architecture),
        "ServerGroupAntiAffinityFilter": ServerGroupAntiAffinityFilter,
        "ServerGroupAffinityFilter": ServerGroupAffinityFilter,
    }
