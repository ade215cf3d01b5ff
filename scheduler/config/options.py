"""The options, by section: names, defaults, bounds, and what each one costs or risks.

An option has the name of the settings field it fills, without the unit (``request_timeout`` fills
``request_timeout_s``), and its default.
"""

from oslo_config import cfg

import placement_client.config
from scheduler.config.question_options import PCI, PREFILTERS, QUESTION, WORKAROUNDS
from scheduler.config.settings import HostsSettings
from scheduler.config.weigher_options import METRICS, WEIGHERS
from scheduler.settings import SchedulerSettings

_ALL = SchedulerSettings()
_HOSTS = HostsSettings()


def _seconds(name: str, default: float, text: str, least: float = 0.001) -> cfg.Opt:
    return cfg.FloatOpt(name, default=default, min=least, max=86400, help=f"{text} In seconds.")


def _count(name: str, default: int, text: str, least: int = 1, most: int = 1_000_000) -> cfg.Opt:
    return cfg.IntOpt(name, default=default, min=least, max=most, help=text)


SCHEDULER = (
    _count(
        "max_attempts",
        _ALL.max_attempts,
        "Hosts named for an instance when alternates are asked for: the selected one and max_attempts - 1 alternates, "
        "which the controller may try when the build fails.",
        most=100,
    ),
    _count(
        "max_placement_results",
        _ALL.max_placement_results,
        "Allocation candidates asked of Placement at most; fewer make answers smaller but may hide hosts that fit. Not "
        "applied to requests with a server group or several target hosts, where a cut answer would be wrong.",
    ),
    _count(
        "candidate_window_ms",
        _ALL.candidate_window_ms,
        "In milliseconds. Requests that ask Placement the same within this time after a question share its answer, and "
        "each starts from what the others take. A stale answer costs a refused reservation and a question more. 0: "
        "each request asks by itself. For bursts of like requests; 1000 is much.",
        0,
        5000,
    ),
    _count("max_instances", _ALL.max_instances, "Instances of one request at most; more are refused.", most=10_000),
    _seconds(
        "request_timeout",
        _ALL.request_timeout_s,
        "The longest a request may take when the caller gives no deadline; then it ends as unavailable.",
    ),
)

FILTER_SCHEDULER = (
    cfg.ListOpt(
        "enabled_filters",
        default=list(_ALL.filters.enabled_filters),
        help="Filters in the order they run: names of built-in ones or of entry points in placement_scheduler.filters. "
        "A request that needs a filter which is not enabled is refused.",
    ),
    _count(
        "host_subset_size",
        _ALL.order.host_subset_size,
        "Each instance goes to one of this many best hosts, drawn at random. More means fewer collisions between "
        "schedulers and placement that is harder to steer, at the price of a worse fit.",
    ),
    cfg.BoolOpt(
        "shuffle_best_same_weighed_hosts",
        default=_ALL.order.shuffle_best_same_weighed_hosts,
        help="Shuffle hosts that share the best weight. Off makes placement predictable.",
    ),
    *WEIGHERS,
    cfg.StrOpt(
        "image_properties_default_architecture",
        help="Architecture of images that do not name one, for instance x86_64. Unset: they go to any host.",
    ),
    _seconds("service_down_time", _ALL.filters.service_down_time_s, "A host not heard of for longer counts as down."),
    _count(
        "max_instances_per_host",
        _ALL.filters.max_instances_per_host,
        "A host takes no more instances than this many (NumInstancesFilter). AggregateNumInstancesFilter takes the "
        "least value of this key in the metadata of a host's aggregates instead; this one where they have none, or one "
        "that is no whole number.",
    ),
    _count(
        "max_io_ops_per_host",
        _ALL.filters.max_io_ops_per_host,
        "A host with this many builds, resizes and moves under way takes no instance (IoOpsFilter, and "
        "AggregateIoOpsFilter as above). 0 lets no instance go anywhere.",
        0,
    ),
    cfg.ListOpt(
        "isolated_hosts",
        default=list(_ALL.filters.isolated_hosts),
        help="Service hosts that are kept for isolated_images (IsolatedHostsFilter). Has no effect unless the filter "
        "is enabled.",
    ),
    cfg.ListOpt(
        "isolated_images",
        default=list(_ALL.filters.isolated_images),
        help="Ids of images that may run on isolated_hosts only (IsolatedHostsFilter). An instance that is booted from "
        "a volume has no image id and is not isolated.",
    ),
    cfg.BoolOpt(
        "restrict_isolated_hosts_to_isolated_images",
        default=_ALL.filters.restrict_isolated_hosts_to_isolated_images,
        help="Keep other images off isolated_hosts. Off: isolated_hosts take any image.",
    ),
    cfg.StrOpt(
        "aggregate_image_properties_isolation_namespace",
        help="AggregateImagePropertiesIsolation reads only metadata keys that begin with this text and the separator. "
        "Unset: every key that is the name of a property of the image.",
    ),
    cfg.StrOpt(
        "aggregate_image_properties_isolation_separator",
        default=_ALL.filters.aggregate_image_properties_isolation_separator,
        help="What stands between that namespace and the rest of a metadata key.",
    ),
)

