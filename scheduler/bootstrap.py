"""The composition root: the one file that names concrete classes.

What is slow to import and needed by some configurations only is imported where it is chosen.
"""

import importlib.metadata

import numpy as np
from msgspec import structs
from oslo_config import cfg

import placement_client.config
from placement_client.client import PlacementClient
from placement_client.clock import SYSTEM_CLOCK, Clock
from placement_client.errors import InsecureEndpoint
from placement_client.redaction import install_guards
from placement_client.transport import HttpAdapter
from scheduler import config
from scheduler.claims import Claimer, GroupCheck, GroupSource, Journal, MemoryJournal
from scheduler.errors import InvalidSettings
from scheduler.events import EventLog, Pseudonyms
from scheduler.events.table import LOG_STARTED, UNSAFE_SETTING
from scheduler.explain.observers import Observer, RecordStore
from scheduler.filter_scheduler import FilterScheduler
from scheduler.filters import load_filters
from scheduler.filters.registry import GROUP as FILTER_PLUGINS
from scheduler.filters.registry import from_outside as outside_filters
from scheduler.hosts import HostSource, PlacementHostSource
from scheduler.logs import RequestLog, key_from_file
from scheduler.model import Rules
from scheduler.model.admission import Authorize, by_elevation
from scheduler.plugins import providers_of
from scheduler.prefilters import load_prefilters
from scheduler.prefilters.registry import GROUP as PREFILTER_PLUGINS
from scheduler.randomness import RandomSource, SeededRandomSource, SystemRandomSource
from scheduler.records import DirectoryRecords, MemoryRecords
from scheduler.selection import Plugins
from scheduler.settings import ExplainSettings, JournalSettings, SchedulerSettings
from scheduler.shared_candidates import SharedCandidates
from scheduler.weighers import load_weighers
from scheduler.weighers.registry import GROUP as WEIGHER_PLUGINS
from scheduler.weighers.registry import from_outside as outside_weighers

MEMORY = "memory://"
SEEDED = "[randomness] source is seeded: whoever knows the seed foresees every placement"


def build(
    conf: cfg.ConfigOpts,
    hosts: HostSource | None = None,
    random_source: RandomSource | None = None,
    *,
    clock: Clock = SYSTEM_CLOCK,
    http_adapter: HttpAdapter | None = None,
    observers: tuple[Observer, ...] = (),
    groups: GroupSource | None = None,
) -> FilterScheduler:
    """Return the scheduler that a configuration describes; a context manager, closed by who built it.

    ``hosts`` and ``random_source`` take the place of what the configuration names. ``observers`` get the decision
    record of every request; ``groups`` says who was added to a server group meanwhile. Adapter and clock are for tests.
    A dead scheduler's claims are recovered first. Raises InvalidSettings naming the option, and JournalUnavailable.
    """
    install_guards()
    settings, log = config.settings_from(conf), log_of(conf, clock)
    placement = placement_of(conf, http_adapter, clock)
    log(LOG_STARTED, release=release(), key=log.key_id)
    for warning in warnings_of(conf):
        log(UNSAFE_SETTING, setting=warning)
    scheduler = FilterScheduler(
        placement=placement,
        hosts=hosts or host_source_of(conf, placement, clock, log),
        plugins=plugins_of(rules_of(settings)),
        prefilters=load_prefilters(settings.question),
        claimer=claimer_of(settings, placement, clock, log),
        random_source=random_source or random_source_of(conf),
        settings=settings,
        clock=clock,
        records=records_of(settings.explain),
        observers=(RequestLog(log), *observers),
        log=log,
        authorize=authorizer_of(conf),
        groups=GroupCheck(groups, log, settings.claims.reservation_project_id),
        shared=SharedCandidates(settings.candidate_window_ms / 1000, clock),
    )
    scheduler.recover()
    return scheduler


def rules_of(settings: SchedulerSettings) -> Rules:
    """Return the rules that these settings put in force."""
    return Rules(
        prefilters=settings.prefilters,
        question=settings.question,
        workarounds=settings.workarounds,
        filters=settings.filters,
        weighers=settings.weighers,
        order=settings.order,
        metrics=settings.metrics,
    )


