"""The options of weighers: their multipliers, and what some of them need to know."""

from oslo_config import cfg

from scheduler.model.facts import MAX_NUMBER
from scheduler.settings import MetricsSettings, WeigherSettings

_ALL = WeigherSettings()
_METRICS = MetricsSettings()


def _multiplier(name: str, what: str, negative: str = "Negative turns the preference around") -> cfg.Opt:
    text = f"Weight of {what}. {negative}, 0 makes it irrelevant. Aggregates override it by metadata of this name."
    return cfg.FloatOpt(name, default=getattr(_ALL, name), help=text)


def _natural(name: str, what: str) -> cfg.Opt:
    text = f"Weight of {what}. 0 makes it irrelevant. Aggregates override it by metadata of this name."
    return cfg.FloatOpt(name, default=getattr(_ALL, name), min=0.0, max=MAX_NUMBER, help=text)


WEIGHERS = (
    cfg.ListOpt(
        "enabled_weighers",
        default=list(_ALL.enabled_weighers),
        help="Weighers that rank the hosts left by the filters (weight_classes in Nova). Names of built-in weighers or "
        "of entry points in placement_scheduler.weighers. A request that wishes for what no enabled weigher weighs is "
        "refused.",
    ),
    cfg.StrOpt(
        "weight_normalization",
        default=_ALL.weight_normalization,
        choices=[
            ("nova", "between the lowest and the highest of the hosts that are compared"),
            ("bounded", "by a fixed map that looks at each host alone"),
        ],
        help="How scores become numbers from 0 to 1. With nova a host scores differently beside other hosts, and "
        "a small difference counts as much as a large one; with bounded a score can be compared across requests, and "
        "multipliers that were tuned for nova need to be looked at again.",
    ),
    _multiplier("ram_weight_multiplier", "free memory"),
    _multiplier("cpu_weight_multiplier", "free VCPUs"),
    _multiplier("disk_weight_multiplier", "free disk"),
    _multiplier("io_ops_weight_multiplier", "the I/O load"),
    _multiplier("num_instances_weight_multiplier", "the number of instances"),
    _natural("pci_weight_multiplier", "having few free PCI devices, which keeps hosts with many for who needs them"),
    _natural("soft_affinity_weight_multiplier", "members of the server group, with policy soft-affinity"),
    _natural("soft_anti_affinity_weight_multiplier", "no members of the server group, with policy soft-anti-affinity"),
    _multiplier(
        "build_failure_weight_multiplier",
        "builds that failed, by which a host is avoided; the default outweighs everything else, so that one failed "
        "build moves a host behind all that have none",
        "Negative prefers such hosts",
    ),
    _multiplier("cross_cell_move_weight_multiplier", "the cell that an instance is in, when a move may leave it"),
    _multiplier(
        "hypervisor_version_weight_multiplier",
        "the version of the hypervisor; during a rolling upgrade the default fills the hosts upgraded first",
    ),
    _multiplier("image_props_weight_multiplier", "instances on the host whose images have the same properties"),
    cfg.ListOpt(
        "image_props_weight_setting",
        default=[],
        help="Image properties that ImagePropertiesWeigher compares, and how much each counts: name=ratio, with "
        "commas between, as in os_distro=2,hw_machine_type=-1. Empty: every property of the image counts 1.",
    ),
    _multiplier("topology_spread_weight_multiplier", "racks or zones that are not ahead, with soft topology_spread"),
    _multiplier("preferred_traits_weight_multiplier", "the share of a request's preferred_traits that a host has"),
)

METRICS = (
    cfg.ListOpt(
        "weight_setting",
        default=[],
        help="Metrics of hosts that MetricsWeigher adds up, and how much each counts: name=ratio, separated by commas, "
        "as in cpu.percent=-1,numa.membw.current=0.5. MetricsFilter keeps the hosts that report all of them.",
    ),
    cfg.FloatOpt(
        "weight_multiplier",
        default=_METRICS.weight_multiplier,
        help="Weight of the metrics. Negative turns the preference around, 0 makes it irrelevant. Aggregates override "
        "it by metadata of the name metrics_weight_multiplier.",
    ),
    cfg.BoolOpt(
        "required",
        default=_METRICS.required,
        help="Fail a request when a host that is weighed lacks a metric of weight_setting. One such host stops all "
        "requests that come to it, unless MetricsFilter removes it before.",
    ),
    cfg.FloatOpt(
        "weight_of_unavailable",
        default=_METRICS.weight_of_unavailable,
        help="Score of hosts that lack a metric, when it is not required. Far below all sums of metrics, it makes them "
        "the last resort, and all others nearly equal.",
    ),
)
