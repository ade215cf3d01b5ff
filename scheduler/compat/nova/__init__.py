"""Nova's classes and values here: filters and weighers that operators wrote for it, and converters from its objects.

``filters``, ``weights`` and ``aggregates`` take the place of the modules of Nova that such a class imports.
"""

from scheduler.compat.nova.facts import aggregate_fact_from, host_fact_from, host_fact_from_state
from scheduler.compat.nova.filters import BaseHostFilter
from scheduler.compat.nova.host_state import HostState
from scheduler.compat.nova.request_view import RequestSpecView
from scheduler.compat.nova.specs import (
    flavor_from,
    image_from,
    request_spec_from,
    request_spec_from_legacy,
    server_group_from,
)
from scheduler.compat.nova.weights import BaseHostWeigher

__all__ = [
    # what classes written for Nova derive from and are shown
    "BaseHostFilter",
    "BaseHostWeigher",
    "HostState",
    "RequestSpecView",
    # from Nova's objects
    "request_spec_from",
    "request_spec_from_legacy",
    "flavor_from",
    "image_from",
    "server_group_from",
    "host_fact_from",
    "host_fact_from_state",
    "aggregate_fact_from",
]
