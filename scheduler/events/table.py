"""Every log record there is. ``docs/logging.md`` holds the same table for operators.

ERROR: a claim or the journal is in danger. WARNING: an unknown outcome, another try, a quarantine, an unsafe setting.
INFO: one record a request. DEBUG: single steps and their times.
"""

from logging import DEBUG, ERROR, INFO, WARNING

from scheduler.events.event import Event
from scheduler.events.fields import Code, Count, Field, KeyId, Millis, OneOf, Pseudonym, TypeName, Version, Words

CLAIM, HOLD, PROVIDER, REQUEST = map(Pseudonym, ("claim", "consumer", "provider", "request"))

TROUBLE = ("unavailable", "in_doubt")
DECIDED = ("selected", "no_valid_host", "rejected", "conflict", "released", "interrupted")


def _of_a_request(outcomes: tuple[str, ...]) -> dict[str, Field]:
    return {
        "request": REQUEST,
        "project": Pseudonym("project"),
        "outcome": OneOf(outcomes),
        "reason": Code(),
        "instances": Count(),
        "rounds": Count(),
        "candidates": Count(),
        "hosts": Count(),
        "verified_providers": Count(),
        "probes": Count(),
        "placement_calls": Count(),
        "total_ms": Millis(),
        "candidates_ms": Millis(),
        "select_ms": Millis(),
        "claim_ms": Millis(),
    }


LOG_STARTED = Event(
    "log_started",
    INFO,
    "a scheduler was built: its release, and the key of its pseudonyms",
    {"release": Version(), "key": KeyId()},
    a_minute=None,
)
UNSAFE_SETTING = Event(
    "unsafe_setting",
    WARNING,
    "the configuration or the environment holds what production should not",
    {"setting": Words()},
)

REQUEST_DECIDED = Event("request_decided", INFO, "how a request ended", _of_a_request(DECIDED), a_minute=None)
REQUEST_NOT_DECIDED = Event(
    "request_not_decided",
    WARNING,
    "a request ended in an outage, or it is not known yet how",
    _of_a_request(TROUBLE),
    a_minute=None,
)
RECORD_NOT_DELIVERED = Event(
    "record_not_delivered",
    WARNING,
    "an observer or the store of decision records raised; the request ended as it would have",
    {"observer": TypeName(), "error": TypeName()},
)

RECORD_READ = Event(
    "record_read",
    INFO,
    "somebody read a decision record through explain()",
    {"request": REQUEST, "reader": Pseudonym("user")},
    a_minute=None,
)

CLAIM_RESERVED = Event(
    "claim_reserved",
    DEBUG,
    "Placement granted a reservation",
    {"request": REQUEST, "claim": CLAIM, "step_ms": Millis()},
)
CLAIM_NOT_RESERVED = Event(
    "claim_not_reserved",
    WARNING,
    "Placement refused a reservation, or its answer was lost; it is released, and the request tries again if it may",
    {"request": REQUEST, "claim": CLAIM, "reason": Code()},
)
OVER_CAPACITY = Event(
    "over_capacity",
    WARNING,
    "after a reservation a provider holds more than its capacity, so the claim gives way",
    {"provider": PROVIDER},
)
GROUP_CHANGED = Event(
    "group_changed",
    WARNING,
    "after a reservation other members of the server group are where the policy forbids it, so the claim gives way",
    {"request": REQUEST, "claim": CLAIM},
)
CLAIM_CONFIRMED = Event(
    "claim_confirmed", DEBUG, "the instances hold their room", {"request": REQUEST, "claim": CLAIM, "step_ms": Millis()}
)
CLAIM_NOT_CONFIRMED = Event(
    "claim_not_confirmed",
    WARNING,
    "Placement refused a confirmation; the reservation is released",
    {"request": REQUEST, "claim": CLAIM, "reason": Code()},
)
CLAIM_IN_DOUBT = Event(
    "claim_in_doubt",
    WARNING,
    "it is not known whether a confirmation was carried out; it is looked at again until it is",
    {"request": REQUEST, "claim": CLAIM, "reason": Code()},
)

CLAIMS_ADOPTED = Event(
    "claims_adopted", WARNING, "claims of a scheduler that is dead were taken over", {"claims": Count()}
)
CLAIM_NOT_SETTLED = Event(
    "claim_not_settled",
    ERROR,
    "a defect kept a claim from being settled; it is tried again",
    {"claim": CLAIM, "error": TypeName()},
)
HOLD_NOT_RELEASED = Event(
    "hold_not_released",
    WARNING,
    "a reservation could not be released; it is tried again",
    {"claim": CLAIM, "hold": HOLD, "reason": Code()},
)
HOLD_QUARANTINED = Event(
    "hold_quarantined",
    WARNING,
    "a reservation whose answer was lost is empty, and is looked at again when it can not arrive any more",
    {"claim": CLAIM, "hold": HOLD},
)
HOLD_REAPPEARED = Event(
    "hold_reappeared",
    WARNING,
    "a reservation arrived after it had been released; it is released again",
    {"claim": CLAIM, "hold": HOLD},
)
JOURNAL_FAILED = Event(
    "journal_failed",
    ERROR,
    "the journal could not be used where a claim depends on it; it is tried again",
    {"reason": Code()},
)
OWNERSHIP_FAILED = Event(
    "ownership_failed",
    ERROR,
    "the lease could not be renewed, so nothing is claimed; with reason fenced another scheduler took the claims over",
    {"reason": Code()},
)

HOSTS_REFRESHED = Event(
    "hosts_refreshed", DEBUG, "the hosts were listed again", {"hosts": Count(), "step_ms": Millis()}
)

UNDECLARED = Event("undeclared", WARNING, "something was to be logged that this table does not hold: a defect", {})

EVENTS = {value.name: value for value in list(vars().values()) if isinstance(value, Event)}
