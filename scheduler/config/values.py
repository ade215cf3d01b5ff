"""From option values to frozen settings; every problem is reported at once, with its section and option."""

import math
import os
import re
import socket
from collections.abc import Iterator
from typing import Any, TypeVar

from msgspec import structs
from oslo_config import cfg

from placement_client.secret import Secret
from scheduler import settings
from scheduler.config.options import SECTIONS
from scheduler.config.pci import aliases_from, wrong_aliases
from scheduler.config.settings import HostsSettings, LoggingSettings, PolicySettings, RandomnessSettings
from scheduler.errors import InvalidSettings
from scheduler.model.facts import number_in

NODE_ID = re.compile(r"[A-Za-z0-9._-]{1,255}")
T = TypeVar("T")


def settings_from(conf: cfg.ConfigOpts) -> settings.SchedulerSettings:
    """Return the settings of the scheduler. Raises InvalidSettings with every problem of all sections."""
    _checked(conf)
    return settings.SchedulerSettings(
        prefilters=_read(conf.scheduler, settings.PrefilterSettings),
        question=_read(conf.filter_scheduler, settings.QuestionSettings),
        workarounds=_read(conf.workarounds, settings.WorkaroundSettings),
        pci=settings.PciSettings(aliases_from(conf.pci.alias)),
        filters=_read(conf.filter_scheduler, settings.FilterSettings),
        weighers=_read(conf.filter_scheduler, settings.WeigherSettings),
        order=_read(conf.filter_scheduler, settings.OrderSettings),
        metrics=_read(conf.metrics, settings.MetricsSettings),
        claims=_read(conf.claims, settings.ClaimSettings, node_id=conf.claims.node_id or this_process()),
        journal=_read(conf.journal, settings.JournalSettings),
        explain=_read(conf.explain, settings.ExplainSettings),
        **_values(conf.scheduler, settings.SchedulerSettings),
    )


def this_process() -> str:
    """Return a name for this process that no other one has at this time."""
    return f"{socket.gethostname()}.{os.getpid()}"


def hosts_from(conf: cfg.ConfigOpts) -> HostsSettings:
    """Return the settings of the host source. Raises InvalidSettings."""
    return _read(_checked(conf).hosts, HostsSettings)


def randomness_from(conf: cfg.ConfigOpts) -> RandomnessSettings:
    """Return the settings of the random source. Raises InvalidSettings."""
    return _read(_checked(conf).randomness, RandomnessSettings)


def logging_from(conf: cfg.ConfigOpts) -> LoggingSettings:
    """Return the settings of the log. Raises InvalidSettings."""
    return _read(_checked(conf).logging, LoggingSettings)


def policy_from(conf: cfg.ConfigOpts) -> PolicySettings:
    """Return the settings of the policy. Raises InvalidSettings."""
    return _read(_checked(conf).policy, PolicySettings)


def _read(group: Any, kind: type[T], **given: object) -> T:
    return kind(**(_values(group, kind) | given))


def _values(group: Any, kind: Any) -> dict[str, Any]:
    """Return the fields of a settings class that the section has an option for."""
    found = {field.name.removesuffix("_s"): field for field in structs.fields(kind)}
    return {field.name: _frozen(field.type, group[option]) for option, field in found.items() if option in group}


def _frozen(kind: Any, value: Any) -> Any:
    """Return a value as settings hold it."""
    if kind in (Secret[str], Secret[str] | None) and value is not None:
        return Secret(value)
    if kind == settings.Ratios:
        return tuple((name, ratio) for name, ratio in map(_ratio, value) if ratio is not None)
    return tuple(value) if isinstance(value, list) else value


def _ratio(pair: str) -> tuple[str, float | None]:
    """Return what a ``name=ratio`` pair says; no ratio where it is not such a pair."""
    name, _, ratio = (part.strip() for part in pair.partition("="))
    return name, number_in(ratio) if name else None


def _checked(conf: cfg.ConfigOpts) -> cfg.ConfigOpts:
    problems = tuple(wrong(conf))
    if problems:
        raise InvalidSettings(*problems)
    return conf


