"""What the power takes along: what Placement answered may go, what is sent next rests on what is on the disk."""

import shutil
from pathlib import Path

import pytest

from faults.damage import REFUSALS, url_of
from faults.written import TO_COMMITTED, a_claim, a_journal, advanced
from scheduler.claims.states import ASKED_AGAIN, CLAIM_TRANSITIONS, ClaimEvent, HoldEvent

ASKED = {
    "sqlite": ("PRAGMA synchronous", {True: 2, False: 1}, 0),
    "postgresql": ("SHOW synchronous_commit", {True: "on", False: "off"}, "off"),
}
LOG = "journal.sqlite-wal"


@pytest.mark.parametrize("durable", [True, False])
def test_a_transaction_waits_for_the_disk_where_it_must(opened, durable):
    database = opened(durable=durable)._database
    question, answers, never = ASKED[database.engine.dialect.name]
    for synced in (True, False, False, True):
        with database.writing(synced=synced) as connection:
            assert connection.exec_driver_sql(question).scalar() == (answers[synced] if durable else never)


def test_all_changes_are_on_the_disk_when_they_return_but_for_two_answers_of_placement(opened):
    journal, seen = opened(), list[bool]()
    writing = journal._database.writing

    def watched(*, synced: bool = True):
        seen.append(synced)
        return writing(synced=synced)

    journal._database.writing = watched
    for events in (TO_COMMITTED, (ClaimEvent.REFUSED,), (*TO_COMMITTED[:2], ClaimEvent.DENIED)):
        claim = a_claim()
        journal.begin(claim)
        for event in events:
            claim = journal.advance(claim.claim_id, event)
        expected = [True, *(event not in (ClaimEvent.ACCEPTED, ClaimEvent.CONFIRMED) for event in events)]
        assert seen == expected, events
        seen.clear()
    journal.advance_hold(claim.claim_id, claim.holds[0].consumer, HoldEvent.EMPTY)
    assert seen == [True]


def test_nothing_is_sent_on_the_strength_of_what_the_power_takes_along():
    """It leads to where a claim can be given up, or is done; and not to the state in which confirmations are sent."""
    after = {
        following for row in CLAIM_TRANSITIONS.values() for event, following in row.items() if event in ASKED_AGAIN
    }
    assert {state.value for state in after} == {"reserved", "committed"}


@pytest.mark.parametrize("event", [ClaimEvent.ACCEPTED, ClaimEvent.CONFIRMED])
def test_a_journal_without_what_was_not_synced_is_not_a_damaged_one(tmp_path, event):
    """It says what it said before that; what was synced before cannot go unnoticed."""
    journal = a_journal(url_of(tmp_path / "alive"))
    claim = a_claim()
    journal.begin(claim)
    synced = advanced(journal, claim, *TO_COMMITTED[: TO_COMMITTED.index(event)])
    on_disk = (tmp_path / "alive" / LOG).stat().st_size
    assert advanced(journal, synced, event) != synced
    cut, cut_further = (after_the_power(tmp_path, size) for size in (on_disk, on_disk - 4096))
    journal.close()
    again = a_journal(url_of(cut))
    assert again.find(claim.claim_id) == synced
    assert again.adopt() == (synced,)
    again.close()
    with pytest.raises(REFUSALS):
        a_journal(url_of(cut_further))


def after_the_power(directory: Path, size: int) -> Path:
    """Return a copy of a living journal whose log ends after so many bytes; without locks that somebody holds."""
    copy = directory / f"cut-{size}"
    shutil.copytree(directory / "alive", copy)
    with (copy / LOG).open("r+b") as log:
        log.truncate(size)
    return copy
