"""From a filter or weigher that was written for Nova to one of ours; what is one of ours already stays as it is."""

from typing import Any


def adapted_filter(plugin: Any) -> Any:
    """Return a filter of Nova as one of ours, and anything else as it is."""
    if not hasattr(plugin, "host_passes") or hasattr(plugin, "passes"):
        return plugin
    from scheduler.compat.nova.adapter import NovaFilter  # noqa: PLC0415  (brings what stands for Nova's classes)

    return NovaFilter(plugin)


def adapted_weigher(plugin: Any) -> Any:
    """Return a weigher of Nova as one of ours, and anything else as it is."""
    if not hasattr(plugin, "weigh_objects") or hasattr(plugin, "score"):
        return plugin
    from scheduler.compat.nova.adapter import NovaWeigher  # noqa: PLC0415  (brings what stands for Nova's classes)

    return NovaWeigher(plugin)
