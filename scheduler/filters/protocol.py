"""What a filter is."""

from typing import Protocol

from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec


class Filter(Protocol):
    """Says which hosts may take an instance.

    ``name`` is what operators write in the ini; ``reason`` is the stable code of why it removes a host. A filter
    may set ``run_filter_once_per_request = True`` when its answer is the same for every instance of a batch, and
    ``hints`` to a frozenset of the names of the scheduler hints that it reads; a hint that no plugin reads is refused.
    """

    name: str
    reason: str

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts pass, shape (n,), True where ``hosts.names[i]`` may take the instance."""
        ...


def once_per_request(plugin: Filter) -> bool:
    """Tell whether the answer of a filter holds for every instance of a batch."""
    return bool(getattr(plugin, "run_filter_once_per_request", False))
