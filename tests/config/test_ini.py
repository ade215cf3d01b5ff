"""An ini file is read as it is written: what is unknown, doubled or wrong is reported with its place, all at once."""

import logging
from pathlib import Path

import pytest
from keystoneauth1 import loading

from scheduler.config import load_config, randomness_from, settings_from
from scheduler.errors import InvalidSettings
from scheduler.settings import SchedulerSettings


@pytest.fixture
def ini(tmp_path):
    """Write an ini file and return its path."""

    def write(text: str | bytes) -> str:
        path = tmp_path / "scheduler.ini"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def refusal(path: str) -> tuple[str, ...]:
    with pytest.raises(InvalidSettings) as caught:
        load_config(path)
    assert caught.value.__context__ is None
    return tuple(problem.removeprefix(f"{path}: ") for problem in caught.value.problems)


def test_an_empty_file_gives_the_defaults(ini):
    settings = settings_from(load_config(ini("")))
    assert settings.order == SchedulerSettings().order
    assert settings.max_attempts == 3


def test_values_come_from_the_file_and_not_from_the_environment(ini, monkeypatch):
    monkeypatch.setenv("OS_SCHEDULER__MAX_ATTEMPTS", "9")
    monkeypatch.setenv("OS_SCHEDULER__MAX_INSTANCES", "9")
    settings = settings_from(load_config(ini("[scheduler]\nmax_attempts = 7\n")))
    assert (settings.max_attempts, settings.max_instances) == (7, 100)


def test_two_files_do_not_share_anything(ini):
    first = load_config(ini("[scheduler]\nmax_attempts = 7\n"))
    second = load_config(ini("[scheduler]\nmax_attempts = 8\n"))
    assert (settings_from(first).max_attempts, settings_from(second).max_attempts) == (7, 8)


def test_a_missing_file_is_named():
    with pytest.raises(InvalidSettings, match=r"\A/nowhere/x\.ini: cannot be read: No such file or directory\Z"):
        load_config("/nowhere/x.ini")


def test_a_directory_is_not_read(tmp_path):
    assert refusal(str(tmp_path)) == ("cannot be read: Is a directory",)


def test_a_line_that_is_nothing_is_named_by_its_number_and_never_shown(ini):
    assert refusal(ini("[placement]\npassword hunter2\n")) == ("line 2: No ':' or '=' found in assignment",)


