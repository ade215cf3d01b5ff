"""Frozen settings of every room; built by ``scheduler.config`` from the ini, or directly by tests.

Units are in the names. Option names are Nova's where the meaning is Nova's.
"""

from typing import Literal

from msgspec import Struct, field

from placement_client.secret import Secret

DEFAULT_FILTERS = (
    "ComputeFilter",
    "ComputeCapabilitiesFilter",
    "ImagePropertiesFilter",
    "ServerGroupAntiAffinityFilter",
    "ServerGroupAffinityFilter",
)
DEFAULT_JOURNAL = "sqlite:////var/lib/placement-scheduler/journal.sqlite"
DEFAULT_WEIGHERS = (
    "RAMWeigher",
    "CPUWeigher",
    "DiskWeigher",
    "IoOpsWeigher",
    "NumInstancesWeigher",
    "PCIWeigher",
    "ServerGroupSoftAffinityWeigher",
    "ServerGroupSoftAntiAffinityWeigher",
    "BuildFailureWeigher",
    "CrossCellWeigher",
    "HypervisorVersionWeigher",
    "ImagePropertiesWeigher",
    "MetricsWeigher",
    "TopologySpreadWeigher",
    "PreferredTraitsWeigher",
)

Ratios = tuple[tuple[str, float], ...]
"""Names, each once, and how much each counts; in the ini ``name=ratio`` pairs."""


class FilterSettings(Struct, frozen=True):
    """Which filters run, in which order, and what they need to know."""

    enabled_filters: tuple[str, ...] = DEFAULT_FILTERS
    service_down_time_s: float = 60.0
    image_properties_default_architecture: str | None = None
    max_instances_per_host: int = 50
    max_io_ops_per_host: int = 8
    isolated_hosts: tuple[str, ...] = ()
    isolated_images: tuple[str, ...] = ()
    restrict_isolated_hosts_to_isolated_images: bool = True
    aggregate_image_properties_isolation_namespace: str | None = None
    aggregate_image_properties_isolation_separator: str = "."


class PrefilterSettings(Struct, frozen=True):
    """What prefilters need to know: which optional ones narrow the question, and the zone of hosts in none."""

    limit_tenants_to_placement_aggregate: bool = False
    placement_aggregate_required_for_tenants: bool = False
    query_placement_for_image_type_support: bool = False
    enable_isolated_aggregate_filtering: bool = False
    image_metadata_prefilter: bool = False
    query_placement_for_routed_network_aggregates: bool = False
    require_owner_nova: bool = False
    default_availability_zone: str = "nova"


class QuestionSettings(Struct, frozen=True):
    """How a request becomes the question to Placement: whose prefilters run, what unknown extra specs and PCI do."""

    extra_prefilters: tuple[str, ...] = ()
    lenient_extra_specs: bool = False
    pci_in_placement: bool = False


class PciAlias(Struct, frozen=True):
    """What a flavor asks for by the name of an alias: one of a resource class for each device, and traits."""

    name: str
    resource_class: str
    traits: tuple[str, ...] = ()


class PciSettings(Struct, frozen=True):
    """The aliases of PCI devices."""

    alias: tuple[PciAlias, ...] = ()


class WorkaroundSettings(Struct, frozen=True):
    """Behaviour for fleets that are not what they should be."""

    disable_fallback_pcpu_query: bool = True


class WeigherSettings(Struct, frozen=True):
    """Which weighers run, how their scores are made comparable, and their multipliers.

    A negative multiplier turns a weigher around; that of BuildFailureWeigher is negated, as in Nova.
    """

    enabled_weighers: tuple[str, ...] = DEFAULT_WEIGHERS
    weight_normalization: Literal["nova", "bounded"] = "nova"
    ram_weight_multiplier: float = 1.0
    cpu_weight_multiplier: float = 1.0
    disk_weight_multiplier: float = 1.0
    io_ops_weight_multiplier: float = -1.0
    num_instances_weight_multiplier: float = 0.0
    pci_weight_multiplier: float = 1.0
    soft_affinity_weight_multiplier: float = 1.0
    soft_anti_affinity_weight_multiplier: float = 1.0
    build_failure_weight_multiplier: float = 1000000.0
    cross_cell_move_weight_multiplier: float = 1000000.0
    hypervisor_version_weight_multiplier: float = 1.0
    image_props_weight_multiplier: float = 0.0
    image_props_weight_setting: Ratios = ()
    topology_spread_weight_multiplier: float = 1.0
    preferred_traits_weight_multiplier: float = 1.0


