"""Weighers of what is measured or counted on hosts and named in settings: metrics, and properties of images."""

import numpy as np

from scheduler.hosts.arrays import FloatArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.settings import MetricsSettings, Ratios
from scheduler.weighers.bounded import either_sign
from scheduler.weighers.multipliers import multipliers


class ComputeHostMetricNotFound(Exception):
    """A host lacks a metric that [metrics] weight_setting names and required demands."""


class MetricsWeigher:
    """Hosts whose metrics add up to much, each times its ratio in [metrics] weight_setting."""

    name = "MetricsWeigher"
    multiplier_key = "metrics_weight_multiplier"
    per_host = True

    def __init__(self, settings: MetricsSettings) -> None:
        self._settings = settings

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether a metric is named."""
        return bool(self._settings.weight_setting)

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return the sum of ratio times metric; weight_of_unavailable where one is missing that would count.

        Raises ComputeHostMetricNotFound where one is missing and required.
        """
        total, unavailable = np.zeros(len(hosts)), np.zeros(len(hosts), dtype=np.bool_)
        counts = multipliers(hosts, self.multiplier_key, self._settings.weight_multiplier) != 0
        for name, ratio in self._settings.weight_setting:
            measured = hosts.numbers("metrics", name, missing=np.nan)
            missing = np.isnan(measured)
            if self._settings.required and missing.any():
                raise ComputeHostMetricNotFound
            total += np.where(missing, 0.0, measured) * ratio
            unavailable |= missing & counts & (ratio != 0)
        return np.where(unavailable, self._settings.weight_of_unavailable, total)

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return (1 + x / (1 + abs(x))) / 2, or 0 when no metric is named."""
        return either_sign(scores) if self.concerns(request) else scores


class ImagePropertiesWeigher:
    """Hosts with many instances whose images have the properties of this one; a negative multiplier spreads them."""

    name = "ImagePropertiesWeigher"
    multiplier_key = "image_props_weight_multiplier"
    per_host = True

    def __init__(self, setting: Ratios = ()) -> None:
        self._ratios = dict(setting)

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether the image has properties."""
        return request.image is not None and bool(request.image.properties)

    def score(self, request: RequestSpec, hosts: HostTable) -> FloatArray:
        """Return the sum, over the image's properties, of ratio times instances with the same value.

        The ratio of a property is that of image_props_weight_setting, 0 where that does not name it, and 1 for all
        where it is empty. The instances placed in this batch are of this image.
        """
        total, placed = np.zeros(len(hosts)), hosts.placed[hosts.hosts]
        for name, value in request.image.properties.items() if request.image else ():
            ratio = self._ratios.get(name, 0.0) if self._ratios else 1.0
            if ratio:
                total += ratio * (hosts.numbers("image_properties", name, value, missing=0.0) + placed)
        return total

    def bounded(self, request: RequestSpec, hosts: HostTable, scores: FloatArray) -> FloatArray:
        """Return (1 + x / (1 + abs(x))) / 2, or 0 when the image has no properties."""
        return either_sign(scores) if self.concerns(request) else scores
