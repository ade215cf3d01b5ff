"""What is forgotten, when, and that the journal stays small."""

import pytest

from faults.soak import KEEP, soak
from faults.written import TO_COMMITTED, a_claim, advanced
from placement_client.clock import SystemClock
from scheduler.claims.states import ClaimEvent


class Calendar(SystemClock):
    """A clock whose days can be skipped."""

    days = 0.0

    def wall(self) -> float:
        return 1_000_000_000 + 86_400 * self.days


def test_claims_are_forgotten_when_they_have_been_settled_for_long_enough(opened):
    clock = Calendar()
    journal = opened(clock=clock, keep_days=7)
    open_one, committed, aborted, late = claims = [a_claim(holds=2) for _ in range(4)]
    for claim in claims:
        journal.begin(claim)
    advanced(journal, committed, *TO_COMMITTED)
    given_up = advanced(journal, aborted, ClaimEvent.ABANDONED)
    clock.days = 6.9
    advanced(journal, late, ClaimEvent.REFUSED)
    assert journal.prune() == 0
    clock.days = 7.1
    assert journal.prune() == 1
    assert [journal.find(claim.claim_id) for claim in (open_one, committed, aborted)] == [open_one, None, given_up]
    assert journal.find(late.claim_id) is not None
    clock.days = 30
    assert journal.prune() == 1
    assert journal.unfinished() == (open_one, given_up)


def test_holds_are_forgotten_with_their_claims(opened):
    journal = opened(keep_claims=0)
    claim = a_claim(holds=3)
    journal.begin(claim)
    advanced(journal, claim, *TO_COMMITTED)
    journal.prune()
    with journal._database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM holds").scalar() == 0


def test_more_claims_than_fit_into_one_transaction_are_forgotten_in_one_call(sqlite_url):
    from faults.written import a_journal

    journal = a_journal(sqlite_url, keep_claims=7, durable=False)
    for _ in range(1_010):
        claim = a_claim()
        journal.begin(claim)
        advanced(journal, claim, ClaimEvent.REFUSED)
    assert journal.prune() == 1_003
    journal.close()


@pytest.mark.slow
def test_two_thousand_requests_leave_a_small_file(tmp_path, capsys):
    directory = tmp_path / "journal"
    soaked = soak(directory, 2_000)
    with capsys.disabled():
        print(f"\n{soaked}")
    assert soaked.kept <= KEEP + KEEP // 2
    assert soaked.kept + soaked.forgotten == 2_000
    assert soaked.bytes_at_end < 1.3 * soaked.bytes_early
    assert soaked.bytes_at_end < 8 << 20
