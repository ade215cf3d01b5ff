"""Hosts that are kept for some images, and images that are kept on some hosts."""

import numpy as np

from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec


class IsolatedHostsFilter:
    """Isolated images go to isolated hosts only, and, when it is strict, other images to other hosts only.

    An instance without an image, or with one that has no id, is not isolated. ``hosts`` are names of service hosts.
    """

    name = "IsolatedHostsFilter"
    reason = "isolated"
    run_filter_once_per_request = True
    run_on_rebuild = True

    def __init__(self, hosts: tuple[str, ...] = (), images: tuple[str, ...] = (), *, strict: bool = True) -> None:
        self._hosts = hosts
        self._images = frozenset(images)
        self._strict = strict

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts are isolated as the image is; all that others may use, where it is not and need not be."""
        isolated: BoolArray = hosts.named(self._hosts) > 0
        if request.image is not None and request.image.id in self._images:
            return isolated
        return ~isolated if self._strict else np.ones(len(hosts), dtype=np.bool_)
