"""A journal whose file was cut or changed is refused or recovered, never misread; a sample of what ``damage`` does."""

import sqlite3

import pytest

from faults import damage
from faults.written import a_journal
from scheduler.errors import JournalUnavailable

DATABASE, LOG = "journal.sqlite", "journal.sqlite-wal"


@pytest.fixture(params=[damage.closed_journal, damage.crashed_journal], ids=["closed", "crashed"])
def made(request, tmp_path):
    directory = tmp_path / "made"
    return directory, request.param(directory)


def files(directory):
    return [name for name in (DATABASE, LOG) if (directory / name).exists()]


def test_without_damage_a_journal_says_the_truth(made):
    directory, claims = made
    for name in files(directory):
        untouched = [(directory / name).read_bytes()]
        assert damage.outcomes(directory, name, untouched, claims) == {"truth": 1}


def test_no_truncation_is_misread(made):
    directory, claims = made
    for name in files(directory):
        size = (directory / name).stat().st_size
        sizes = [1, *range(0, size, size // 30), *range(4096, size, 4096), size - 1]
        counted = damage.outcomes(directory, name, damage.truncations(directory / name, sizes), claims)
        assert counted["lies"] == 0, counted
        assert counted["refused"] == len(sizes) or len(files(directory)) > 1, counted  # the log may repair the file


def test_no_bit_flip_is_misread(made):
    directory, claims = made
    for name in files(directory):
        bits = 8 * (directory / name).stat().st_size
        sample = [*range(0, 800, 23), *range(5, bits, bits // 120)]
        counted = damage.outcomes(directory, name, damage.bit_flips(directory / name, sample), claims)
        assert counted["lies"] == 0, counted
        assert counted["refused"] > 0, counted


def test_a_write_ahead_log_that_is_gone_is_noticed(tmp_path):
    """The file alone is whole and consistent, but older than what its owner was told to be durable."""
    claims = damage.crashed_journal(tmp_path / "made")
    (tmp_path / "made" / LOG).unlink()
    assert damage.outcome(damage.url_of(tmp_path / "made"), claims) == "refused"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE claims SET body = replace(body, '\"VCPU\":3', '\"VCPU\":4') WHERE number = 2",
        "UPDATE claims SET state = 'aborted' WHERE number = 2",
        "UPDATE claims SET accepted = NOT accepted WHERE number = 2",
        "UPDATE claims SET settled = NOT settled WHERE number = 2",
        "UPDATE claims SET owner = '00000000000000000000000000000000' WHERE number = 2",
        "UPDATE claims SET request_id = 'req-x' WHERE number = 2",
        "UPDATE claims SET claim_id = '00000000000000000000000000000000' WHERE number = 2",
        "UPDATE claims SET checksum = x'00' WHERE number = 2",
        "UPDATE holds SET state = 'unused' WHERE claim = 2 AND position = 1",
        "UPDATE holds SET state = 'nonsense' WHERE claim = 2 AND position = 1",
        "DELETE FROM holds WHERE claim = 2 AND position = 1",
        "UPDATE holds SET claim = 3, position = 7 WHERE claim = 2 AND position = 1",
        "UPDATE meta SET changes = 3",
    ],
)
def test_a_changed_row_is_noticed(tmp_path, change):
    """What no check of the file can find, because the file is whole."""
    claims = damage.crashed_journal(tmp_path / "made")
    with sqlite3.connect(tmp_path / "made" / DATABASE) as connection:
        connection.create_function("replace", 3, lambda body, old, new: body.replace(old.encode(), new.encode()))
        assert connection.execute(change).rowcount == 1
    assert damage.outcome(damage.url_of(tmp_path / "made"), claims) == "refused"


def test_damage_that_happens_while_the_journal_is_open_is_noticed(opened):
    journal = opened()
    (*_, claim) = damage.write_some(journal)
    with journal._database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE claims SET state = 'reserved' WHERE state = 'intended'")
    for use in (journal.unfinished, lambda: journal.find(claim.claim_id)):
        with pytest.raises(JournalUnavailable) as damaged:
            use()
        assert damaged.value.reason == "journal_damaged"


def test_a_lock_file_that_was_changed_is_not_believed(tmp_path):
    """It is there to notice lost changes; when it cannot be read, the journal itself still says the truth."""
    claims = damage.crashed_journal(tmp_path / "made")
    (lock,) = (tmp_path / "made").glob("*.owner-*")
    content = lock.read_bytes()
    assert len(content) == 12
    changed = list(damage.bit_flips(lock, range(0, 96, 5)))
    assert damage.outcomes(tmp_path / "made", lock.name, [content, b"", *changed], claims) == {"truth": 22}


def test_a_damaged_journal_leaves_no_owner_and_no_thread(tmp_path):
    import threading

    damage.closed_journal(tmp_path / "made")
    with sqlite3.connect(tmp_path / "made" / DATABASE) as connection:
        connection.execute("UPDATE claims SET checksum = x'00'")
    before = threading.active_count()
    with pytest.raises(JournalUnavailable):
        a_journal(damage.url_of(tmp_path / "made"))
    assert threading.active_count() == before
    assert [path.name for path in (tmp_path / "made").iterdir() if ".owner-" in path.name] == []
