"""Hosts that report the metrics which weighing needs."""

import numpy as np

from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.settings import Ratios


class MetricsFilter:
    """Hosts that report every metric of ``[metrics] weight_setting``."""

    name = "MetricsFilter"
    reason = "metric_missing"
    per_host = True

    def __init__(self, weight_setting: Ratios = ()) -> None:
        self._names = [name for name, _ in weight_setting]

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether a metric is named."""
        return bool(self._names)

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts report all of them."""
        passes = np.ones(len(hosts), dtype=np.bool_)
        for name in self._names:
            passes &= ~np.isnan(hosts.numbers("metrics", name, missing=np.nan))
        return passes
