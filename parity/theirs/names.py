"""Nova's own names: classes of filters and weighers, prefilters, options."""

from typing import Any

import nova.conf
from nova.scheduler import filters, host_manager, request_filter, weights
from nova.scheduler.filters import BaseHostFilter

SECTIONS = ("scheduler", "filter_scheduler", "metrics", "compute", "workarounds")
ABSTRACT = (BaseHostFilter, weights.BaseHostWeigher)


def names() -> dict[str, Any]:
    """Return what Nova calls its rules, with the options of the groups that its scheduler reads."""
    return {
        "filters": _classes(filters.all_filters()),
        "filter_flags": {one.__name__: _flags(one) for one in filters.all_filters() if one not in ABSTRACT},
        "weighers": _classes(weights.all_weighers()),
        "prefilters": [one.__name__ for one in request_filter.ALL_REQUEST_FILTERS],
        "host_state": sorted(vars(host_manager.HostState("host", "node", "cell"))),
        "options": {section: _options(section) for section in SECTIONS},
    }


def _classes(classes: list[type]) -> list[str]:
    return sorted(one.__name__ for one in classes if one not in ABSTRACT)


def _flags(kind: Any) -> dict[str, bool]:
    return {"run_filter_once_per_request": kind.run_filter_once_per_request, "run_on_rebuild": kind.RUN_ON_REBUILD}


def _options(section: str) -> dict[str, Any]:
    group = nova.conf.CONF._get_group(section)
    return {name: _option(entry["opt"]) for name, entry in sorted(group._opts.items())}


def _option(option: Any) -> dict[str, Any]:
    return {
        "type": type(option.type).__name__,
        "default": option.default,
        "min": getattr(option.type, "min", None),
        "max": getattr(option.type, "max", None),
        "deprecated": option.deprecated_for_removal,
    }
