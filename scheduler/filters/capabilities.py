"""What the flavor demands of a host's capabilities."""

from collections.abc import Iterable

import numpy as np
from msgspec import Struct

from scheduler.errors import InvalidRequest
from scheduler.filters.operators import Predicate, predicates_of
from scheduler.filters.protocol import problems_of
from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.model.extra_specs import ADDRESS_BITS, CAPABILITY, capabilities, has_no_namespace
from scheduler.model.messages import shown


class Demand(Struct, frozen=True):
    """The path of a capability, the test its value must pass, and whether a host may lack it."""

    path: tuple[str, ...]
    holds: Predicate
    may_lack: bool

    def met_by(self, value: object) -> bool:
        """Tell whether a host with this value, None where it lacks the capability, meets the demand."""
        return self.may_lack if value is None else self.holds(str(value))


class ComputeCapabilitiesFilter:
    """Hosts whose capabilities meet every extra spec ``capabilities:...`` or without namespace.

    A host that lacks a capability is out. Where aggregates are asked for extra specs without namespace too
    (``shared_keys``), those say nothing of a host that has no such capability, as in Nova.
    """

    name = "ComputeCapabilitiesFilter"
    reason = "capability_missing"
    run_filter_once_per_request = True

    def __init__(self, *, shared_keys: bool = False) -> None:
        self._shared_keys = shared_keys

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether the flavor demands a capability."""
        return bool(capabilities(request.flavor.extra_specs))

    def problems(self, request: RequestSpec) -> Iterable[str]:
        """Return which extra specs are malformed."""
        return problems_of(self._demands_of, request)

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts have what the flavor demands; InvalidRequest names the extra specs that are malformed."""
        passes = np.ones(len(hosts), dtype=np.bool_)
        for demand in self._demands_of(request):
            codes, values = hosts.distinct(demand.path)
            passes &= np.array([demand.met_by(value) for value in values], dtype=np.bool_)[codes]
        return passes

    def _demands_of(self, request: RequestSpec) -> list[Demand]:
        wanted = capabilities(request.flavor.extra_specs)
        predicates, problems = predicates_of({key: _requirement(key, value) for key, value in wanted.items()})
        paths = {key: _path(key) for key in predicates}
        problems += [
            f"flavor.extra_specs[{shown(key)}]: it names no capability" for key, path in paths.items() if not all(path)
        ]
        if problems:
            raise InvalidRequest(*problems)
        return [
            Demand(paths[key], holds, may_lack=self._shared_keys and has_no_namespace(key))
            for key, holds in predicates.items()
        ]


def _requirement(key: str, value: str) -> str:
    return f">= {value}" if key == ADDRESS_BITS else value


def _path(key: str) -> tuple[str, ...]:
    return (
        ("cpu_info", "maxphysaddr", "bits") if key == ADDRESS_BITS else tuple(key.removeprefix(CAPABILITY).split(":"))
    )