class MetricsSettings(Struct, frozen=True):
    """Which metrics of a host count, and how much; ``weight_setting`` is (name, ratio) pairs.

    A host that lacks one fails the request when ``required``, else it is weighed ``weight_of_unavailable``.
    """

    weight_setting: Ratios = ()
    weight_multiplier: float = 1.0
    required: bool = True
    weight_of_unavailable: float = -10000.0


class OrderSettings(Struct, frozen=True):
    """How the ranked hosts become an order."""

    host_subset_size: int = 1
    shuffle_best_same_weighed_hosts: bool = True


class ClaimSettings(Struct, frozen=True):
    """How claims are written, verified and released.

    ``tight_factor`` and ``tight_share`` say when a claim is verified: when the room left on a provider is smaller than
    this many times the amount just claimed, or than this share of its capacity. ``quarantine_s`` must exceed the
    longest time a request can spend inside the Placement server.
    """

    node_id: str = "placement-scheduler"
    reservation_project_id: str = "placement-scheduler"
    max_rounds: int = 5
    backoff_base_s: float = 0.05
    backoff_cap_s: float = 1.0
    verify: Literal["tight", "always", "never"] = "tight"
    tight_factor: int = 4
    tight_share: float = 0.1
    release_timeout_s: float = 10.0
    quarantine_s: float = 60.0
    max_open: int = 1000
    max_open_per_project: int = 200
    drain_timeout_s: float = 5.0
    recovery_timeout_s: float = 30.0


class JournalSettings(Struct, frozen=True):
    """Where claims are written down, how long settled ones are kept, and when a silent scheduler counts as dead.

    ``connection`` is an SQLAlchemy URL of SQLite or PostgreSQL, or "memory://", which forgets with the process.
    ``durable`` False lets tests skip waiting for the disk.
    """

    connection: Secret[str] = field(default_factory=lambda: Secret(DEFAULT_JOURNAL))
    keep_days: float = 7.0
    keep_claims: int = 10_000
    lease_s: float = 30.0
    heartbeat_s: float = 5.0
    durable: bool = True


class ExplainSettings(Struct, frozen=True):
    """What a decision record holds, and where records are kept.

    ``record_dir`` None keeps records in memory only. ``probes`` is the number of extra candidate queries a request may
    cost when Placement offers nothing; 0 turns probing off.
    """

    record_dir: str | None = None
    max_records: int = 1000
    max_record_bytes: int = 4 << 20
    max_total_bytes: int = 512 << 20
    keep_days: float = 30.0
    best_hosts: int = 5
    probes: int = 0


class SchedulerSettings(Struct, frozen=True):
    """All settings of one scheduler.

    ``candidate_window_ms`` is for how long after a question to Placement its answer is shared; 0 shares none.
    """

    max_attempts: int = 3
    max_placement_results: int = 1000
    candidate_window_ms: int = 0
    max_instances: int = 100
    request_timeout_s: float = 30.0
    prefilters: PrefilterSettings = field(default_factory=PrefilterSettings)
    question: QuestionSettings = field(default_factory=QuestionSettings)
    workarounds: WorkaroundSettings = field(default_factory=WorkaroundSettings)
    pci: PciSettings = field(default_factory=PciSettings)
    filters: FilterSettings = field(default_factory=FilterSettings)
    weighers: WeigherSettings = field(default_factory=WeigherSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    order: OrderSettings = field(default_factory=OrderSettings)
    claims: ClaimSettings = field(default_factory=ClaimSettings)
    journal: JournalSettings = field(default_factory=JournalSettings)
    explain: ExplainSettings = field(default_factory=ExplainSettings)
