"""Options of a case, in Nova's sections, as our settings."""

from typing import Any

from msgspec import structs

from parity.case import Case
from scheduler.settings import FilterSettings, MetricsSettings, OrderSettings, PrefilterSettings, WeigherSettings

RATIOS = ("weight_setting", "image_props_weight_setting")
ORDER = OrderSettings(shuffle_best_same_weighed_hosts=False)
"""As Nova's defaults are: nothing is drawn."""


def filter_settings(case: Case) -> FilterSettings:
    """Return the settings of filters; all that the case names are enabled."""
    enabled = tuple(case.get("filters", [case["rule"]]))
    down = case.get("options", {}).get("DEFAULT", {}).get("service_down_time", 60)
    return FilterSettings(enabled_filters=enabled, service_down_time_s=down, **_given(case, FilterSettings))


def weigher_settings(case: Case) -> WeigherSettings:
    """Return the settings of weighers; all that the case names are enabled."""
    return WeigherSettings(
        enabled_weighers=tuple(case.get("weighers", [case["rule"]])), **_given(case, WeigherSettings)
    )


def metrics_settings(case: Case) -> MetricsSettings:
    """Return the settings of metrics."""
    return MetricsSettings(**_given(case, MetricsSettings, "metrics"))


def prefilter_settings(case: Case) -> PrefilterSettings:
    """Return the settings of prefilters; Nova looks at the versions of computes for the one that has an option here."""
    return PrefilterSettings(
        require_owner_nova=case.get("computes_version", 0) >= 73, **_given(case, PrefilterSettings, "scheduler")
    )


def _given(case: Case, kind: Any, section: str = "filter_scheduler") -> dict[str, Any]:
    known = {field.name for field in structs.fields(kind)}
    values = case.get("options", {}).get(section, {})
    return {name: _frozen(name, value) for name, value in values.items() if name in known}


def _frozen(name: str, value: Any) -> Any:
    if name in RATIOS:
        return tuple((key, float(ratio)) for key, _, ratio in (pair.partition("=") for pair in value))
    return tuple(value) if isinstance(value, list) else value
