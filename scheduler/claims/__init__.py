"""Claims: the protocol that reserves, confirms and releases, and the journal that remembers."""

from scheduler.claims.answers import GROUP_CHANGED, OVER_CAPACITY, TRY_AGAIN, given_up, not_confirmed
from scheduler.claims.bodies import RequestFacts
from scheduler.claims.claimer import CONFIRMED, IN_DOUBT, RESERVED, Claimer, Figures
from scheduler.claims.group_check import GroupCheck, GroupSource
from scheduler.claims.journal import Claim, Journal, MemoryJournal
from scheduler.claims.repeats import ended, facts_of, repeated
from scheduler.claims.reservation import Reservation
from scheduler.claims.settle import INSTANCE_TAKEN
from scheduler.claims.shutdown import close_on_signal
from scheduler.claims.states import ClaimState

__all__ = [
    "Claimer",
    "Figures",
    "Claim",
    "RequestFacts",
    "facts_of",
    "repeated",
    "ended",
    "Reservation",
    "ClaimState",
    "Journal",
    "close_on_signal",
    "MemoryJournal",
    "RESERVED",
    "CONFIRMED",
    "IN_DOUBT",
    "INSTANCE_TAKEN",
    "OVER_CAPACITY",
    "GROUP_CHANGED",
    "GroupCheck",
    "GroupSource",
    "TRY_AGAIN",
    "given_up",
    "not_confirmed",
]