def wrong(conf: cfg.ConfigOpts) -> Iterator[str]:
    """Yield what is wrong with the values: each by itself, or, when they are fine, together."""
    options = [(section, opt) for section, opts in SECTIONS.items() for opt in opts]
    bad = [f"[{section}] {opt.name}: {_expected(opt)}" for section, opt in options if not _sound(conf, section, opt)]
    yield from bad or _contradictions(conf)


def _sound(conf: cfg.ConfigOpts, section: str, opt: cfg.Opt) -> bool:
    try:
        value = conf[section][opt.name]
    except (cfg.Error, ValueError):
        return False
    return not isinstance(value, float) or math.isfinite(value)


def _expected(opt: cfg.Opt) -> str:
    """Say what an option takes; the value itself stays out of the message."""
    choices = getattr(opt.type, "choices", None)
    if choices:
        return f"expected one of {', '.join(choices)}"
    kind = {cfg.IntOpt: "a whole number", cfg.FloatOpt: "a number", cfg.BoolOpt: "true or false"}.get(type(opt))
    least, most = getattr(opt.type, "min", None), getattr(opt.type, "max", None)
    bounds = f" from {least:g} to {most:.12g}" if least is not None and most is not None else ""
    return f"expected {kind}{bounds}" if kind else "cannot be read; write $$ for a dollar sign"


def _contradictions(conf: cfg.ConfigOpts) -> Iterator[str]:
    """Find options that are right one by one but not together, or whose text no type describes."""
    if conf.claims.node_id is not None and not NODE_ID.fullmatch(conf.claims.node_id):
        yield "[claims] node_id: expected 1 to 255 letters, digits, '.', '_' or '-'"
    if not 1 <= len(conf.claims.reservation_project_id) <= 255:
        yield "[claims] reservation_project_id: expected 1 to 255 characters"
    if conf.journal.heartbeat * 2 > conf.journal.lease:
        yield "[journal] heartbeat: expected no more than half of lease"
    if conf.claims.backoff_base > conf.claims.backoff_cap:
        yield "[claims] backoff_base: expected no more than backoff_cap"
    if conf.scheduler.placement_aggregate_required_for_tenants and not (
        conf.scheduler.limit_tenants_to_placement_aggregate
    ):
        yield (
            "[scheduler] placement_aggregate_required_for_tenants: has no effect without "
            "limit_tenants_to_placement_aggregate"
        )
    if conf.explain.max_record_bytes > conf.explain.max_total_bytes:
        yield "[explain] max_record_bytes: expected no more than max_total_bytes"
    yield from wrong_aliases(conf.pci.alias)
    if conf.pci.alias and not conf.filter_scheduler.pci_in_placement:
        yield "[pci] alias: has no effect without [filter_scheduler] pci_in_placement"
    yield from _contradicting_sources(conf)
    yield from _wrong_ratios("[filter_scheduler] image_props_weight_setting", conf.filter_scheduler)
    yield from _wrong_ratios("[metrics] weight_setting", conf.metrics)


def _wrong_ratios(option: str, group: Any) -> Iterator[str]:
    pairs = [_ratio(pair) for pair in group[option.rpartition(" ")[2]]]
    names = [name for name, _ in pairs]
    if any(ratio is None for _, ratio in pairs):
        yield f"{option}: expected name=ratio pairs, each ratio a number"
    elif len(set(names)) < len(names):
        yield f"{option}: expected each name once"


def _contradicting_sources(conf: cfg.ConfigOpts) -> Iterator[str]:
    """Find options that a source needs or ignores."""
    if conf.hosts.source == "file" and not conf.hosts.hosts_file:
        yield "[hosts] hosts_file: needed by source = file"
    if conf.hosts.source != "file" and conf.hosts.hosts_file:
        yield "[hosts] hosts_file: has no effect unless source = file"
    if conf.randomness.source == "seeded" and not conf.randomness.allow_seeded:
        yield (
            "[randomness] source: seeded lets whoever knows the seed foresee every placement; for tests and replay, "
            "set allow_seeded = true"
        )
    if conf.randomness.source == "seeded" and not conf.randomness.seed:
        yield "[randomness] seed: needed by source = seeded"
    if conf.randomness.source != "seeded" and conf.randomness.seed:
        yield "[randomness] seed: has no effect unless source = seeded"
