"""The base class of filters written for Nova; import this where ``nova.scheduler.filters`` was."""

from collections.abc import Iterable, Iterator
from typing import Any

from scheduler.compat.nova.host_state import HostState
from scheduler.compat.nova.request_view import RequestSpecView


class BaseHostFilter:
    """What a filter of Nova derives from; it overrides ``host_passes``, or else ``_filter_one`` or ``filter_all``.

    A class may say in ``hints``, a frozenset, which scheduler hints it reads, and in ``reason`` under which code its
    removals are counted.
    """

    run_filter_once_per_request = False
    RUN_ON_REBUILD = False

    def host_passes(self, host_state: HostState, filter_properties: RequestSpecView) -> Any:
        """Return something true when the host may take the instance. Raises TypeError unless it is overridden."""
        raise TypeError("a filter has to override host_passes, _filter_one or filter_all")

    def _filter_one(self, obj: HostState, spec: RequestSpecView) -> Any:
        return self.host_passes(obj, spec)

    def filter_all(self, filter_obj_list: Iterable[HostState], spec_obj: RequestSpecView) -> Iterator[HostState]:
        """Yield the hosts that pass."""
        return (host_state for host_state in filter_obj_list if self._filter_one(host_state, spec_obj))

    def run_filter_for_index(self, index: int) -> bool:
        """Tell whether the filter is asked for this instance of a batch; a class that overrides it is refused."""
        return not (self.run_filter_once_per_request and index > 0)
