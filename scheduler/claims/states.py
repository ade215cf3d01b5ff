"""What may happen to a claim and to the reservations it holds: the only place that knows which state follows which.

A *claim* is one attempt to place a whole batch. It holds room through *holds*, consumers that the scheduler minted.

Rule 1: every transition is in ``CLAIM_TRANSITIONS`` and ``HOLD_TRANSITIONS`` below.
Rule 2: this file does no I/O and knows neither Placement nor a database.

An event that is not in the row of a state raises ``IllegalTransition``, and nothing changes.
"""

from collections.abc import Mapping
from enum import StrEnum

from scheduler.errors import IllegalTransition


class ClaimState(StrEnum):
    """The states of a claim."""

    INTENDED = "intended"  # written down; the reservation may or may not have been sent
    RESERVED = "reserved"  # Placement holds the room under our own consumers
    CONFIRMING = "confirming"  # the commit intent is written down; from here only forward
    COMMITTED = "committed"  # the instances hold their allocations
    ABORTED = "aborted"  # nothing was or will be given to the instances


class ClaimEvent(StrEnum):
    """What can happen to a claim."""

    ACCEPTED = "accepted"  # Placement granted the reservation
    REFUSED = "refused"  # Placement refused the reservation, nothing was written
    ABANDONED = "abandoned"  # given up before the commit intent, whatever the reason
    COMMIT_INTENDED = "commit_intended"  # the caller confirms
    CONFIRMED = "confirmed"  # Placement moved the room to the instances
    DENIED = "denied"  # Placement will never move the room to the instances


class HoldState(StrEnum):
    """The states of one minted consumer."""

    HELD = "held"  # belongs to a claim that is still open
    UNUSED = "unused"  # never written, or moved to the instances: nothing to release
    RELEASING = "releasing"  # to be emptied and read back
    QUARANTINED = "quarantined"  # empty, but a late request may still arrive: look again later
    RELEASED = "released"  # seen empty, for good


class HoldEvent(StrEnum):
    """What can happen to a minted consumer."""

    SPENT = "spent"  # its room was moved to the instances, or it never held any
    GIVEN_UP = "given_up"  # its claim was aborted
    EMPTY = "empty"  # read back empty, and no request for it can still be on its way
    EMPTY_FOR_NOW = "empty_for_now"  # read back empty, but a request for it may still be on its way
    REAPPEARED = "reappeared"  # a late request filled it again


CLAIM_TRANSITIONS: Mapping[ClaimState, Mapping[ClaimEvent, ClaimState]] = {
    ClaimState.INTENDED: {
        ClaimEvent.ACCEPTED: ClaimState.RESERVED,
        ClaimEvent.REFUSED: ClaimState.ABORTED,
        ClaimEvent.ABANDONED: ClaimState.ABORTED,
    },
    ClaimState.RESERVED: {
        ClaimEvent.ABANDONED: ClaimState.ABORTED,
        ClaimEvent.COMMIT_INTENDED: ClaimState.CONFIRMING,
    },
    ClaimState.CONFIRMING: {
        ClaimEvent.CONFIRMED: ClaimState.COMMITTED,
        ClaimEvent.DENIED: ClaimState.ABORTED,
    },
    ClaimState.COMMITTED: {},
    ClaimState.ABORTED: {},
}

HOLD_TRANSITIONS: Mapping[HoldState, Mapping[HoldEvent, HoldState]] = {
    HoldState.HELD: {
        HoldEvent.SPENT: HoldState.UNUSED,
        HoldEvent.GIVEN_UP: HoldState.RELEASING,
    },
    HoldState.RELEASING: {
        HoldEvent.EMPTY: HoldState.RELEASED,
        HoldEvent.EMPTY_FOR_NOW: HoldState.QUARANTINED,
    },
    HoldState.QUARANTINED: {
        HoldEvent.EMPTY: HoldState.RELEASED,
        HoldEvent.REAPPEARED: HoldState.RELEASING,
    },
    HoldState.UNUSED: {},
    HoldState.RELEASED: {},
}


ASKED_AGAIN = frozenset({ClaimEvent.ACCEPTED, ClaimEvent.CONFIRMED})
"""What Placement answered, and what recovery finds out again when the power fails before it is on disk."""

ABANDONABLE = frozenset(state for state, row in CLAIM_TRANSITIONS.items() if ClaimEvent.ABANDONED in row)
"""The states in which a claim can still be given up."""


def after(state: ClaimState, event: ClaimEvent) -> ClaimState:
    """Return the state of a claim after an event; IllegalTransition when it cannot happen."""
    following = CLAIM_TRANSITIONS[state].get(event)
    if following is None:
        raise IllegalTransition(f"A claim that is {state.value} cannot be {event.value}.")
    return following


def hold_after(state: HoldState, event: HoldEvent) -> HoldState:
    """Return the state of a hold after an event; IllegalTransition when it cannot happen."""
    following = HOLD_TRANSITIONS[state].get(event)
    if following is None:
        raise IllegalTransition(f"A hold that is {state.value} cannot be {event.value}.")
    return following


def hold_event(event: ClaimEvent) -> HoldEvent | None:
    """Return what an event of a claim means for its holds; None when it means nothing."""
    return {
        ClaimEvent.REFUSED: HoldEvent.SPENT,
        ClaimEvent.CONFIRMED: HoldEvent.SPENT,
        ClaimEvent.ABANDONED: HoldEvent.GIVEN_UP,
        ClaimEvent.DENIED: HoldEvent.GIVEN_UP,
    }.get(event)
