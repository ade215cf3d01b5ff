"""The multiplier of each host: the configured one, unless aggregates that the host is in say otherwise.

An aggregate overrides it by a metadata key with the name of the option (``metrics_weight_multiplier`` for that of
[metrics]). As in Nova the lowest value of a host's aggregates holds, also among negative ones, and the bounds of the
option do not. Where one of them is not a number, all of them are passed over for that host.
"""

import numpy as np

from scheduler.hosts.arrays import FloatArray
from scheduler.hosts.table import HostTable
from scheduler.model.facts import least_number


def multipliers(hosts: HostTable, key: str, configured: float) -> FloatArray | float:
    """Return the multiplier of each host, shape (n,), or the one of all where no aggregate has the key."""
    if key not in hosts.aggregate_keys:
        return configured
    codes, sets = hosts.aggregate_values(key)
    return np.array([least_number(values, configured) for values in sets])[codes]
