"""On the command line the policy asks about the user of the operating system, and a refusal is one clear line."""

import grp
import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from scheduler.cli.operator import operator
from scheduler.config import load_config
from tests.cli.conftest import Console
from tests.cli.test_schedule import REQUEST

LOGIN = pwd.getpwuid(os.geteuid()).pw_name
GROUP = grp.getgrgid(os.getegid()).gr_name
COMMANDS = {
    "explain:read": ("explain",),
    "audit:read": ("audit",),
    "audit:heal": ("audit", "--heal"),
    "recover:run": ("recover",),
}


@pytest.fixture
def ruled(configured: Callable[..., Console], tmp_path: Path) -> Callable[[str], Console]:
    """Make a console with records and this policy."""

    def make(rules: str) -> Console:
        (tmp_path / "policy.yaml").write_text(rules)
        return configured(
            f"[explain]\nrecord_dir = {tmp_path / 'records'}\n[policy]\npolicy_file = {tmp_path / 'policy.yaml'}\n"
        )

    return make


@pytest.mark.parametrize("action", COMMANDS)
def test_a_refusal_names_action_user_and_rule(ruled: Callable[[str], Console], action: str) -> None:
    """Nothing else is printed, and nothing was asked of Placement, whose answer would show."""
    others = "".join(f'{one}: "@"\n' for one in COMMANDS if one != action)
    done = ruled(others)(*COMMANDS[action])
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f'{action}: {LOGIN} may not do this; a rule "{action}"')
    assert GROUP in line
    assert "[policy] policy_file" in line


def test_the_login_name_and_the_groups_are_asked_about(ruled: Callable[[str], Console]) -> None:
    console = ruled(f"recover:run: role:{GROUP} and user_id:{LOGIN} and not is_elevated:True")
    assert console("recover").returncode == 0


def test_the_environment_does_not_change_who_asks(
    ruled: Callable[[str], Console], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``getpass.getuser`` would believe it."""
    console = ruled("recover:run: user_id:trusted")
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, "trusted")
    context = operator(load_config(str(console.ini)))
    assert (context.user_id, context.is_elevated) == (LOGIN, False)
    assert GROUP in context.roles


def test_without_a_policy_whoever_reads_the_ini_may_do_everything(console: Console) -> None:
    assert operator(load_config(str(console.ini))).is_elevated
    assert console("recover").returncode == 0


def test_a_policy_says_who_may_force_hosts_from_the_command_line(ruled: Callable[[str], Console]) -> None:
    console = ruled('schedule:create: "@"')
    assert console.schedule(REQUEST).returncode == 0
    done = console.schedule(REQUEST | {"force_hosts": ["h1"]})
    assert done.returncode == 2
    assert done.stderr.startswith("schedule:force_host is refused by the policy file")


@pytest.mark.parametrize("command", [("check",), ("audit",)])
def test_a_policy_that_cannot_be_used_is_wrong_configuration(
    ruled: Callable[[str], Console], command: tuple[str, ...]
) -> None:
    done = ruled('audit:reed: "@"')(*command)
    assert done.returncode == 3
    assert "[policy] policy_file: audit:reed: unknown action, did you mean audit:read?" in done.stdout + done.stderr
