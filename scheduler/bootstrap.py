"""The composition root: the one file that names concrete classes."""

import secrets

from oslo_config import cfg

import placement_client.config
from placement_client.client import PlacementClient
from placement_client.clock import SYSTEM_CLOCK, Clock
from placement_client.errors import InsecureEndpoint
from placement_client.redaction import install_guards
from placement_client.transport import HttpAdapter
from scheduler import config
from scheduler.claims import Claimer
from scheduler.claims.sql_journal import open_journal
from scheduler.errors import InvalidSettings
from scheduler.explain.observers import Observer, RecordStore
from scheduler.filter_scheduler import FilterScheduler
from scheduler.filters import load_filters
from scheduler.hosts import FileHostSource, HostSource, PlacementHostSource
from scheduler.logs import Pseudonyms, RequestLog, key_from_file
from scheduler.randomness import RandomSource, SeededRandomSource, SystemRandomSource
from scheduler.records import DirectoryRecords, MemoryRecords
from scheduler.selection import Plugins
from scheduler.settings import ExplainSettings, SchedulerSettings
from scheduler.weighers import load_weighers

MEMORY = "memory://"


def build(
    conf: cfg.ConfigOpts,
    hosts: HostSource | None = None,
    random_source: RandomSource | None = None,
    *,
    clock: Clock = SYSTEM_CLOCK,
    http_adapter: HttpAdapter | None = None,
    observers: tuple[Observer, ...] = (),
) -> FilterScheduler:
    """Return the scheduler that a configuration describes; a context manager, closed by who built it.

    ``hosts`` and ``random_source`` take the place of what the configuration names. ``observers`` are called with the
    decision record of every request. ``http_adapter`` and ``clock`` are for tests. Nothing is sent before the first
    request, but for what a dead scheduler left, which is recovered first. Raises InvalidSettings naming section and
    option, and JournalUnavailable.
    """
    install_guards()
    settings = config.settings_from(conf)
    placement = placement_of(conf, http_adapter, clock)
    plugins = Plugins(load_filters(settings.filters), load_weighers(settings.weighers), settings.order)
    log = RequestLog(pseudonyms_of(conf))
    scheduler = FilterScheduler(
        placement=placement,
        hosts=hosts or host_source_of(conf, placement, clock),
        plugins=plugins,
        claimer=claimer_of(settings, placement, clock),
        random_source=random_source or random_source_of(conf),
        settings=settings,
        clock=clock,
        records=records_of(settings.explain),
        observers=(log, *observers),
    )
    scheduler.recover()
    return scheduler


def claimer_of(settings: SchedulerSettings, placement: PlacementClient, clock: Clock) -> Claimer:
    """Return the claimer on the journal that ``[journal]`` names."""
    journal = open_journal(settings.journal, settings.claims.node_id, clock)
    beat = None if settings.journal.connection == MEMORY else settings.journal
    return Claimer(placement, journal, settings.claims, clock, beat=beat)


def placement_of(conf: cfg.ConfigOpts, http_adapter: HttpAdapter | None, clock: Clock) -> PlacementClient:
    """Return the client that ``[placement]`` describes; InvalidSettings says what is wrong there."""
    try:
        return placement_client.config.client_from(conf, http_adapter, clock)
    except (ValueError, InsecureEndpoint) as error:
        problem = str(error)
    raise InvalidSettings(problem)


def host_source_of(conf: cfg.ConfigOpts, placement: PlacementClient, clock: Clock) -> HostSource:
    """Return where ``[hosts]`` says that the facts of hosts come from."""
    settings = config.hosts_from(conf)
    listing = PlacementHostSource(placement, clock, settings.refresh_interval_s, settings.details)
    if settings.source == "file" and settings.hosts_file:
        return FileHostSource(settings.hosts_file, listing, clock)
    return listing


def random_source_of(conf: cfg.ConfigOpts) -> RandomSource:
    """Return the random source that ``[randomness]`` names."""
    settings = config.randomness_from(conf)
    if settings.source == "seeded" and settings.seed:
        return SeededRandomSource(settings.seed.encode())
    return SystemRandomSource()


def records_of(settings: ExplainSettings) -> RecordStore:
    """Return where ``[explain]`` says that decision records are kept."""
    if settings.record_dir:
        return DirectoryRecords(settings.record_dir, settings.max_records)
    return MemoryRecords(settings.max_records)


def pseudonyms_of(conf: cfg.ConfigOpts) -> Pseudonyms:
    """Return the pseudonyms under the key that ``[logging]`` names, or under a key of this process alone."""
    key_file = config.logging_from(conf).pseudonym_key_file
    return Pseudonyms(key_from_file(key_file) if key_file else secrets.token_bytes(32))
