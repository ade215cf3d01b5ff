"""The command itself: version, help, usage, and what happens to errors nobody expected."""

import importlib.metadata
import re
import subprocess

import pytest

from placement_client.errors import InsecureEndpoint, NotSent
from scheduler.cli.exits import MEANINGS, ExitStatus, status_of
from scheduler.cli.main import _print_defect, _print_error
from scheduler.errors import (
    ClaimInDoubt,
    InstanceConflict,
    InvalidRequest,
    InvalidSettings,
    JournalUnavailable,
    NotPermitted,
    NoValidHost,
    PluginFailed,
    SchedulingUnavailable,
)
from tests.architecture.source import ROOT
from tests.cli.conftest import COMMAND, ENVIRONMENT, Done


def _run(*arguments: str) -> Done:
    return subprocess.run([*COMMAND, *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NoValidHost(), 1),
        (InvalidRequest("x"), 2),
        (NotPermitted(), 2),
        (InstanceConflict(), 2),
        (InvalidSettings("x"), 3),
        (InsecureEndpoint(), 3),
        (SchedulingUnavailable(), 4),
        (PluginFailed("RAMWeigher", "KeyError"), 4),
        (NotSent(), 4),
        (ClaimInDoubt(), 5),
    ],
)
def test_every_error_has_its_status(error, status: int) -> None:
    assert status_of(error) == status


def test_help_documents_every_exit_status() -> None:
    done = _run("--help")
    assert done.returncode == 0
    assert all(re.search(rf"^ +{status:d}  {re.escape(MEANINGS[status])}$", done.stdout, re.M) for status in ExitStatus)


def test_the_manual_documents_every_exit_status() -> None:
    manual = (ROOT / "docs/cli.md").read_text()
    assert set(re.findall(r"^\| (\d+) \|", manual, re.M)) == {str(int(status)) for status in ExitStatus}


@pytest.mark.parametrize("arguments", [[], ["schedule"], ["--config-file", "x"], ["--config-file", "x", "dance"]])
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    done = _run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: placement-scheduler")


def test_the_version_is_the_distributions() -> None:
    try:
        version = importlib.metadata.version("placement-scheduler")
    except importlib.metadata.PackageNotFoundError:
        version = "(not installed)"
    assert _run("--version").stdout == f"placement-scheduler {version}\n"


def test_a_missing_configuration_is_3_and_named() -> None:
    done = _run("--config-file", "nowhere.ini", "check")
    assert done.returncode == 3
    assert "nowhere.ini" in done.stdout


def test_a_defect_is_70_and_shows_where_but_not_what(capsys) -> None:
    """The text of an unexpected error may hold anything."""
    with pytest.raises(ValueError, match="canary") as caught:
        int("can" + "ary")
    assert _print_defect(caught.value) == 70
    shown = capsys.readouterr()
    assert "ValueError" in shown.err
    assert re.search(r"test_main\.py:\d+ in test_a_defect_is_70_and_shows_where_but_not_what\n", shown.err)
    assert "canary" not in shown.out + shown.err


def test_the_operator_is_told_what_failed_although_the_text_of_the_error_does_not_say(capsys) -> None:
    error = JournalUnavailable("req-1", reason="journal_full", detail="The journal of claims cannot be used.")
    assert _print_error(error) == 4
    told = ("Scheduling is not available at the moment.", "The journal of claims cannot be used.")
    assert capsys.readouterr().err.splitlines() == [*told, "Request req-1, reason journal_full"]
