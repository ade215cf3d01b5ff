"""Who reads a record is put down before it is shown; what cannot be put down is not shown."""

import fcntl
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from placement_client.testing import RealPlacement
from scheduler import DecisionRecord, NotPermitted, RequestContext
from scheduler.explain.observers import Reader
from scheduler.records import AccessNotRecorded, DirectoryRecords, access
from tests.flow.fleet import CONTEXT, SPEC, add_hosts, scheduler_on

ALICE = Reader("alice", "explain")
REQUEST = "req-00000000-0000-0000-0000-000000000001"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "records"


@pytest.fixture
def store(directory: Path) -> DirectoryRecords:
    return DirectoryRecords(str(directory), 10)


def lines(directory: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (directory / access.LOG).read_text().splitlines()]


def test_a_line_says_who_when_which_and_what_for(store: DirectoryRecords, directory: Path) -> None:
    store.put_down(ALICE, REQUEST)
    store.put_down(Reader("bob", "replay"), "")
    first, second = lines(directory)
    assert (first["who"], first["command"], first["request_id"]) == ("alice", "explain", REQUEST)
    assert (second["who"], second["command"], second["request_id"]) == ("bob", "replay", "")
    assert 0 <= second["at"] - first["at"] < 60


def test_only_the_owner_can_read_it(store: DirectoryRecords, directory: Path) -> None:
    before = os.umask(0)
    try:
        store.put_down(ALICE, REQUEST)
    finally:
        os.umask(before)
    assert stat.S_IMODE((directory / access.LOG).stat().st_mode) == 0o600


def test_what_is_asked_for_cannot_forge_a_line(store: DirectoryRecords, directory: Path) -> None:
    store.put_down(Reader("a\nb\u202e\x1b\ud800", "explain"), '"}\n{"who": "mallory')
    (line,) = lines(directory)
    assert line["who"] == "a\nb\u202e\x1b\ud800"
    assert (directory / access.LOG).read_bytes().isascii()


def test_it_does_not_grow_without_end(store: DirectoryRecords, directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        for number in range(100):
            access.append(handle, ALICE, f"req-{number}", 0.0, max_bytes=1000)
    finally:
        os.close(handle)
    kept = [(directory / name).read_text().splitlines() for name in (access.EARLIER, access.LOG)]
    assert json.loads(kept[1][-1])["request_id"] == "req-99"
    assert all(sum(map(len, part)) <= 1000 for part in kept)
    numbers = [int(json.loads(line)["request_id"][4:]) for part in kept for line in part]
    assert numbers == list(range(numbers[0], 100))


def test_a_line_waits_until_another_process_is_done_with_the_log(store: DirectoryRecords, directory: Path) -> None:
    """Else two that turn a full log over at the same time would lose what was in it."""
    other = os.open(directory, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.put_down, ALICE, REQUEST)
        try:
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
        finally:
            os.close(other)
        waiting.result(timeout=30)
    assert len(lines(directory)) == 1


def test_threads_lose_no_line(store: DirectoryRecords, directory: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.put_down(ALICE, f"req-{number}"), range(100)))
    assert sorted(int(line["request_id"][4:]) for line in lines(directory)) == list(range(100))


def unwritable(directory: Path, how: str) -> None:
    log = directory / access.LOG
    if how == "a directory":
        log.mkdir()
    elif how == "a link":
        log.symlink_to(directory.parent / "elsewhere")
    elif how == "two names":
        log.touch(mode=0o600)
        os.link(log, directory.parent / "elsewhere")
    elif how == "open to others":
        log.touch()
        log.chmod(0o644)
    else:
        os.mkfifo(log, 0o600)


@pytest.mark.parametrize("how", ["a directory", "a link", "two names", "open to others", "a pipe"])
def test_what_cannot_be_put_down_is_refused(store: DirectoryRecords, directory: Path, how: str) -> None:
    unwritable(directory, how)
    with pytest.raises(AccessNotRecorded) as caught:
        store.put_down(ALICE, REQUEST)
    assert caught.value.__context__ is None
    assert REQUEST not in str(caught.value)


def test_a_full_disk_refuses_and_leaves_no_half_line(store: DirectoryRecords, directory: Path) -> None:
    import resource

    store.put_down(ALICE, REQUEST)
    before = (directory / access.LOG).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, hard))
    try:
        with pytest.raises(AccessNotRecorded):
            store.put_down(ALICE, REQUEST)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (directory / access.LOG).read_bytes() == before


def test_explain_puts_down_who_asks_and_shows_nothing_when_it_cannot(directory: Path) -> None:
    """In the library it is the user of the context; the log has an event of it with a pseudonym."""
    reader = RequestContext(project_id="ops", user_id="olga", is_elevated=True)
    with RealPlacement() as real:
        add_hosts(real.client(wrap=lambda adapter: adapter), 1)
        with scheduler_on(real, f"\n[explain]\nrecord_dir = {directory}\n") as scheduler:
            scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
            request_id = scheduler.record().request_id
            with pytest.raises(NotPermitted):
                scheduler.explain(CONTEXT, request_id)
            assert not (directory / access.LOG).exists()
            assert isinstance(scheduler.explain(reader, request_id), DecisionRecord)
            assert [(line["who"], line["request_id"]) for line in lines(directory)] == [("olga", request_id)]
            (directory / access.LOG).chmod(0o666)
            with pytest.raises(AccessNotRecorded):
                scheduler.explain(reader, request_id)