CLAIMS = (
    cfg.StrOpt(
        "node_id",
        sample_default="<name of the host>.<number of the process>",
        help="Name of this scheduler process, unique among those that share a journal; its reservations carry it. A "
        "scheduler on PostgreSQL that starts again under its name recovers at once what it left; otherwise the others "
        "do when its lease has run out. 1 to 255 letters, digits, '.', '_' or '-'.",
    ),
    cfg.StrOpt(
        "reservation_project_id",
        default=_ALL.claims.reservation_project_id,
        help="Project that reservations are accounted to while a request is decided; it needs not exist in Keystone.",
    ),
    _count(
        "max_rounds",
        _ALL.claims.max_rounds,
        "Attempts at a request that Placement keeps refusing, each with fresh candidates; then it is NoValidHost.",
        most=100,
    ),
    _seconds("backoff_base", _ALL.claims.backoff_base_s, "Mean wait before the second attempt; doubled for each more."),
    _seconds("backoff_cap", _ALL.claims.backoff_cap_s, "Longest wait between two attempts."),
    cfg.StrOpt(
        "verify",
        default=_ALL.claims.verify,
        choices=[
            ("tight", "only where room is tight"),
            ("always", "always; costs one call a provider more"),
            ("never", "never; providers may end up over their capacity"),
        ],
        help="When usage is read back after a reservation, because Placement may grant more than there is to claims "
        "that race.",
    ),
    _count("tight_factor", _ALL.claims.tight_factor, "Room is tight below this many times the claimed amount.", 0),
    cfg.FloatOpt(
        "tight_share",
        default=_ALL.claims.tight_share,
        min=0.0,
        max=1.0,
        help="Room is tight below this share of the capacity.",
    ),
    _seconds("release_timeout", _ALL.claims.release_timeout_s, "Time for giving back what a failed request reserved."),
    _seconds(
        "quarantine",
        _ALL.claims.quarantine_s,
        "How long a reservation whose answer was lost is looked at again. Longer than the longest time a request can "
        "spend inside Placement, or a late write leaves room reserved.",
    ),
    _count(
        "max_open",
        _ALL.claims.max_open,
        "Claims of this process that may hold room in Placement unconfirmed, those being released included; "
        "a bound on what failing requests can take away. A request beyond it is NoValidHost.",
    ),
    _count("max_open_per_project", _ALL.claims.max_open_per_project, "The same for the requests of one project."),
    _seconds(
        "drain_timeout",
        _ALL.claims.drain_timeout_s,
        "Time that closing the scheduler waits for open requests and releases; what is open then is aborted.",
        0,
    ),
    _seconds(
        "recovery_timeout",
        _ALL.claims.recovery_timeout_s,
        "Time that a start spends on what a dead scheduler left, before it takes requests; the rest is settled in the "
        "background.",
        0,
    ),
)

JOURNAL = (
    cfg.StrOpt(
        "connection",
        default=_ALL.journal.connection.reveal(),
        secret=True,
        help="Where claims are written down before they are sent. sqlite:////PATH, a file of this node that several "
        "processes may share; its directory is made with mode 0700. postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, "
        "for schedulers on several machines. memory://, which forgets with the process: what a killed process had "
        "reserved then stays reserved.",
    ),
    cfg.FloatOpt(
        "keep_days",
        default=_ALL.journal.keep_days,
        min=0.0,
        help="Days that settled claims are kept, for outcome() and for requests that are delivered again.",
    ),
    _count("keep_claims", _ALL.journal.keep_claims, "Settled claims kept; older ones are removed.", 1, 100_000_000),
    _seconds(
        "lease",
        _ALL.journal.lease_s,
        "A scheduler on PostgreSQL that was silent for longer counts as dead: the others take its claims over, and it "
        "stops before it writes again.",
    ),
    cfg.BoolOpt(
        "durable",
        default=_ALL.journal.durable,
        help="Wait for the disk before anything is sent. false is for tests: after a power cut it leaves reservations.",
    ),
    _seconds("heartbeat", _ALL.journal.heartbeat_s, "Time between two signs of life; much less than lease."),
)

