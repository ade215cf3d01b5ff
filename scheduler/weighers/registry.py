"""The weighers an operator can name."""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from msgspec import Struct

from scheduler.compat.adapted import adapted_weigher
from scheduler.errors import InvalidSettings
from scheduler.plugins import Registry
from scheduler.settings import MetricsSettings, WeigherSettings
from scheduler.weighers.affinity import ServerGroupSoftAffinityWeigher, ServerGroupSoftAntiAffinityWeigher
from scheduler.weighers.free_resources import CPUWeigher, DiskWeigher, RAMWeigher
from scheduler.weighers.hardware import BuildFailureWeigher, CrossCellWeigher, HypervisorVersionWeigher, PCIWeigher
from scheduler.weighers.load import IoOpsWeigher, NumInstancesWeigher
from scheduler.weighers.measured import ImagePropertiesWeigher, MetricsWeigher
from scheduler.weighers.protocol import Weighed, Weigher
from scheduler.weighers.wishes import PreferredTraitsWeigher, TopologySpreadWeigher

GROUP = "placement_scheduler.weighers"


def load_weighers(
    settings: WeigherSettings,
    metrics: MetricsSettings = MetricsSettings(),  # noqa: B008 - frozen
) -> tuple[Weighed, ...]:
    """Return the enabled weighers with their multipliers; InvalidSettings names every one that is unknown or broken."""
    known, parts = built_in(settings, metrics), ("name", "score")
    weighers = Registry("enabled_weighers", GROUP, known, parts, adapted_weigher).load(settings.enabled_weighers)
    loaded = tuple(_weighed(weigher, settings, metrics) for weigher in weighers)
    problems = [problem for one in loaded for problem in _problems(one)]
    if problems:
        raise InvalidSettings(*(f"[filter_scheduler] {problem}" for problem in problems))
    return loaded


def from_outside(settings: WeigherSettings) -> tuple[str, ...]:
    """Return the enabled weighers that are entry points."""
    own = built_in(settings)
    return tuple(name for name in settings.enabled_weighers if name not in own)


def built_in(
    settings: WeigherSettings,
    metrics: MetricsSettings = MetricsSettings(),  # noqa: B008 - frozen
) -> Mapping[str, Callable[[], Weigher]]:
    """Return how each built-in weigher is made, by the name operators write."""
    return {one.kind.name: partial(one.made_of, settings, metrics) for one in BUILT_IN}


class BuiltIn(Struct, frozen=True):
    """A weigher of this package, and the settings beside its multiplier that it reads.

    ``make`` takes the settings of weighers and those of metrics; without it the class is called without arguments.
    ``option`` is the setting that holds its multiplier, "" where that is called like the key of aggregates.
    """

    kind: type[Weigher]
    settings: tuple[str, ...] = ()
    make: Callable[[WeigherSettings, MetricsSettings], Weigher] | None = None
    option: str = ""

    @property
    def key(self) -> str:
        """Return the metadata key by which aggregates override its multiplier."""
        return str(getattr(self.kind, "multiplier_key", ""))

    @property
    def multiplier(self) -> str:
        """Return the setting that holds its multiplier."""
        return self.option or self.key

    def made_of(self, settings: WeigherSettings, metrics: MetricsSettings) -> Weigher:
        """Return the weigher made of these settings."""
        return self.make(settings, metrics) if self.make else self.kind()


BUILT_IN = (
    BuiltIn(RAMWeigher),
    BuiltIn(CPUWeigher),
    BuiltIn(DiskWeigher),
    BuiltIn(IoOpsWeigher),
    BuiltIn(NumInstancesWeigher),
    BuiltIn(PCIWeigher),
    BuiltIn(ServerGroupSoftAffinityWeigher),
    BuiltIn(ServerGroupSoftAntiAffinityWeigher),
    BuiltIn(BuildFailureWeigher),
    BuiltIn(CrossCellWeigher),
    BuiltIn(HypervisorVersionWeigher),
    BuiltIn(
        ImagePropertiesWeigher,
        ("image_props_weight_setting",),
        lambda settings, _: ImagePropertiesWeigher(settings.image_props_weight_setting),
    ),
    BuiltIn(
        MetricsWeigher,
        ("weight_setting", "required", "weight_of_unavailable"),
        lambda _, metrics: MetricsWeigher(metrics),
        "weight_multiplier",
    ),
    BuiltIn(TopologySpreadWeigher),
    BuiltIn(PreferredTraitsWeigher),
)
"""The weighers of this package: Nova's, and those that Nova lacks."""


def _weighed(weigher: Weigher, settings: WeigherSettings, metrics: MetricsSettings) -> Weighed:
    own = next((one.multiplier for one in BUILT_IN if one.kind.name == weigher.name), None)
    held = metrics if own and hasattr(metrics, own) else settings
    multiplier = float(getattr(held, own) if own else getattr(weigher, "multiplier", 1.0))
    key = getattr(weigher, "multiplier_key", "")
    sign = float(getattr(weigher, "multiplier_sign", 1.0))
    return Weighed(weigher, multiplier, key, sign, settings.weight_normalization == "bounded")


def _problems(one: Weighed) -> Iterator[str]:
    name = one.weigher.name
    if not math.isfinite(one.multiplier * one.sign):
        yield f"the multiplier of {name} is not a finite number"
    if one.bounded and not hasattr(one.weigher, "bounded"):
        yield f"weight_normalization: {name} has no bounded form"
