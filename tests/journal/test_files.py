"""The file of an SQLite journal: how it is made, which ones are refused, and what processes may do with it."""

import os
import shutil
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from faults.written import a_claim, a_journal
from scheduler.errors import InvalidSettings, JournalUnavailable
from tests.journal.processes import run


@pytest.fixture
def path(sqlite_url) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))


@pytest.fixture
def made(path, sqlite_url) -> Path:
    a_journal(sqlite_url).close()
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_whatever_the_umask_only_we_can_read_what_is_made(path, sqlite_url, umask):
    before = os.umask(umask)
    try:
        journal = a_journal(sqlite_url)
        journal.begin(a_claim())
    finally:
        os.umask(before)
    assert mode(path.parent) == 0o700
    modes = {one.name: mode(one) for one in path.parent.iterdir()}
    journal.close()
    assert {name for name in modes if ".owner-" not in name} == {path.name, f"{path.name}-wal", f"{path.name}-shm"}
    assert all(found & 0o077 == 0 for found in modes.values())
    assert modes[path.name] == 0o600


def test_nothing_but_the_journal_is_left_after_the_last_owner(made):
    assert [one.name for one in made.parent.iterdir()] == [made.name]


def refused(url: str) -> str:
    with pytest.raises(InvalidSettings) as error:
        a_journal(url)
    assert error.value.__context__ is None
    assert str(error.value).startswith("[journal] connection: ")
    return str(error.value)


@pytest.mark.parametrize("open_to", [0o640, 0o604, 0o660])
def test_a_file_that_is_open_to_others_is_refused(made, sqlite_url, open_to):
    made.chmod(open_to)
    assert "chmod 600" in refused(sqlite_url)


def test_a_directory_that_is_open_to_others_is_refused(made, sqlite_url):
    made.parent.chmod(0o750)
    assert "chmod 700" in refused(sqlite_url)


def test_a_symbolic_link_in_place_of_the_file_is_refused(made, sqlite_url, tmp_path):
    shutil.move(made, tmp_path / "elsewhere")
    made.symlink_to(tmp_path / "elsewhere")
    assert "regular file" in refused(sqlite_url)


def test_a_dangling_symbolic_link_is_not_followed(path, sqlite_url, tmp_path):
    path.parent.mkdir(0o700)
    path.symlink_to(tmp_path / "elsewhere")
    assert "regular file" in refused(sqlite_url)
    assert not (tmp_path / "elsewhere").exists()


def test_a_symbolic_link_in_place_of_the_directory_is_refused(made, sqlite_url, tmp_path):
    shutil.move(made.parent, tmp_path / "elsewhere")
    made.parent.symlink_to(tmp_path / "elsewhere")
    assert "symbolic link" in refused(sqlite_url)


def test_a_file_with_a_second_name_is_refused(made, sqlite_url, tmp_path):
    os.link(made, tmp_path / "second")
    assert "single name" in refused(sqlite_url)


def test_a_fifo_is_refused_and_not_waited_for(path, sqlite_url):
    path.parent.mkdir(0o700)
    os.mkfifo(path, 0o600)
    assert "regular file" in refused(sqlite_url)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("which", ["file", "directory"])
def test_what_belongs_to_somebody_else_is_refused(made, sqlite_url, which):
    os.chown(made if which == "file" else made.parent, 54321, -1)
    assert "belongs to another user" in refused(sqlite_url)


def test_an_empty_file_is_not_taken_for_a_journal_without_claims(made, sqlite_url):
    os.truncate(made, 0)
    assert "is empty" in refused(sqlite_url)


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    assert "cannot be made: No such file" in refused(f"sqlite:///{tmp_path}/missing/journal/journal.sqlite")


@pytest.mark.parametrize(
    "connection",
    ["", "nonsense", "sqlite://", "sqlite:///relative.sqlite", "sqlite:///:memory:", "mysql://host/db",
     "sqlite:////absolute?mode=memory", "postgresql://u:secret@host/db", "postgresql+psycopg2://u:secret@host/db"],
)  # fmt: skip
def test_a_connection_of_another_kind_is_refused_without_repeating_it(connection):
    message = refused(connection)
    assert "postgresql+psycopg://" in message
    assert "secret" not in message


def test_another_file_is_refused_and_left_as_it_was(path, sqlite_url):
    path.parent.mkdir(0o700)
    path.write_bytes(b"not a database" * 100)
    path.chmod(0o600)
    with pytest.raises(JournalUnavailable) as error:
        a_journal(sqlite_url)
    assert error.value.reason == "journal_damaged"
    assert path.read_bytes() == b"not a database" * 100


def test_first_starts_at_the_same_time_make_the_tables_once(url):
    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(lambda _: run("open_and_count", url), range(4)))
    assert [done.stdout for done in ended] == ["opened\n"] * 4, [done.stderr[-500:] for done in ended]


def test_a_journal_is_not_usable_in_a_forked_child(opened):
    journal = opened()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            journal.unfinished()
        except JournalUnavailable as error:
            os.write(write, f"{error.reason}: {error.detail}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 1000).startswith(b"forked: The journal of claims cannot be used (it was opened before a fork")
    journal.begin(a_claim())


def test_a_forked_child_does_not_keep_its_dead_parent_alive(sqlite_url):
    claim_id = UUID(run("begin_fork_and_die", sqlite_url).stdout.strip())
    journal = a_journal(sqlite_url)
    assert [claim.claim_id for claim in journal.adopt()] == [claim_id]
    journal.close()


def test_what_a_creation_that_was_cut_short_leaves_does_not_matter(made, sqlite_url):
    left = made.with_name(f"{made.name}.new-0")
    left.write_bytes(b"half")
    made.unlink()
    journal = a_journal(sqlite_url)
    assert journal.unfinished() == ()
    journal.close()


@pytest.mark.parametrize(("durable", "expected"), [(True, ("wal", 2)), (False, ("wal", 0))])
def test_every_commit_is_on_the_disk_unless_settings_say_otherwise(sqlite_url, durable, expected):
    """WAL with synchronous=FULL (2) syncs at every commit; with less, a power failure takes commits back."""
    journal = a_journal(sqlite_url, durable=durable)
    assert journal._thread.call(lambda: pragmas(journal, "journal_mode", "synchronous")) == expected
    journal.close()


def pragmas(journal, *names: str) -> tuple:
    with journal._database.engine.begin() as connection:
        return tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names)


def test_no_text_of_a_request_but_its_ids_and_amounts_is_in_the_file(made, sqlite_url):
    journal = a_journal(sqlite_url)
    journal.begin(a_claim())
    journal.close()
    with sqlite3.connect(made) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(claims)")]
    assert columns == [
        "number", "claim_id", "request_id", "owner", "state", "accepted", "settled", "settled_at", "body", "checksum",
    ]  # fmt: skip
