"""The diagram of the states of claims and holds, generated from the transition tables."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from scheduler.claims.states import (
    CLAIM_TRANSITIONS,
    HOLD_TRANSITIONS,
    ClaimEvent,
    ClaimState,
    HoldEvent,
    HoldState,
    hold_event,
)

_TEXT = """\
# States of claims and holds

Generated from `scheduler/claims/states.py` by `make sample`; do not edit. A claim is one attempt to place a whole
batch; a hold is a consumer of our own that keeps room for it. An event without an arrow raises `IllegalTransition` and
changes nothing.

## A claim

{claims}
## A hold

{holds}
## What an event of a claim means for its holds

{meanings}"""

State = TypeVar("State", ClaimState, HoldState)
Event = TypeVar("Event", ClaimEvent, HoldEvent)


def text() -> str:
    """Return the page as it is kept in docs/claim-states.md."""
    return _TEXT.format(
        claims=_diagram(ClaimState.INTENDED, CLAIM_TRANSITIONS),
        holds=_diagram(HoldState.HELD, HOLD_TRANSITIONS),
        meanings="\n".join(_meanings()) + "\n",
    )


def _diagram(first: State, table: Mapping[State, Mapping[Event, State]]) -> str:
    return "\n".join(["```mermaid", "stateDiagram-v2", *_arrows(first, table), "```", ""])


def _arrows(first: State, table: Mapping[State, Mapping[Event, State]]) -> Iterator[str]:
    yield f"    [*] --> {first}"
    for state, row in table.items():
        for event, following in row.items():
            yield f"    {state} --> {following}: {event}"
        if not row:
            yield f"    {state} --> [*]"


def _meanings() -> Iterator[str]:
    yield "| event of the claim | event of each hold |"
    yield "|---|---|"
    events = dict.fromkeys(event for row in CLAIM_TRANSITIONS.values() for event in row)
    for event in events:
        yield f"| {event} | {hold_event(event) or 'none'} |"
