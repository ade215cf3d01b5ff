"""Every settings field has its option, with the same default, and arrives where it belongs."""

import os
import socket

import pytest
from msgspec import NODEFAULT, structs
from oslo_config import cfg

from scheduler import settings
from scheduler.config import (
    HostsSettings,
    LoggingSettings,
    PolicySettings,
    RandomnessSettings,
    hosts_from,
    list_opts,
    logging_from,
    policy_from,
    randomness_from,
    register_opts,
    settings_from,
)
from scheduler.errors import InvalidSettings

WHERE = {
    settings.PrefilterSettings: "scheduler",
    settings.QuestionSettings: "filter_scheduler",
    settings.WorkaroundSettings: "workarounds",
    settings.PciSettings: "pci",
    settings.FilterSettings: "filter_scheduler",
    settings.WeigherSettings: "filter_scheduler",
    settings.OrderSettings: "filter_scheduler",
    settings.MetricsSettings: "metrics",
    settings.ClaimSettings: "claims",
    settings.JournalSettings: "journal",
    settings.ExplainSettings: "explain",
    HostsSettings: "hosts",
    RandomnessSettings: "randomness",
    LoggingSettings: "logging",
    PolicySettings: "policy",
}


@pytest.fixture
def conf():
    """Give the options as a controller registers them on its own configuration."""
    conf = cfg.ConfigOpts()
    register_opts(conf)
    conf(args=[], default_config_files=[], default_config_dirs=[], use_env=False)
    return conf


def options() -> set[tuple[str, str]]:
    return {(section, opt.name) for section, opts in list_opts() for opt in opts}


def test_every_settings_field_has_an_option_and_every_option_a_field():
    expected = {(where, f.name.removesuffix("_s")) for kind, where in WHERE.items() for f in structs.fields(kind)}
    plain = [f.name for f in structs.fields(settings.SchedulerSettings) if f.default is not NODEFAULT]
    expected |= {("scheduler", name.removesuffix("_s")) for name in plain}
    assert options() == expected


def test_defaults_are_those_of_the_settings(conf):
    expected = settings.SchedulerSettings()
    claims = structs.replace(expected.claims, node_id=f"{socket.gethostname()}.{os.getpid()}")
    expected = structs.replace(expected, claims=claims)
    assert settings_from(conf) == expected
    assert hosts_from(conf) == HostsSettings()
    assert randomness_from(conf) == RandomnessSettings()
    assert logging_from(conf) == LoggingSettings()
    assert policy_from(conf) == PolicySettings()


def test_every_option_explains_itself():
    assert [opt.name for _, opts in list_opts() for opt in opts if not (opt.help or "").endswith(".")] == []


def test_values_arrive(conf):
    conf.set_override("node_id", "n1", "claims")
    conf.set_override("enabled_filters", ["ComputeFilter"], "filter_scheduler")
    conf.set_override("request_timeout", 5.5, "scheduler")
    conf.set_override("ram_weight_multiplier", -2.0, "filter_scheduler")
    conf.set_override("probes", 4, "explain")
    found = settings_from(conf)
    assert found.claims.node_id == "n1"
    assert found.filters.enabled_filters == ("ComputeFilter",)
    assert (found.request_timeout_s, found.weighers.ram_weight_multiplier, found.explain.probes) == (5.5, -2.0, 4)


def test_ratios_arrive_as_names_and_numbers(conf):
    conf.set_override("weight_setting", ["cpu.percent=-1", " heat = 2.5 "], "metrics")
    conf.set_override("image_props_weight_setting", ["os_distro=1e2"], "filter_scheduler")
    conf.set_override("required", False, "metrics")
    found = settings_from(conf)
    assert found.metrics == settings.MetricsSettings((("cpu.percent", -1.0), ("heat", 2.5)), required=False)
    assert found.weighers.image_props_weight_setting == (("os_distro", 100.0),)


def test_a_controller_with_its_own_options_gets_every_problem_too(conf):
    conf.set_override("source", "seeded", "randomness")
    conf.set_override("source", "file", "hosts")
    with pytest.raises(InvalidSettings) as caught:
        settings_from(conf)
    assert len(caught.value.problems) == 3
    for read in (hosts_from, randomness_from, logging_from):
        with pytest.raises(InvalidSettings):
            read(conf)


def test_the_seed_is_not_shown_when_options_are_logged():
    (seed,) = [opt for section, opts in list_opts() for opt in opts if (section, opt.name) == ("randomness", "seed")]
    assert seed.secret
