"""Pseudonyms are stable under a key and say nothing without it; the command finds those of known identifiers."""

import json
import re
import subprocess
import sys
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement_client.secret import Secret
from scheduler.cli.main import _parser
from scheduler.errors import InvalidSettings
from scheduler.events import Pseudonyms

PSEUDONYMS = Pseudonyms(Secret(b"k" * 32))


@given(st.text(), st.sampled_from(["request", "host"]))
def test_a_pseudonym_has_one_shape_whatever_the_identifier(identifier, kind):
    assert re.fullmatch(rf"{kind}~[a-z2-7]{{16}}", PSEUDONYMS(kind, identifier))


def test_a_pseudonym_is_stable_and_depends_on_key_kind_and_identifier():
    """The first value is fixed: a change would make yesterday's log unreadable."""
    assert PSEUDONYMS("host", "h1") == "host~i2ngx6pvvpgj5rcc"
    others = [PSEUDONYMS("host", "h2"), PSEUDONYMS("hos", "t\0h1"), Pseudonyms(Secret(b"j" * 32))("host", "h1")]
    assert len({name.partition("~")[2] for name in [*others, PSEUDONYMS("host", "h1")]}) == 4


def test_all_spellings_of_a_uuid_have_one_pseudonym():
    """Keystone writes projects without dashes, everybody else writes UUIDs with them."""
    one = uuid4()
    spellings = [one, str(one), one.hex, str(one).upper()]
    assert len({PSEUDONYMS("project", spelling) for spelling in spellings}) == 1
    assert PSEUDONYMS("project", f"{one} ") != PSEUDONYMS("project", one)


def test_pseudonyms_of_many_hosts_do_not_collide():
    assert len({PSEUDONYMS("host", f"compute-{number}") for number in range(20_000)}) == 20_000


def test_the_key_id_tells_keys_apart_and_shows_nothing_of_them():
    """It is no pseudonym of anything either."""
    ids = {Pseudonyms(Secret(bytes([number]) * 32)).key_id for number in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch(r"[a-z2-7]{8}", one) for one in ids)
    assert PSEUDONYMS.key_id == "3tuagrc2"


@pytest.fixture
def run(capsys):
    """Run the command in this process; returns its status and what it printed."""

    def command(ini, *arguments: str):
        asked = _parser().parse_args(["--config-file", str(ini), "pseudonym", *arguments])
        return asked.command(asked), capsys.readouterr().out

    return command


@pytest.fixture
def ini(tmp_path):
    for name in ("new", "old", "older"):
        (tmp_path / name).write_bytes(name.encode() * 32)
        (tmp_path / name).chmod(0o600)
    path = tmp_path / "scheduler.ini"
    path.write_text(
        f"[logging]\npseudonym_key_file = {tmp_path}/new\n"
        f"previous_pseudonym_key_files = {tmp_path}/old, {tmp_path}/older\n"
    )
    return path


def under(name: str) -> Pseudonyms:
    return Pseudonyms(Secret(name.encode() * 32))


def test_the_command_prints_the_pseudonyms_under_the_present_key(ini):
    one = uuid4()
    command = [sys.executable, "-m", "scheduler.cli", "--config-file", str(ini), "pseudonym"]
    done = subprocess.run(
        [*command, "project", one.hex, "other", "--json"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    new = under("new")
    assert json.loads(done.stdout) == [
        {"key": new.key_id, "pseudonym": new("project", identifier), "identifier": identifier}
        for identifier in (one.hex, "other")
    ]


def test_after_a_rotation_the_command_finds_earlier_pseudonyms_too(ini, run):
    status, shown = run(ini, "claim", str(UUID(int=1)), "--all")
    rows = [line.split() for line in shown.splitlines()[1:]]
    assert status == 0
    assert [row[:2] for row in rows] == [
        [under(name).key_id, under(name)("claim", UUID(int=1))] for name in ("new", "old", "older")
    ]


def test_without_a_key_file_the_command_says_why_it_cannot(tmp_path, run):
    (tmp_path / "scheduler.ini").write_text("")
    with pytest.raises(InvalidSettings, match=r"^\[logging\] pseudonym_key_file: not set"):
        run(tmp_path / "scheduler.ini", "request", "req-1")


def test_a_previous_key_that_cannot_be_used_is_named(ini, tmp_path, run):
    (tmp_path / "old").chmod(0o644)
    expected = rf"^\[logging\] previous_pseudonym_key_files: {tmp_path}/old can be read by others"
    with pytest.raises(InvalidSettings, match=expected):
        run(ini, "request", "req-1", "--all")


def test_an_identifier_that_commands_a_terminal_is_printed_harmless(ini, run):
    for more in ([], ["--json"]):
        _, shown = run(ini, "request", "\x1b[2J\udcff", *more)
        assert under("new")("request", "\x1b[2J\udcff") in shown
        assert not {"\x1b", "\udcff"} & set(shown)


def test_an_unknown_kind_is_wrong_usage(ini, run):
    with pytest.raises(SystemExit) as caught:
        run(ini, "password", "x")
    assert caught.value.code == 2