def test_text_that_is_not_utf8_is_refused(ini):
    assert refusal(ini(b"[scheduler]\n# \xff\xfe\n")) == ("is not UTF-8 text",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[schedular]\n", "[schedular]: unknown section, did you mean scheduler?"),
        ("[Claims]\n", "[Claims]: unknown section, did you mean claims?"),
        ("[zzz]\n", "[zzz]: unknown section"),
        ("[scheduler]\nmax_atempts = 3\n", "[scheduler] max_atempts: unknown option, did you mean max_attempts?"),
        ("[claims]\nfoo = 3\n", "[claims] foo: unknown option"),
        ("[DEFAULT]\ndebgu = true\n", "[DEFAULT] debgu: unknown option, did you mean debug?"),
        ("[DEFAULT]\nclaims = 1\n", "[DEFAULT] claims: unknown option"),
        ("[placement]\ncafil = x\n", "[placement] cafil: unknown option, did you mean cafile?"),
        ("[placement]\nauth-url = x\n", "[placement] auth-url: unknown option, did you mean auth_url?"),
        ("[scheduler]\nmax_attempts = 3\nmax_attempts = 4\n", "[scheduler] max_attempts: given 2 times"),
        ("[scheduler]\nmax_attempts = x\n", "[scheduler] max_attempts: expected a whole number from 1 to 100"),
        ("[scheduler]\nmax_attempts = 0\n", "[scheduler] max_attempts: expected a whole number from 1 to 100"),
        ("[scheduler]\nrequest_timeout = nan\n", "[scheduler] request_timeout: expected a number from 0.001 to 86400"),
        ("[scheduler]\nrequest_timeout = inf\n", "[scheduler] request_timeout: expected a number from 0.001 to 86400"),
        (
            "[filter_scheduler]\nram_weight_multiplier = inf\n",
            "[filter_scheduler] ram_weight_multiplier: expected a number",
        ),
        (
            "[filter_scheduler]\nshuffle_best_same_weighed_hosts = maybe\n",
            "[filter_scheduler] shuffle_best_same_weighed_hosts: expected true or false",
        ),
        (
            "[filter_scheduler]\nweight_normalization = min-max\n",
            "[filter_scheduler] weight_normalization: expected one of nova, bounded",
        ),
        (
            "[filter_scheduler]\npci_weight_multiplier = -1\n",
            "[filter_scheduler] pci_weight_multiplier: expected a number from 0 to 1e+100",
        ),
        *(
            (f"[metrics]\nweight_setting = {text}\n", f"[metrics] weight_setting: expected {expected}")
            for text, expected in (
                ("cpu.percent", "name=ratio pairs, each ratio a number"),
                ("cpu.percent=", "name=ratio pairs, each ratio a number"),
                ("=1", "name=ratio pairs, each ratio a number"),
                ("a=1,b=fast", "name=ratio pairs, each ratio a number"),
                ("a=nan", "name=ratio pairs, each ratio a number"),
                ("a=1,b=2,a=3", "each name once"),
            )
        ),
        (
            "[filter_scheduler]\nimage_props_weight_setting = os_distro\n",
            "[filter_scheduler] image_props_weight_setting: expected name=ratio pairs, each ratio a number",
        ),
        ("[claims]\nverify = sometimes\n", "[claims] verify: expected one of tight, always, never"),
        ("[claims]\ntight_share = 1.5\n", "[claims] tight_share: expected a number from 0 to 1"),
        ("[claims]\nnode_id = a b\n", "[claims] node_id: expected 1 to 255 letters, digits, '.', '_' or '-'"),
        ("[claims]\nbackoff_base = 2\n", "[claims] backoff_base: expected no more than backoff_cap"),
        ("[hosts]\nsource = file\n", "[hosts] hosts_file: needed by source = file"),
        ("[hosts]\nhosts_file = x\n", "[hosts] hosts_file: has no effect unless source = file"),
        ("[randomness]\nsource = seeded\nallow_seeded = true\n", "[randomness] seed: needed by source = seeded"),
        (
            "[randomness]\nsource = seeded\nseed = s\n",
            (
                "[randomness] source: seeded lets whoever knows the seed foresee every placement; for tests and "
                "replay, set allow_seeded = true"
            ),
        ),
        ("[randomness]\nseed = s\n", "[randomness] seed: has no effect unless source = seeded"),
        (
            "[randomness]\nsource = seeded\nseed = $nothing\n",
            "[randomness] seed: cannot be read; write $$ for a dollar sign",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_section_and_option(ini, text, problem):
    assert refusal(ini(text)) == (problem,)


def test_all_problems_come_at_once(ini):
    text = "[scheduler]\nmax_attempts = x\nmax_instances = 0\n[claims]\nverify = no\n[explain]\nprobes = -1\n"
    assert len(refusal(ini(text))) == 4


def test_a_value_never_appears_in_a_message(ini):
    found = refusal(ini("[scheduler]\nmax_attempts = canary\n[claims]\nnode_id = canary canary\nverify = canary\n"))
    assert "canary" not in "".join(found)


def test_options_of_the_log_and_a_section_for_authentication_are_known(ini):
    text = "[DEFAULT]\ndebug = true\nlog_file = x\n[placement]\nauth_section = keys\n[keys]\npassword = x\n"
    assert load_config(ini(text)).debug is True


def test_every_option_of_every_auth_plugin_is_accepted(ini):
    """Only what looks like a misspelt option is refused in [placement]; the plugins know their own."""
    names = {
        option.dest
        for plugin in loading.get_available_plugin_names()
        for option in loading.get_auth_plugin_conf_options(plugin)
    }
    load_config(ini("[placement]\n" + "".join(f"{name} = 1\n" for name in sorted(names))))


def test_reading_does_not_touch_the_loggers_of_the_application(ini):
    before = list(logging.getLogger().handlers)
    load_config(ini("[DEFAULT]\ndebug = true\n"))
    assert logging.getLogger().handlers == before


def test_a_dollar_sign_is_written_twice(ini):
    conf = load_config(ini("[randomness]\nsource = seeded\nallow_seeded = true\nseed = a$$b\n"))
    assert randomness_from(conf).seed.reveal() == "a$b"


def test_the_sample_is_a_file_that_loads():
    conf = load_config(str(Path(__file__).parents[2] / "etc" / "scheduler.ini.sample"))
    assert settings_from(conf).claims.node_id