EXPLAIN = (
    cfg.StrOpt(
        "record_dir",
        help="Directory for decision records, made with mode 0700; placement-scheduler explain and replay read it, and "
        "access.log in it tells who did. Records hold identifiers. Unset: records are kept in memory, until the "
        "process ends.",
    ),
    _count("max_records", _ALL.explain.max_records, "Records kept; older ones are removed."),
    _count(
        "max_record_bytes",
        _ALL.explain.max_record_bytes,
        "Size of one record in record_dir. What a replay needs takes about 200 to 500 bytes a candidate; a record that "
        "would be larger is kept without it, and cannot be replayed.",
        1 << 20,
        64 << 20,
    ),
    _count(
        "max_total_bytes",
        _ALL.explain.max_total_bytes,
        "Size of all records in record_dir; older ones are removed.",
        1 << 20,
        1 << 40,
    ),
    cfg.FloatOpt(
        "keep_days",
        default=_ALL.explain.keep_days,
        min=0.01,
        max=36500,
        help="Days that records in record_dir are kept; older ones are removed when a record is written or read.",
    ),
    _count("best_hosts", _ALL.explain.best_hosts, "Best hosts whose scores a record holds.", 0, 1000),
    _count(
        "probes",
        _ALL.explain.probes,
        "Extra candidate queries a request may cost when Placement offers nothing, each without one of its "
        "constraints, to say which one rules the fleet out. 0 turns them off.",
        0,
        100,
    ),
)

HOSTS = (
    cfg.StrOpt(
        "source",
        default=_HOSTS.source,
        choices=[("placement", "Placement alone"), ("file", "Placement and a hosts file")],
        help="Where facts about hosts come from.",
    ),
    cfg.StrOpt("hosts_file", help="YAML or JSON file with facts about hosts; needed by source = file."),
    _seconds("refresh_interval", _HOSTS.refresh_interval_s, "How long facts read from Placement are used.", 1),
    cfg.StrOpt(
        "details",
        default=_HOSTS.details,
        choices=[("names", "names; one call"), ("full", "aggregates and reserved amounts too; two calls a host")],
        help="What is read from Placement about hosts, once a refresh_interval.",
    ),
)

RANDOMNESS = (
    cfg.StrOpt(
        "source",
        default="system",
        choices=[("system", "the operating system"), ("seeded", "seed and request id, for tests and replay")],
        help="Where randomness comes from. Warning: seeded makes placement predictable for whoever knows the seed; it "
        "needs allow_seeded.",
    ),
    cfg.BoolOpt(
        "allow_seeded",
        default=False,
        help="Let source = seeded be used, which a warning tells of at every start. Not for production.",
    ),
    cfg.StrOpt("seed", secret=True, help="Key of source = seeded: any text, and needed by it."),
)

LOGGING = (
    cfg.StrOpt(
        "pseudonym_key_file",
        help="File with the key under which identifiers appear in the log; a regular file with mode 0600, at least 32 "
        "bytes. Unset: a random key a process, so that pseudonyms of two runs cannot be compared. Options of oslo.log "
        "itself (debug, log_file, use_json, ...) go to [DEFAULT].",
    ),
    cfg.ListOpt(
        "previous_pseudonym_key_files",
        default=[],
        help="Files with earlier keys, newest first. The command pseudonym --all looks identifiers up under them; "
        "nothing is logged with them.",
    ),
)

POLICY = (
    cfg.StrOpt(
        "policy_file",
        help="YAML file with rules in the language of oslo.policy that say who may do what (docs/identity.md); an "
        "action without a rule is refused. Unset: an owner may make requests, anything else needs an elevated context, "
        "and the command line is open to whoever may read this file.",
    ),
)

SECTIONS: dict[str, tuple[cfg.Opt, ...]] = {
    "scheduler": SCHEDULER + PREFILTERS,
    "filter_scheduler": FILTER_SCHEDULER + QUESTION,
    "metrics": METRICS,
    "workarounds": WORKAROUNDS,
    "pci": PCI,
    "claims": CLAIMS,
    "journal": JOURNAL,
    "explain": EXPLAIN,
    "hosts": HOSTS,
    "randomness": RANDOMNESS,
    "logging": LOGGING,
    "policy": POLICY,
}


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return all options by section, for oslo-config-generator."""
    return [(section, list(opts)) for section, opts in SECTIONS.items()]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of the scheduler and of its Placement client."""
    for section, opts in SECTIONS.items():
        conf.register_opts(opts, group=section)
    placement_client.config.register_opts(conf)
