"""What an operator is warned of whenever a scheduler starts."""

import logging
from pathlib import Path

import pytest

from placement_client.testing import MockPlacement
from placement_client.testing.ini import placement_section
from scheduler import build, load_config


@pytest.fixture
def warned(tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> str:
    """Start a scheduler on a test configuration, in an environment that names a proxy; return what it warns of."""
    monkeypatch.setenv("HTTPS_PROXY", "http://CANARY.test")
    ini = tmp_path / "scheduler.ini"
    ini.write_text(placement_section("https://placement.test") + "[journal]\nconnection = memory://\n")
    with build(load_config(str(ini)), http_adapter=MockPlacement().faults):
        return "\n".join(record.getMessage() for record in caplog.records if record.levelno == logging.WARNING)


def test_an_insecure_start_is_logged(warned: str) -> None:
    assert "unsafe_setting" in warned
    assert "allow_insecure_auth" in warned


def test_a_variable_that_is_ignored_is_logged_without_its_value(warned: str) -> None:
    assert "HTTPS_PROXY" in warned
    assert "CANARY" not in warned
