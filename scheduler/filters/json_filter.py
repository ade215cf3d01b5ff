"""Hosts that a tenant describes in a query."""

from collections.abc import Iterable

import numpy as np

from scheduler.filters.hints import refused, text_of
from scheduler.filters.protocol import problems_of
from scheduler.filters.queries import MalformedQuery, Query, query_of
from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec


class JsonFilter:
    """Hosts that meet the JSON query of the hint ``query``; all where there is none."""

    name = "JsonFilter"
    reason = "query_not_met"
    hints = frozenset({"query"})
    per_host = True

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether there is a query."""
        return "query" in request.scheduler_hints

    def problems(self, request: RequestSpec) -> Iterable[str]:
        """Return what is wrong with the query."""
        return problems_of(_asked, request)

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts meet the query; InvalidRequest when it is malformed."""
        query = _asked(request)
        return np.ones(len(hosts), dtype=np.bool_) if query is None else query(hosts)


def _asked(request: RequestSpec) -> Query | None:
    """Return the query of a request, None where it has none. Raises InvalidRequest."""
    text = text_of(request, "query")
    if text is None:
        return None
    try:
        return query_of(text)
    except MalformedQuery as error:
        problem = str(error)
    raise refused("query", problem)
