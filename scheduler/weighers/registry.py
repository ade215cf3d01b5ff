"""The weighers an operator can name."""

import math
from collections.abc import Callable, Mapping

from scheduler.errors import InvalidSettings
from scheduler.plugins import Registry
from scheduler.settings import WeigherSettings
from scheduler.weighers.free_resources import CPUWeigher, DiskWeigher, RAMWeigher
from scheduler.weighers.load import IoOpsWeigher, NumInstancesWeigher
from scheduler.weighers.protocol import Weighed, Weigher

GROUP = "placement_scheduler.weighers"

BUILT_IN: Mapping[str, Callable[[], Weigher]] = {
    "RAMWeigher": RAMWeigher,
    "CPUWeigher": CPUWeigher,
    "DiskWeigher": DiskWeigher,
    "IoOpsWeigher": IoOpsWeigher,
    "NumInstancesWeigher": NumInstancesWeigher,
}

MULTIPLIERS: Mapping[str, Callable[[WeigherSettings], float]] = {
    "RAMWeigher": lambda settings: settings.ram_weight_multiplier,
    "CPUWeigher": lambda settings: settings.cpu_weight_multiplier,
    "DiskWeigher": lambda settings: settings.disk_weight_multiplier,
    "IoOpsWeigher": lambda settings: settings.io_ops_weight_multiplier,
    "NumInstancesWeigher": lambda settings: settings.num_instances_weight_multiplier,
}


def load_weighers(settings: WeigherSettings) -> tuple[Weighed, ...]:
    """Return the enabled weighers with their multipliers; InvalidSettings names every one that is unknown or broken."""
    weighers = Registry("enabled_weighers", GROUP, BUILT_IN, ("name", "score")).load(settings.enabled_weighers)
    loaded = tuple(Weighed(weigher, _multiplier(weigher, settings)) for weigher in weighers)
    wrong = [one.weigher.name for one in loaded if not math.isfinite(one.multiplier)]
    if wrong:
        raise InvalidSettings(
            *(f"[filter_scheduler] the multiplier of {name} is not a finite number" for name in wrong)
        )
    return loaded


def from_outside(settings: WeigherSettings) -> tuple[str, ...]:
    """Return the enabled weighers that are entry points."""
    return tuple(name for name in settings.enabled_weighers if name not in BUILT_IN)


def _multiplier(weigher: Weigher, settings: WeigherSettings) -> float:
    if weigher.name in MULTIPLIERS:
        return MULTIPLIERS[weigher.name](settings)
    return float(getattr(weigher, "multiplier", 1.0))