def plugins_of(rules: Rules) -> Plugins:
    """Return the plugins that decide by these rules, and what a decision record says of them. Raises InvalidSettings.

    Prefilters are none of them: a replay starts at Placement's answer.
    """
    outside = providers_of(
        {
            PREFILTER_PLUGINS: rules.question.extra_prefilters,
            FILTER_PLUGINS: outside_filters(rules.filters),
            WEIGHER_PLUGINS: outside_weighers(rules.weighers),
        }
    )
    versions = {"placement-scheduler": release(), "numpy": np.__version__, **outside}
    told = structs.replace(rules, versions=versions)
    weighers = load_weighers(rules.weighers, rules.metrics)
    return Plugins(load_filters(rules.filters, rules.metrics), weighers, rules.order, told)


def claimer_of(settings: SchedulerSettings, placement: PlacementClient, clock: Clock, log: EventLog) -> Claimer:
    """Return the claimer on the journal that ``[journal]`` names."""
    journal = journal_of(settings.journal, settings.claims.node_id, clock)
    beat = None if settings.journal.connection.reveal() == MEMORY else settings.journal
    return Claimer(placement, journal, settings.claims, clock, beat=beat, log=log)


def journal_of(settings: JournalSettings, node_id: str, clock: Clock) -> Journal:
    """Return the journal that ``[journal]`` names, as a new owner. Raises InvalidSettings and JournalUnavailable."""
    if settings.connection.reveal() == MEMORY:
        return MemoryJournal(settings.keep_claims)
    from scheduler.claims.sql_journal import open_journal  # noqa: PLC0415  (brings SQLAlchemy)

    return open_journal(settings, node_id, clock)


def placement_of(conf: cfg.ConfigOpts, http_adapter: HttpAdapter | None, clock: Clock) -> PlacementClient:
    """Return the client that ``[placement]`` describes; InvalidSettings says what is wrong there."""
    try:
        return placement_client.config.client_from(conf, http_adapter, clock)
    except (ValueError, InsecureEndpoint) as error:
        problem = str(error)
    raise InvalidSettings(problem)


def host_source_of(conf: cfg.ConfigOpts, placement: PlacementClient, clock: Clock, log: EventLog) -> HostSource:
    """Return where ``[hosts]`` says that the facts of hosts come from."""
    settings = config.hosts_from(conf)
    listing = PlacementHostSource(placement, clock, settings.refresh_interval_s, settings.details, log)
    if settings.source == "file" and settings.hosts_file:
        from scheduler.hosts.file import FileHostSource  # noqa: PLC0415  (brings PyYAML)

        return FileHostSource(settings.hosts_file, listing, clock)
    return listing


def warnings_of(conf: cfg.ConfigOpts) -> tuple[str, ...]:
    """Return what an operator is to be warned of at every start. Raises InvalidSettings."""
    seeded = config.randomness_from(conf).source == "seeded"
    return (*placement_client.config.warnings_of(conf), *([SEEDED] if seeded else []))


def random_source_of(conf: cfg.ConfigOpts) -> RandomSource:
    """Return the random source that ``[randomness]`` names."""
    settings = config.randomness_from(conf)
    if settings.source == "seeded" and settings.seed:
        return SeededRandomSource(settings.seed.reveal().encode())
    return SystemRandomSource()


def records_of(settings: ExplainSettings) -> RecordStore:
    """Return where ``[explain]`` says that decision records are kept."""
    if settings.record_dir:
        return DirectoryRecords(
            settings.record_dir,
            settings.max_records,
            max_record_bytes=settings.max_record_bytes,
            max_total_bytes=settings.max_total_bytes,
            keep_days=settings.keep_days,
        )
    return MemoryRecords(settings.max_records)


def authorizer_of(conf: cfg.ConfigOpts) -> Authorize:
    """Return who says what a context may do: the file that ``[policy]`` names, or the rule without one."""
    file = config.policy_from(conf).policy_file
    if not file:
        return by_elevation
    from scheduler.policy import PolicyFile  # noqa: PLC0415  (brings oslo.policy)

    return PolicyFile(file)


def log_of(conf: cfg.ConfigOpts, clock: Clock = SYSTEM_CLOCK) -> EventLog:
    """Return the log whose pseudonyms are made with the key that ``[logging]`` names, or with one of its own."""
    key_file = config.logging_from(conf).pseudonym_key_file
    return EventLog(Pseudonyms(key_from_file(key_file)) if key_file else None, clock)


def release() -> str:
    """Return the version of this package, "0" where it is not installed."""
    try:
        return importlib.metadata.version("placement-scheduler")
    except importlib.metadata.PackageNotFoundError:
        return "0"
