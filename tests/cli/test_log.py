"""The log of the command goes where the configuration says, and nowhere else."""

import stat

import pytest


@pytest.mark.parametrize("command", [["check"], ["recover"]])
def test_every_command_that_builds_a_scheduler_logs_where_it_is_told_to(configured, tmp_path, command):
    """By default nowhere, which the tests of each command see; the file is for its owner alone."""
    file = tmp_path / "log" / "scheduler.log"
    file.parent.mkdir()
    console = configured(f"[DEFAULT]\nlog_file = {file}\n")
    done = console(*command)
    assert (done.returncode, done.stderr) == (0, "")
    assert " INFO scheduler [-] log_started release=" in file.read_text()
    assert " WARNING scheduler [-] unsafe_setting setting=" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_option_of_the_log_that_cannot_be_used_is_named_by_check(configured):
    done = configured("[DEFAULT]\nlog_config_append = /nowhere/at/all\n")("check")
    assert done.returncode == 3
    assert "FAIL  configuration: [DEFAULT] the options of oslo.log cannot be used" in done.stdout
