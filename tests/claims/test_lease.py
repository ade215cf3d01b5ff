"""Staying alive for the other schedulers of a journal, and stopping before writing when taken for dead."""

from uuid import UUID

import pytest

from placement_client.secret import Secret
from scheduler.claims import CONFIRMED, RESERVED, Claimer, ClaimState, RequestFacts
from scheduler.claims.sql_journal import open_journal
from scheduler.errors import Fenced, JournalUnavailable
from scheduler.settings import ClaimSettings, JournalSettings
from tests.claims.test_bodies import placing
from tests.claims.test_claimer import Quiet, SteppedClock

SETTINGS = ClaimSettings(reservation_project_id="reservations", backoff_base_s=0.001, backoff_cap_s=0.01)


class Replica:
    """One scheduler of a journal that it shares with others, on a clock of its own."""

    def __init__(self, mock, url, node):
        self.clock, self.sweeper = SteppedClock(), Quiet()
        settings = JournalSettings(connection=Secret(url), lease_s=30.0, heartbeat_s=5.0, durable=False)
        self.journal = open_journal(settings, node, self.clock)
        self.placement = mock.client(retry_attempts=1)
        self.placement.negotiate()
        self.claimer = Claimer(self.placement, self.journal, SETTINGS, self.clock, beat=settings, sweeper=self.sweeper)

    def begun(self, number):
        facts = RequestFacts(request_id(number), "digest", "tenant", "somebody", "INSTANCE")
        return self.claimer.begin(self.claimer.new_id(), facts, [placing(number, 1)])


def request_id(number):
    return f"req-00000000-0000-4000-8000-{number:012}"


@pytest.fixture
def url(postgres_server, request):
    name = f"lease_{abs(hash(request.node.name)) % 10**8}"
    return postgres_server.create_database(name)


def expire(url):
    """Let every lease have run out, as if the time had passed in the database."""
    from sqlalchemy import create_engine, text

    with create_engine(url).begin() as connection:
        connection.execute(text("UPDATE owners SET lease_until = now() - interval '1 second'"))


def consumers(mock):
    client = mock.client(wrap=lambda adapter: mock.adapter)
    return client.get_provider_allocations(UUID(int=1)).allocations


def test_a_survivor_takes_over_and_aborts_what_had_no_commit_intent(mock, url):
    dead, survivor = Replica(mock, url, "one"), Replica(mock, url, "two")
    claim = dead.begun(1)
    assert dead.claimer.reserve(dead.placement, claim) == RESERVED
    survivor.claimer.recover(1.0)
    assert len(consumers(mock)) == 1, "the owner lives, nothing may be taken from it"
    expire(url)
    assert survivor.claimer.recover(5.0).releasing == 0
    assert not consumers(mock)
    assert survivor.claimer.claims_of(request_id(1))[0].state is ClaimState.ABORTED


def test_an_owner_that_wakes_up_after_its_lease_stops_before_it_writes(mock, url):
    paused, survivor = Replica(mock, url, "one"), Replica(mock, url, "two")
    reserved, begun = paused.begun(1), paused.begun(2)
    paused.claimer.reserve(paused.placement, reserved)
    expire(url)
    survivor.claimer.recover(5.0)
    paused.clock.ahead = 31
    mock.faults.play()
    with pytest.raises(Fenced):
        paused.claimer.confirm(paused.placement, reserved)
    with pytest.raises(JournalUnavailable):
        paused.claimer.reserve(paused.placement, begun)
    assert mock.faults.calls == []
    assert not consumers(mock)


def test_a_fenced_owner_goes_on_with_new_requests_under_a_new_lease(mock, url):
    paused, survivor = Replica(mock, url, "one"), Replica(mock, url, "two")
    paused.begun(1)
    expire(url)
    survivor.claimer.recover(5.0)
    paused.clock.ahead = 31
    paused.claimer.settle()
    claim = paused.begun(2)
    assert paused.claimer.reserve(paused.placement, claim) == RESERVED
    assert paused.claimer.confirm(paused.placement, claim) == CONFIRMED
    assert set(consumers(mock)) == {str(UUID(int=2))}


def test_after_the_commit_intent_a_survivor_drives_forward(mock, url):
    dead, survivor = Replica(mock, url, "one"), Replica(mock, url, "two")
    claim = dead.begun(1)
    dead.claimer.reserve(dead.placement, claim)
    dead.journal.advance(claim.claim_id, "commit_intended")
    expire(url)
    survivor.claimer.recover(5.0)
    assert survivor.claimer.claims_of(request_id(1))[0].state is ClaimState.COMMITTED
    assert set(consumers(mock)) == {str(UUID(int=1))}


def test_the_heartbeat_keeps_an_owner_alive_and_adopts_for_it(mock, url):
    living, dead = Replica(mock, url, "one"), Replica(mock, url, "two")
    claim = dead.begun(1)
    dead.claimer.reserve(dead.placement, claim)
    expire(url)
    living.clock.ahead = 6  # a heartbeat is due
    assert living.claimer.settle() <= 5.0
    living.claimer.settle()
    assert not consumers(mock)
    mine = living.begun(2)
    assert living.claimer.reserve(living.placement, mine) == RESERVED
