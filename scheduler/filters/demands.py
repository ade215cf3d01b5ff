"""Nothing silently dropped: what a request asks for must be honoured by a filter that is enabled."""

from collections.abc import Iterator, Sequence

from scheduler.errors import InvalidRequest, PluginFailed
from scheduler.filters.affinity import ServerGroupAffinityFilter, ServerGroupAntiAffinityFilter
from scheduler.filters.aggregates import AggregateInstanceExtraSpecsFilter
from scheduler.filters.capabilities import ComputeCapabilitiesFilter
from scheduler.filters.image import ImagePropertiesFilter, properties_of
from scheduler.filters.protocol import AnyFilter
from scheduler.filters.provider_traits import ProviderTraitFilter
from scheduler.filters.topology import TopologySpreadFilter
from scheduler.model import RequestSpec
from scheduler.model.extra_specs import capabilities, of_aggregates, of_providers
from scheduler.model.image_properties import HONOURED
from scheduler.model.messages import shown

GROUP_FILTERS = {
    "affinity": ServerGroupAffinityFilter.name,
    "anti-affinity": ServerGroupAntiAffinityFilter.name,
}
EXTRA_SPEC_FILTERS = {
    ComputeCapabilitiesFilter.name: capabilities,
    AggregateInstanceExtraSpecsFilter.name: of_aggregates,
    ProviderTraitFilter.name: of_providers,
}
"""The filters that read extra specs, each with what picks those that it reads."""


def check_demands(filters: Sequence[AnyFilter], request: RequestSpec) -> None:
    """Raise InvalidRequest naming every field that no enabled filter honours, and every one that is malformed.

    Raises PluginFailed naming the filter that cannot say what is malformed.
    """
    enabled = {plugin.name for plugin in filters}
    problems = [
        f"{field}: needs {' or '.join(names)}, which is not enabled"
        for field, names in _needs(request)
        if enabled.isdisjoint(names)
    ]
    problems += [problem for plugin in filters for problem in _malformed(plugin, request)]
    if problems:
        raise InvalidRequest(*dict.fromkeys(problems))


def _needs(request: RequestSpec) -> Iterator[tuple[str, list[str]]]:
    """Yield each field that a filter must honour, with the names of the filters that do."""
    if request.instance_group and request.instance_group.policy in GROUP_FILTERS:
        yield "instance_group.policy", [GROUP_FILTERS[request.instance_group.policy]]
    for index, spread in enumerate(request.topology_spread):
        if spread.hard:
            yield f"topology_spread[{index}]", [TopologySpreadFilter.name]
    extra_specs = request.flavor.extra_specs
    readers = {name: picked(extra_specs) for name, picked in EXTRA_SPEC_FILTERS.items()}
    for key in extra_specs:
        if names := [name for name, keys in readers.items() if key in keys]:
            yield f"flavor.extra_specs[{shown(key)}]", names
    for name in HONOURED:
        if name in properties_of(request):
            yield f"image.properties['{name}']", [ImagePropertiesFilter.name]


def _malformed(plugin: AnyFilter, request: RequestSpec) -> tuple[str, ...]:
    """Return what a filter finds malformed in a request; a filter need not look."""
    if not hasattr(plugin, "problems"):
        return ()
    try:
        return tuple(map(str, plugin.problems(request)))
    except InvalidRequest as error:
        return error.problems
    except Exception as error:  # noqa: BLE001 a plugin may raise anything; the request stops, and names it
        problem = type(error).__name__
    raise PluginFailed(plugin.name, problem)
