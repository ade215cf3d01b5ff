"""How the tests of this directory ask a filter."""

from typing import Any

from scheduler.filters import Filter
from scheduler.filters.registry import built_in
from scheduler.hosts import HostTable
from scheduler.model import AggregateFact, Flavor
from scheduler.settings import FilterSettings, MetricsSettings
from tests.hosts.fleets import names_where, spec, uid


def made(name: str, metrics: MetricsSettings = MetricsSettings(), **settings: Any) -> Any:  # noqa: B008 - frozen
    """Return a built-in filter as the registry makes it of these settings."""
    return built_in(FilterSettings(**settings), metrics)[name]()


def passing(plugin: Filter, hosts: HostTable, **request: Any) -> set[str]:
    """Return the names of the hosts that pass."""
    return names_where(hosts, plugin.passes(spec(**request), hosts))


def flavor(extra_specs: dict[str, str] | None = None, name: str = "custom") -> Flavor:
    """Return a small flavor with these extra specs."""
    return Flavor(name=name, vcpus=1, memory_mb=1, extra_specs=extra_specs or {})


def aggregates(**metadata: dict[str, str]) -> list[AggregateFact]:
    """Return aggregates of these names with this metadata."""
    return [AggregateFact(uuid=uid(name), name=name, metadata=said) for name, said in metadata.items()]


def of(*names: str) -> dict[str, Any]:
    """Return the facts of a host in these aggregates."""
    return {"aggregates": tuple(uid(name) for name in names)}
