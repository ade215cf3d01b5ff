"""The plugins of a scheduler, and how they are asked: whatever a plugin does wrong stops the request, by its name."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from scheduler.compat.counterparts import NoCounterpart
from scheduler.errors import InvalidRequest, PluginFailed
from scheduler.filters import AnyFilter, CandidateFilter, Filter, filters_on_rebuild
from scheduler.hosts.arrays import AnyArray, BoolArray, FloatArray
from scheduler.hosts.offers import Level
from scheduler.hosts.table import HostTable
from scheduler.model import Operation, Rebuild, RequestSpec, Rules
from scheduler.model.messages import shown
from scheduler.plugins import hints_of
from scheduler.settings import OrderSettings
from scheduler.weighers import Weighed, Weigher, multipliers

T = TypeVar("T")
BOOL: np.dtype[np.generic] = np.dtype(np.bool_)
FLOAT: np.dtype[np.generic] = np.dtype(np.float64)
NO_COLUMNS: Mapping[int, Level] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Plugins:
    """The enabled filters in order, the enabled weighers with their multipliers, and how hosts are ordered.

    ``rules`` are the settings that they were made from, for decision records.
    """

    filters: tuple[AnyFilter, ...]
    weighers: tuple[Weighed, ...]
    order: OrderSettings
    rules: Rules = field(default_factory=Rules)


def plugins_for(plugins: Plugins, operation: Operation) -> Plugins:
    """Return the plugins that an operation is decided by; a rebuild stays where it is, so that nothing is weighed."""
    if not isinstance(operation, Rebuild):
        return plugins
    return replace(plugins, filters=filters_on_rebuild(plugins.filters), weighers=())


def check_hints(plugins: Plugins, request: RequestSpec) -> None:
    """Raise InvalidRequest naming every hint that no enabled filter or weigher says it reads."""
    enabled: tuple[AnyFilter | Weigher, ...] = (*plugins.filters, *(one.weigher for one in plugins.weighers))
    read = frozenset().union(*(hints_of(plugin) for plugin in enabled))
    unread = [name for name in request.scheduler_hints if name not in read]
    if unread:
        raise InvalidRequest(
            *(f"scheduler_hints[{shown(name)}]: not read by any enabled filter or weigher" for name in unread)
        )


def concerned(plugin: AnyFilter | Weigher, request: RequestSpec) -> bool:
    """Tell whether a request gives a plugin anything to say; PluginFailed when it cannot tell."""
    concerns = getattr(plugin, "concerns", None)
    if concerns is None:
        return True
    answer, problem = _asked(concerns, request)
    if problem is not None:
        raise PluginFailed(plugin.name, problem)
    return bool(answer)


def is_per_host(plugin: AnyFilter | Weigher) -> bool:
    """Tell whether what a plugin says of a host holds until an instance is placed there."""
    return bool(getattr(plugin, "per_host", False)) and not hasattr(plugin, "multipliers")


def judged(plugin: Filter, request: RequestSpec, hosts: HostTable) -> BoolArray:
    """Return which hosts pass a filter, shape (n,); PluginFailed when it raises or answers anything else."""
    return _answer(plugin.name, BOOL, len(hosts), "host", plugin.passes, request, hosts)


def kept_by(plugin: CandidateFilter, request: RequestSpec, hosts: HostTable) -> BoolArray:
    """Return which candidates stay, shape (m,); PluginFailed when it raises or answers anything else."""
    return _answer(plugin.name, BOOL, len(hosts.candidates), "candidate", plugin.keeps, request, hosts)


def scored(
    plugins: Sequence[Weigher], request: RequestSpec, hosts: HostTable, columns: Mapping[int, Level] = NO_COLUMNS
) -> FloatArray:
    """Return the raw scores of weighers, shape (w, n), all finite; PluginFailed where one does anything but answer.

    Those at these places have these ``columns``, and are not asked.
    """
    scores = np.empty((len(plugins), len(hosts)))
    if columns:
        scores[list(columns)] = _levels([plugins[place].name for place in columns], columns, hosts)
    for position, plugin in enumerate(plugins):
        if position not in columns:
            scores[position] = _answer(plugin.name, FLOAT, len(hosts), "host", plugin.score, request, hosts)
    finite = np.isfinite(scores)
    if not finite.all():
        raise PluginFailed(plugins[np.flatnonzero(~finite.all(axis=1))[0]].name, "a score is not a finite number")
    return scores


def _levels(names: Sequence[str], columns: Mapping[int, Level], hosts: HostTable) -> FloatArray:
    levels, problem = _asked(hosts.levels, tuple(columns.values()))
    if levels is None:
        raise PluginFailed(", ".join(names), problem or "no answer")
    return levels


def scored_alone(plugin: Weigher, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
    """Return what a weigher makes of its scores by its ``bounded`` form, all from 0 to 1; PluginFailed otherwise."""
    bounded: Callable[..., FloatArray] = getattr(plugin, "bounded")  # noqa: B009 - not every weigher has it
    answer = _answer(plugin.name, FLOAT, len(hosts), "host", bounded, request, hosts, scores)
    if not ((answer >= 0) & (answer <= 1)).all():
        raise PluginFailed(plugin.name, "a bounded score is not from 0 to 1")
    return answer


def bounds_of(plugin: Weigher) -> tuple[float, float]:
    """Return the lowest and highest score of a weigher, infinite where there is none; PluginFailed for no number."""
    return _bound(plugin, "minval", -math.inf), _bound(plugin, "maxval", math.inf)


def _bound(plugin: Weigher, name: str, without: float) -> float:
    bound = getattr(plugin, name, None)
    if bound is None:
        return without
    if not (isinstance(bound, Real) and math.isfinite(bound)):
        raise PluginFailed(plugin.name, "a bound is not a finite number")
    return float(bound)


def multiplied(one: Weighed, hosts: HostTable) -> FloatArray | float:
    """Return the multiplier of a weigher, for each host where they differ; PluginFailed when it answers otherwise."""
    configured = one.sign * multipliers(hosts, one.key, one.multiplier)
    of_host = getattr(one.weigher, "multipliers", None)
    if of_host is None:
        return configured
    own = _answer(one.weigher.name, FLOAT, len(hosts), "host", of_host, hosts)
    if not np.isfinite(own).all():
        raise PluginFailed(one.weigher.name, "a multiplier is not a finite number")
    return configured * own


def _answer(
    name: str, dtype: np.dtype[np.generic], n: int, of: str, ask: Callable[..., AnyArray], *arguments: object
) -> AnyArray:
    answer, problem = _asked(ask, *arguments)
    if problem is None and not (isinstance(answer, np.ndarray) and answer.shape == (n,) and answer.dtype == dtype):
        problem = f"the answer is not an array of one {dtype.name} a {of}"
    if problem is not None or answer is None:
        raise PluginFailed(name, problem or "no answer")
    return answer


def _asked(ask: Callable[..., T], *arguments: object) -> tuple[T | None, str | None]:
    try:
        return ask(*arguments), None
    except InvalidRequest:
        raise
    except NoCounterpart as error:
        return None, error.told
    except Exception as error:  # noqa: BLE001 a plugin may raise anything; the request stops, nothing leaks
        return None, type(error).__name__
