"""What the flavor demands of a host's capabilities."""

import numpy as np

from scheduler.errors import InvalidRequest
from scheduler.filters.operators import MalformedRequirement, Predicate, predicate_of
from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.model.extra_specs import capabilities
from scheduler.model.messages import shown

Demand = tuple[tuple[str, ...], Predicate]


class ComputeCapabilitiesFilter:
    """Hosts whose capabilities meet every extra spec ``capabilities:...`` or without namespace.

    A host that lacks a capability is out. Each distinct value is judged once, not each host.
    """

    name = "ComputeCapabilitiesFilter"
    reason = "capability_missing"
    run_filter_once_per_request = True

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts have what the flavor demands; InvalidRequest names the extra specs that are malformed."""
        passes = np.ones(len(hosts), dtype=np.bool_)
        for path, holds in demands_of(request):
            codes, values = hosts.distinct(path)
            verdicts = np.array([value is not None and holds(str(value)) for value in values], dtype=np.bool_)
            passes &= verdicts[codes]
        return passes


def demands_of(request: RequestSpec) -> list[Demand]:
    """Return the capability paths the flavor demands, each with its test; InvalidRequest names all malformed ones."""
    demands, problems = [], []
    for key, requirement in capability_specs(request).items():
        try:
            demands.append((_path(key), predicate_of(requirement)))
        except MalformedRequirement as error:
            problems.append(f"flavor.extra_specs[{shown(key)}]: {error}")
    if problems:
        raise InvalidRequest(*problems)
    return demands


def capability_specs(request: RequestSpec) -> dict[str, str]:
    """Return the extra specs that demand capabilities: those of that namespace and those of none."""
    return capabilities(request.flavor.extra_specs)


def _path(key: str) -> tuple[str, ...]:
    path = tuple(key.removeprefix("capabilities:").split(":"))
    if not all(path):
        raise MalformedRequirement("it names no capability")
    return path
