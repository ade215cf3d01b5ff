"""Nothing silently dropped: what a request asks for must be honoured by a filter that is enabled."""

from collections.abc import Callable, Iterator, Sequence

from scheduler.errors import InvalidRequest
from scheduler.filters.affinity import ServerGroupAffinityFilter, ServerGroupAntiAffinityFilter
from scheduler.filters.capabilities import ComputeCapabilitiesFilter, capability_specs, demands_of
from scheduler.filters.image import ALIASES, VERSION_PROPERTY, ImagePropertiesFilter, properties_of, version_demand_of
from scheduler.filters.protocol import Filter
from scheduler.model import RequestSpec
from scheduler.model.messages import shown

GROUP_FILTERS = {
    "affinity": ServerGroupAffinityFilter.name,
    "anti-affinity": ServerGroupAntiAffinityFilter.name,
}


def check_demands(filters: Sequence[Filter], request: RequestSpec) -> None:
    """Raise InvalidRequest naming every field that no enabled filter honours, and every one that is malformed."""
    enabled = {plugin.name for plugin in filters}
    problems = [
        f"{field}: needs {name}, which is not enabled" for field, name in _needs(request) if name not in enabled
    ]
    problems += [*_problems_of(lambda: demands_of(request)), *_problems_of(lambda: version_demand_of(request))]
    if problems:
        raise InvalidRequest(*problems)


def _needs(request: RequestSpec) -> Iterator[tuple[str, str]]:
    """Yield each field that a filter must honour, with the name of that filter."""
    if request.instance_group:
        yield "instance_group.policy", GROUP_FILTERS[request.instance_group.policy]
    for key in capability_specs(request):
        yield f"flavor.extra_specs[{shown(key)}]", ComputeCapabilitiesFilter.name
    for name in (*ALIASES, VERSION_PROPERTY):
        if name in properties_of(request):
            yield f"image.properties['{name}']", ImagePropertiesFilter.name


def _problems_of(read: Callable[[], object]) -> tuple[str, ...]:
    try:
        read()
    except InvalidRequest as error:
        return error.problems
    return ()
