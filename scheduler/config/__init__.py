"""The ini file: options on a given ``ConfigOpts``, and the frozen settings they become."""

from scheduler.config.ini import load_config
from scheduler.config.options import list_opts, register_opts
from scheduler.config.settings import HostsSettings, LoggingSettings, PolicySettings, RandomnessSettings
from scheduler.config.values import hosts_from, logging_from, policy_from, randomness_from, settings_from

__all__ = [
    "load_config",
    "register_opts",
    "list_opts",
    "settings_from",
    "hosts_from",
    "randomness_from",
    "logging_from",
    "policy_from",
    "HostsSettings",
    "RandomnessSettings",
    "LoggingSettings",
    "PolicySettings",
]
