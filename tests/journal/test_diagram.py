"""The page with the diagrams of the states is what the transition tables say."""

from scheduler.claims import diagram
from scheduler.claims.states import CLAIM_TRANSITIONS, HOLD_TRANSITIONS
from tests.architecture.source import ROOT


def test_the_page_is_up_to_date():
    assert (ROOT / "docs/claim-states.md").read_text() == diagram.text(), "run: make sample"


def test_every_transition_is_an_arrow():
    lines = diagram.text().splitlines()
    for table in (CLAIM_TRANSITIONS, HOLD_TRANSITIONS):
        for state, row in table.items():
            for event, following in row.items():
                assert f"    {state.value} --> {following.value}: {event.value}" in lines
