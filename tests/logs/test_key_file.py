"""The key of the pseudonyms is read only from a file that nobody else can read."""

import os

import pytest

from scheduler.errors import InvalidSettings
from scheduler.logs import key_from_file


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"k" * 32)
    path.chmod(0o600)
    return path


def refusal(path) -> str:
    with pytest.raises(InvalidSettings) as caught:
        key_from_file(str(path))
    assert caught.value.__context__ is None
    assert "kkkk" not in str(caught.value)
    assert "make one with" in str(caught.value)
    return str(caught.value)


def test_a_private_file_is_read_whole(key_file):
    assert key_from_file(str(key_file)).reveal() == b"k" * 32


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_file_open_to_others_is_refused(key_file, mode):
    key_file.chmod(mode)
    assert "can be read by others" in refusal(key_file)


def test_a_short_key_is_refused(key_file):
    key_file.write_bytes(b"k" * 31)
    assert "holds less than 32 bytes" in refusal(key_file)


def test_a_missing_file_is_named(tmp_path):
    assert "cannot be opened (No such file or directory)" in refusal(tmp_path / "none")


def test_a_symbolic_link_is_refused(key_file, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(key_file)
    assert "cannot be opened" in refusal(link)


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "is not a regular file" in refusal(tmp_path / "pipe")


def test_a_directory_is_refused(tmp_path):
    assert "cannot be opened (Is a directory)" in refusal(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(key_file):
    os.chown(key_file, 65534, 65534)
    assert "belongs to another user" in refusal(key_file)
