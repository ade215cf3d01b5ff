"""Decision records are kept whole, private and bounded, whoever else writes at the same time."""

import multiprocessing
import os
import resource
import stat
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from scheduler.errors import InvalidSettings
from scheduler.model import DecisionRecord, Round
from scheduler.records import DamagedRecord, DirectoryRecords, MemoryRecords


def record(number: int, **parts: object) -> DecisionRecord:
    return DecisionRecord(request_id=f"req-{UUID(int=number)}", outcome="selected", **parts)


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "records"


@pytest.fixture(params=["memory", "directory"])
def store(request, directory):
    """Give each kind of store, with room for ten records."""
    return MemoryRecords(10) if request.param == "memory" else DirectoryRecords(str(directory), 10)


def test_a_record_comes_back_as_it_was(store):
    kept = record(1, rounds=(Round(candidates=1, hosts=1),), instances=(UUID(int=5),), asked={"VCPU": 1})
    store(kept)
    assert store.get(kept.request_id) == kept


def test_an_unknown_request_has_no_record(store):
    assert store.get("req-unknown") is None
    assert store.last() is None


def test_the_last_record_is_the_one_written_last(store):
    for number in (3, 1, 2):
        store(record(number))
    assert store.last() == record(2)


def test_a_record_written_again_replaces_the_first_and_is_the_last(store):
    store(record(1))
    store(record(2))
    store(record(1, reason="later"))
    assert store.last() == store.get(record(1).request_id) == record(1, reason="later")


def test_the_oldest_go_and_there_are_never_more_than_allowed(store, directory):
    for number in range(25):
        store(record(number))
        if directory.exists():
            assert len(list(directory.iterdir())) <= 10
    assert store.get(record(24).request_id) == record(24)
    assert store.get(record(17).request_id) == record(17)
    assert store.get(record(14).request_id) is None


def test_a_limit_of_one_keeps_the_newest(directory):
    store = DirectoryRecords(str(directory), 1)
    store(record(1))
    store(record(2))
    assert (store.get(record(1).request_id), store.last()) == (None, record(2))


def test_threads_write_at_the_same_time(store):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store(record(number)), range(200)))
    assert store.last() is not None


def _write_many(path: str, first: int) -> None:
    store = DirectoryRecords(path, 20)
    for number in range(first, first + 50):
        store(record(number))


def test_processes_write_at_the_same_time(directory):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(str(directory), first)) for first in (0, 100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    store = DirectoryRecords(str(directory), 20)
    names = sorted(path.stem for path in directory.iterdir())
    assert 18 <= len(names) <= 26
    assert all(store.get(name).request_id == name for name in names)


def test_only_the_owner_can_read_what_is_written(directory):
    before = os.umask(0)
    try:
        DirectoryRecords(str(directory), 5)(record(1))
    finally:
        os.umask(before)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()] == [0o600]


def refusal(path) -> str:
    with pytest.raises(InvalidSettings) as caught:
        DirectoryRecords(str(path), 5)
    assert caught.value.__context__ is None
    return str(caught.value)


def test_a_directory_open_to_others_is_refused(directory):
    directory.mkdir()
    directory.chmod(0o750)
    assert refusal(directory).endswith("is open to others; run chmod 700 on it")


def test_a_symbolic_link_is_refused(directory, tmp_path):
    directory.mkdir(0o700)
    (tmp_path / "link").symlink_to(directory)
    assert "is not a directory that can be opened" in refusal(tmp_path / "link")


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    assert "is not a directory that can be opened" in refusal(tmp_path / "file")


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    assert "cannot be made: No such file or directory" in refusal(tmp_path / "a" / "b")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_refused(directory):
    directory.mkdir(0o700)
    os.chown(directory, 65534, 65534)
    assert refusal(directory).endswith("belongs to another user")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"request_id": 1}', b"\xff", b"[" * 100_000])
def test_a_damaged_record_is_said_to_be_damaged_and_passed_over(directory, content):
    store = DirectoryRecords(str(directory), 5)
    store(record(1))
    store(record(2))
    (directory / f"{record(2).request_id}.json").write_bytes(content)
    os.utime(directory / f"{record(2).request_id}.json", (2**33, 2**33))
    with pytest.raises(DamagedRecord) as caught:
        store.get(record(2).request_id)
    assert caught.value.__context__ is None
    assert store.last() == record(1)


def test_a_link_in_the_place_of_a_record_is_not_followed(directory, tmp_path):
    store = DirectoryRecords(str(directory), 5)
    target = tmp_path / "target"
    target.write_text("precious")
    (directory / f"{record(1).request_id}.json").symlink_to(target)
    with pytest.raises(DamagedRecord):
        store.get(record(1).request_id)
    store(record(1))
    assert store.get(record(1).request_id) == record(1)
    assert target.read_text() == "precious"


def test_a_directory_in_the_place_of_a_record_is_a_damaged_record(directory):
    store = DirectoryRecords(str(directory), 5)
    (directory / f"{record(1).request_id}.json").mkdir()
    with pytest.raises(DamagedRecord):
        store.get(record(1).request_id)


@pytest.mark.parametrize("request_id", ["../escape", "req-../../x", "a/b", "", "\0", "\ud800", "x" * 5000])
def test_no_request_id_leaves_the_directory(directory, tmp_path, request_id):
    store = DirectoryRecords(str(directory), 5)
    store(DecisionRecord(request_id=request_id if request_id != "\ud800" else "s", outcome="selected"))
    store.get(request_id)
    assert [path.name for path in tmp_path.iterdir()] == ["records"]
    assert len(list(directory.iterdir())) == 1


def test_what_a_killed_writer_left_behind_is_removed_after_an_hour(directory):
    store = DirectoryRecords(str(directory), 5)
    old, new = directory / f".{'0' * 32}.tmp", directory / f".{'1' * 32}.tmp"
    for path in (old, new):
        path.write_text("{")
    os.utime(old, (1, 1))
    store(record(1))
    assert (old.exists(), new.exists()) == (False, True)


def test_foreign_files_are_left_alone(directory):
    store = DirectoryRecords(str(directory), 1)
    (directory / "notes.txt").write_text("mine")
    for number in range(5):
        store(record(number))
    assert (directory / "notes.txt").read_text() == "mine"


def test_a_disk_that_refuses_leaves_no_half_record(directory):
    store = DirectoryRecords(str(directory), 5)
    store(record(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            store(record(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.stem for path in directory.iterdir()] == [record(1).request_id]
    assert store.last() == record(1)
