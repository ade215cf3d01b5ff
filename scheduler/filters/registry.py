"""The filters an operator can name."""

from collections.abc import Callable, Collection, Mapping
from functools import partial

from msgspec import Struct

from scheduler.compat.adapted import adapted_filter
from scheduler.filters.affinity import ServerGroupAffinityFilter, ServerGroupAntiAffinityFilter
from scheduler.filters.aggregates import (
    AggregateImagePropertiesIsolation,
    AggregateInstanceExtraSpecsFilter,
    AggregateMultiTenancyIsolation,
    AggregateTypeAffinityFilter,
)
from scheduler.filters.all_hosts import AllHostsFilter
from scheduler.filters.capabilities import ComputeCapabilitiesFilter
from scheduler.filters.image import ImagePropertiesFilter
from scheduler.filters.isolation import IsolatedHostsFilter
from scheduler.filters.json_filter import JsonFilter
from scheduler.filters.load import AggregateIoOpsFilter, AggregateNumInstancesFilter, IoOpsFilter, NumInstancesFilter
from scheduler.filters.metrics import MetricsFilter
from scheduler.filters.neighbours import DifferentHostFilter, SameHostFilter, SimpleCIDRAffinityFilter
from scheduler.filters.protocol import AnyFilter
from scheduler.filters.provider_traits import ProviderTraitFilter
from scheduler.filters.status import ComputeFilter
from scheduler.filters.topology import TopologySpreadFilter
from scheduler.plugins import Registry
from scheduler.settings import FilterSettings, MetricsSettings

GROUP = "placement_scheduler.filters"


def load_filters(
    settings: FilterSettings,
    metrics: MetricsSettings = MetricsSettings(),  # noqa: B008 - frozen
) -> tuple[AnyFilter, ...]:
    """Return the enabled filters in their order; InvalidSettings names every one that is unknown or broken."""
    known, parts = built_in(settings, metrics), ("name", "reason", "passes or keeps")
    return Registry("enabled_filters", GROUP, known, parts, adapted_filter).load(settings.enabled_filters)


def from_outside(settings: FilterSettings) -> tuple[str, ...]:
    """Return the enabled filters that are entry points."""
    own = built_in(settings)
    return tuple(name for name in settings.enabled_filters if name not in own)


def built_in(
    settings: FilterSettings,
    metrics: MetricsSettings = MetricsSettings(),  # noqa: B008 - frozen
) -> Mapping[str, Callable[[], AnyFilter]]:
    """Return how each built-in filter is made, by the name operators write."""
    return {one.kind.name: partial(one.made_of, settings, metrics) for one in BUILT_IN}


class BuiltIn(Struct, frozen=True):
    """A filter of this package, and the settings that it is made of: fields of FilterSettings, or of MetricsSettings.

    ``make`` takes their values in that order.
    """

    kind: type[AnyFilter]
    settings: tuple[str, ...] = ()
    make: Callable[..., AnyFilter] | None = None

    def made_of(self, *given: FilterSettings | MetricsSettings) -> AnyFilter:
        """Return the filter made of these settings."""
        values = [next(getattr(one, name) for one in given if hasattr(one, name)) for name in self.settings]
        return (self.make or self.kind)(*values)


def _capabilities(enabled: Collection[str]) -> AnyFilter:
    return ComputeCapabilitiesFilter(shared_keys=AggregateInstanceExtraSpecsFilter.name in enabled)


def _isolated(hosts: tuple[str, ...], images: tuple[str, ...], strict: bool) -> AnyFilter:
    return IsolatedHostsFilter(hosts, images, strict=strict)


BUILT_IN = (
    BuiltIn(AllHostsFilter),
    BuiltIn(ComputeFilter, ("service_down_time_s",)),
    BuiltIn(ComputeCapabilitiesFilter, ("enabled_filters",), _capabilities),
    BuiltIn(ImagePropertiesFilter, ("image_properties_default_architecture",)),
    BuiltIn(ServerGroupAntiAffinityFilter),
    BuiltIn(ServerGroupAffinityFilter),
    BuiltIn(DifferentHostFilter),
    BuiltIn(SameHostFilter),
    BuiltIn(SimpleCIDRAffinityFilter),
    BuiltIn(JsonFilter),
    BuiltIn(AggregateInstanceExtraSpecsFilter),
    BuiltIn(
        AggregateImagePropertiesIsolation,
        ("aggregate_image_properties_isolation_namespace", "aggregate_image_properties_isolation_separator"),
    ),
    BuiltIn(AggregateMultiTenancyIsolation),
    BuiltIn(AggregateTypeAffinityFilter),
    BuiltIn(
        IsolatedHostsFilter,
        ("isolated_hosts", "isolated_images", "restrict_isolated_hosts_to_isolated_images"),
        _isolated,
    ),
    BuiltIn(NumInstancesFilter, ("max_instances_per_host",)),
    BuiltIn(AggregateNumInstancesFilter, ("max_instances_per_host",)),
    BuiltIn(IoOpsFilter, ("max_io_ops_per_host",)),
    BuiltIn(AggregateIoOpsFilter, ("max_io_ops_per_host",)),
    BuiltIn(MetricsFilter, ("weight_setting",)),
    BuiltIn(TopologySpreadFilter),
    BuiltIn(ProviderTraitFilter),
)
"""The filters of this package: the five that are enabled by default, the rest of Nova's, and those that Nova lacks."""
