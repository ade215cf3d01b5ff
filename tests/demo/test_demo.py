"""The demo as a newcomer runs it, only shorter; and the server that stays, with the commands it recommends."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from demo.__main__ import demonstrate
from demo.run import StopRule
from tests.architecture.source import ROOT

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
SHORT = StopRule(at_least=30, at_most=40)


def test_a_short_run_is_proved(capsys: pytest.CaptureFixture[str]) -> None:
    status = demonstrate(1, SHORT)
    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert len([line for line in lines if line.startswith("PROOF ok")]) == 4
    assert any(re.match(r"requests +40 in ", line) for line in lines)
    assert any(re.match(r"PGPU +[\d,]+ of 610 in use, ", line) for line in lines)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server that stays runs."""
    return tmp_path_factory.mktemp("clone")


@pytest.fixture(scope="module")
def server(directory: Path):
    """``make demo-server``, up and loaded; yields what it printed, and sees it end well."""
    process = subprocess.Popen(
        [sys.executable, "-m", "demo", "--serve"], env=ENVIRONMENT, cwd=directory, stdout=subprocess.PIPE, text=True
    )
    printed = []
    try:
        for line in process.stdout:
            printed.append(line.rstrip())
            if "until Ctrl-C" in line:
                break
        yield printed
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_commands_that_are_recommended_work(server: list[str], directory: Path) -> None:
    commands = [line.strip() for line in server if " --config-file " in line]
    done = [
        subprocess.run(command, shell=True, env=ENVIRONMENT, cwd=directory, capture_output=True, text=True, check=False)
        for command in commands
    ]
    assert [one.returncode for one in done] == [0, 0, 0, 1, 0], [one.stderr for one in done]
    assert "FAIL" not in done[0].stdout
    assert done[1].stdout.count("PGPU 1") == 2
    assert "without trait CUSTOM_GPU_A10" in done[4].stdout


def test_a_second_server_is_refused(server: list[str], directory: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--serve"],
        env=ENVIRONMENT,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "running already" in done.stderr
