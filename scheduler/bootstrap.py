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
from scheduler.claims import Claimer, MemoryJournal
from scheduler.errors import InvalidSettings
from scheduler.filter_scheduler import FilterScheduler, Observer
from scheduler.filters import load_filters
from scheduler.hosts import FileHostSource, HostSource, PlacementHostSource
from scheduler.logs import Pseudonyms, RequestLog, key_from_file
from scheduler.randomness import RandomSource, SeededRandomSource, SystemRandomSource
from scheduler.records import DirectoryRecords, MemoryRecords, RecordStore
from scheduler.selection import Plugins
from scheduler.settings import ExplainSettings
from scheduler.weighers import load_weighers


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
    request. Raises InvalidSettings naming section and option.
    """
    install_guards()
    settings = config.settings_from(conf)
    placement = placement_of(conf, http_adapter, clock)
    records = records_of(settings.explain)
    return FilterScheduler(
        placement=placement,
        hosts=hosts or host_source_of(conf, placement, clock),
        plugins=Plugins(load_filters(settings.filters), load_weighers(settings.weighers), settings.order),
        claimer=Claimer(placement, MemoryJournal(), settings.claims, clock),
        random_source=random_source or random_source_of(conf),
        settings=settings,
        clock=clock,
        records=records,
        observers=(RequestLog(pseudonyms_of(conf)), *observers),
    )


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
