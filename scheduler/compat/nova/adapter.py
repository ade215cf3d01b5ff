"""Filters and weighers of ours that ask one that was written for Nova."""

from typing import Any

import numpy as np

from scheduler.compat.nova.filters import BaseHostFilter
from scheduler.compat.nova.host_state import host_states
from scheduler.compat.nova.request_view import RequestSpecView
from scheduler.compat.nova.weights import WeighedHost
from scheduler.hosts.arrays import BoolArray, FloatArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec

REASON = "refused_by_nova_class"
_CALLS = ("host_passes", "_filter_one", "filter_all")


class NovaFilter:
    """A filter over whole tables that asks a class of Nova about one host after the other."""

    def __init__(self, plugin: Any) -> None:
        """Take an instance of the class. Raises TypeError for one that cannot answer, or only for some of a batch."""
        _check(plugin)
        self.name = type(plugin).__name__
        self.reason = str(getattr(plugin, "reason", REASON))
        self.hints = getattr(plugin, "hints", frozenset[str]())
        self.run_filter_once_per_request = bool(plugin.run_filter_once_per_request)
        self.run_on_rebuild = bool(plugin.RUN_ON_REBUILD)
        self._plugin = plugin

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts the class lets pass. Raises KeyError when it returns anything but hosts it was given."""
        states, passes = host_states(hosts), np.zeros(len(hosts), dtype=np.bool_)
        rows = {id(state): row for row, state in enumerate(states)}
        kept = self._plugin.filter_all(states.copy(), RequestSpecView(request))
        passes[[rows[id(state)] for state in kept]] = True
        return passes


class NovaWeigher:
    """A weigher over whole tables that asks a class of Nova about one host after the other."""

    def __init__(self, plugin: Any) -> None:
        """Take an instance of the class."""
        self.name = type(plugin).__name__
        self.hints = getattr(plugin, "hints", frozenset[str]())
        self._plugin = plugin

    @property
    def minval(self) -> Any:
        """Return the lowest weight, which the class may have set while it weighed."""
        return self._plugin.minval

    @property
    def maxval(self) -> Any:
        """Return the highest weight, which the class may have set while it weighed."""
        return self._plugin.maxval

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return the weights that the class gives. Raises TypeError when they are not numbers."""
        weighed = [WeighedHost(state) for state in host_states(hosts)]
        return _floats(self._plugin.weigh_objects(weighed, RequestSpecView(request)))

    def multipliers(self, hosts: HostTable) -> FloatArray:
        """Return the multiplier that the class gives each host. Raises TypeError when one is not a number."""
        return _floats([self._plugin.weight_multiplier(state) for state in host_states(hosts)])


def _check(plugin: Any) -> None:
    kind = type(plugin)
    inherited = [getattr(kind, call, None) is getattr(BaseHostFilter, call) for call in _CALLS]
    if all(inherited):
        raise TypeError("the class overrides none of the methods that say which hosts pass")
    if [plugin.run_filter_for_index(index) for index in range(3)] != _asked_for(plugin):
        raise TypeError("run_filter_for_index asks for other instances than all, or the first")


def _asked_for(plugin: Any) -> list[bool]:
    return [True, *[not plugin.run_filter_once_per_request] * 2]


def _floats(values: Any) -> FloatArray:
    array = np.array(list(values))
    if array.size and array.dtype.kind not in "biuf":
        raise TypeError("a weight or multiplier is not a number")
    return array.astype(np.float64)
