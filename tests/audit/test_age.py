"""How long a consumer has held something is told by both clocks of the server, or not at all."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement_client.models import Answer
from tests.audit.leaks import dated_client, hold, make_old, provider_with

NOON = "Fri, 20 Nov 2026 12:00:00 GMT"
LATER = "Fri, 20 Nov 2026 12:01:30 GMT"


def age(date: str | None, changed: str | None) -> float | None:
    headers = {"date": date, "last-modified": changed}
    return Answer(200, {name: value for name, value in headers.items() if value is not None}, b"").age_s


def test_the_age_is_the_difference_of_the_headers():
    assert age(LATER, NOON) == 90.0


def test_an_answer_older_than_what_it_shows_is_of_age_0():
    """Two workers of one server may disagree about the time."""
    assert age(NOON, LATER) == 0.0


@pytest.mark.parametrize(
    ("date", "changed"),
    [
        (None, NOON),
        (NOON, None),
        (None, None),
        ("", NOON),
        ("yesterday", NOON),
        ("Fri, 99 Nov 2026 12:00:00 GMT", NOON),
        ("Fri, 20 Nov 99999999999 12:00:00 GMT", NOON),
        ("Fri, 20 Nov 2026 12:00:00 -0000", NOON),
        ("Fri, 20 Nov 2026 12:00:00 +9999999999999", NOON),
    ],
)
def test_without_two_dates_there_is_no_age(date, changed):
    assert age(date, changed) is None


@given(st.text(), st.text())
def test_no_header_makes_the_age_fail(date, changed):
    found = age(date, changed)
    assert found is None or found >= 0.0


def test_a_real_placement_tells_the_age(real_placement):
    client = dated_client(real_placement)
    consumer = make_old(hold(client, provider_with(client)), seconds=100.0)
    held, age_s = client.get_allocations_dated(consumer)
    assert held == client.get_allocations(consumer)
    assert 100.0 <= age_s < 110.0


def test_an_unknown_consumer_holds_nothing(real_placement):
    held, age_s = dated_client(real_placement).get_allocations_dated(UUID(int=1))
    assert held.allocations == {}
    assert age_s <= 2.0


def test_a_server_that_sends_no_date_gives_no_age(real_placement):
    client = real_placement.client()
    assert client.get_allocations_dated(hold(client, provider_with(client)))[1] is None
