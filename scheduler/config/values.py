"""From option values to frozen settings; every problem is reported at once, with its section and option."""

import math
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import fields
from typing import Any, TypeVar

from oslo_config import cfg

from placement_client.secret import Secret
from scheduler import settings
from scheduler.config.options import SECTIONS
from scheduler.config.settings import HostsSettings, LoggingSettings, PolicySettings, RandomnessSettings
from scheduler.errors import InvalidSettings

NODE_ID = re.compile(r"[A-Za-z0-9._-]{1,255}")
T = TypeVar("T")


def settings_from(conf: cfg.ConfigOpts) -> settings.SchedulerSettings:
    """Return the settings of the scheduler. Raises InvalidSettings with every problem of all sections."""
    _checked(conf)
    return settings.SchedulerSettings(
        filters=_read(conf.filter_scheduler, settings.FilterSettings),
        weighers=_read(conf.filter_scheduler, settings.WeigherSettings),
        order=_read(conf.filter_scheduler, settings.OrderSettings),
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
    found = {f: f.name.removesuffix("_s") for f in fields(kind) if f.name.removesuffix("_s") in group}
    return {f.name: _frozen(f.type, group[option]) for f, option in found.items()}


def _frozen(kind: Any, value: Any) -> Any:
    """Return a value as settings hold it."""
    if kind in (Secret[str], Secret[str] | None) and value is not None:
        return Secret(value)
    return tuple(value) if isinstance(value, list) else value


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
    if conf.explain.max_record_bytes > conf.explain.max_total_bytes:
        yield "[explain] max_record_bytes: expected no more than max_total_bytes"
    yield from _contradicting_sources(conf)


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
