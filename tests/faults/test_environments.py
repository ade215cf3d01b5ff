"""The environments that comparisons are made in: each is made once, and again when something else belongs into it."""

import sys
from pathlib import Path

import pytest

from faults import environments
from faults.environments import CannotInstall, library_installed, nova_installed


@pytest.fixture
def called(monkeypatch) -> list[list[str]]:
    calls: list[list[str]] = []

    def call(command: list[str]) -> None:
        calls.append(list(command))
        Path(calls[0][-1]).mkdir(exist_ok=True)

    monkeypatch.setattr(environments, "_call", call)
    return calls


def test_nova_is_installed_once(called, tmp_path) -> None:
    folder = tmp_path / "nova"
    assert nova_installed(folder) == nova_installed(folder) == folder / "bin" / "python"
    assert called == [
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "nova==34.*"],
    ]


def test_the_library_is_given_what_is_locked_and_again_when_that_changes(called, monkeypatch, tmp_path) -> None:
    lock = tmp_path / "runtime.lock"
    monkeypatch.setattr(environments, "LOCK", lock)
    for text in ("numpy==1", "numpy==1", "numpy==2"):
        lock.write_text(text)
        library_installed(tmp_path / "library")
    assert [call[-2:] for call in called if "pip" in call] == [["--requirement", str(lock)]] * 2
    assert "--require-hashes" in called[1]


def test_what_could_not_be_installed_is_tried_again(called, monkeypatch, tmp_path) -> None:
    folder, call = tmp_path / "nova", environments._call

    def refuse(command: list[str]) -> None:
        call(command)
        if "pip" in command:
            raise CannotInstall("no network")

    monkeypatch.setattr(environments, "_call", refuse)
    for _ in range(2):
        with pytest.raises(CannotInstall, match="no network"):
            nova_installed(folder)
    assert len([command for command in called if "pip" in command]) == 2


def test_a_command_that_fails_is_told_by_the_end_of_what_it_said() -> None:
    with pytest.raises(CannotInstall, match="no such package"):
        environments._call([sys.executable, "-c", "import sys; sys.exit('no such package')"])


def test_a_command_that_is_not_there_is_told_by_its_kind() -> None:
    with pytest.raises(CannotInstall, match="FileNotFoundError"):
        environments._call(["/no/such/command"])
