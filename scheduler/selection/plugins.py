"""The plugins of a scheduler, and how they are asked: whatever a plugin does wrong stops the request, by its name."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from scheduler.errors import InvalidRequest, PluginFailed
from scheduler.filters import Filter
from scheduler.hosts.arrays import AnyArray, BoolArray, FloatArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec, Rules
from scheduler.model.messages import shown
from scheduler.plugins import hints_of
from scheduler.settings import OrderSettings
from scheduler.weighers import Weighed, Weigher


@dataclass(frozen=True, slots=True)
class Plugins:
    """The enabled filters in order, the enabled weighers with their multipliers, and how hosts are ordered.

    ``rules`` are the settings that they were made from, for decision records.
    """

    filters: tuple[Filter, ...]
    weighers: tuple[Weighed, ...]
    order: OrderSettings
    rules: Rules = field(default_factory=Rules)


def check_hints(plugins: Plugins, request: RequestSpec) -> None:
    """Raise InvalidRequest naming every hint that no enabled filter or weigher says it reads."""
    enabled: tuple[Filter | Weigher, ...] = (*plugins.filters, *(one.weigher for one in plugins.weighers))
    read = frozenset().union(*(hints_of(plugin) for plugin in enabled))
    unread = [name for name in request.scheduler_hints if name not in read]
    if unread:
        raise InvalidRequest(
            *(f"scheduler_hints[{shown(name)}]: not read by any enabled filter or weigher" for name in unread)
        )


def judged(plugin: Filter, request: RequestSpec, hosts: HostTable) -> BoolArray:
    """Return which hosts pass a filter, shape (n,); PluginFailed when it raises or answers anything else."""
    return _answer(plugin.name, lambda: plugin.passes(request, hosts), np.dtype(np.bool_), len(hosts))


def scored(plugin: Weigher, request: RequestSpec, hosts: HostTable) -> FloatArray:
    """Return the raw scores of a weigher, shape (n,), all finite; PluginFailed when it raises or answers otherwise."""
    scores = _answer(plugin.name, lambda: plugin.score(request, hosts), np.dtype(np.float64), len(hosts))
    if not np.isfinite(scores).all():
        raise PluginFailed(plugin.name, "a score is not a finite number")
    return scores


def _answer(name: str, ask: Callable[[], AnyArray], dtype: np.dtype[np.generic], n: int) -> AnyArray:
    answer, problem = _asked(ask)
    if problem is None and not (isinstance(answer, np.ndarray) and answer.shape == (n,) and answer.dtype == dtype):
        problem = f"the answer is not an array of one {dtype.name} a host"
    if problem is not None or answer is None:
        raise PluginFailed(name, problem or "no answer")
    return answer


def _asked(ask: Callable[[], AnyArray]) -> tuple[AnyArray | None, str | None]:
    try:
        return ask(), None
    except InvalidRequest:
        raise
    except Exception as error:  # noqa: BLE001 a plugin may raise anything; the request stops, nothing leaks
        return None, type(error).__name__
