"""Claims to write down in journals."""

from typing import Any
from uuid import UUID, uuid4

from placement_client.clock import SYSTEM_CLOCK, Clock
from placement_client.models import Resources
from placement_client.secret import Secret
from scheduler.bootstrap import journal_of
from scheduler.claims.journal import Claim, Hold, InstanceClaim, Journal
from scheduler.claims.states import ClaimEvent, HoldEvent, HoldState
from scheduler.settings import JournalSettings

TO_COMMITTED = (ClaimEvent.ACCEPTED, ClaimEvent.COMMIT_INTENDED, ClaimEvent.CONFIRMED)


def a_claim(request_id: str = "", instances: int = 1, holds: int = 1, claim_id: UUID | None = None) -> Claim:
    """Return a claim as it is before it is sent."""
    provider = uuid4()
    amounts = {provider: Resources({"VCPU": 3, "MEMORY_MB": 4096})}
    return Claim(
        claim_id=claim_id or uuid4(),
        request_id=request_id or f"req-{uuid4()}",
        digest="d" * 64,
        project_id="project",
        user_id="user",
        consumer_type="INSTANCE",
        instances=tuple(InstanceClaim(uuid4(), amounts) for _ in range(instances)),
        holds=tuple(Hold(uuid4(), amounts) for _ in range(holds)),
        result=b'[{"service_host": "host-1"}]',
    )


def a_journal(url: str, node_id: str = "node", clock: Clock = SYSTEM_CLOCK, **settings: Any) -> Journal:
    """Open the journal at this URL, with settings of ``JournalSettings``."""
    return journal_of(JournalSettings(connection=Secret(url), **settings), node_id, clock)


def advanced(journal: Journal, claim: Claim, *events: ClaimEvent) -> Claim:
    """Tell a journal that this happened to a claim, and return what became of it."""
    for event in events:
        claim = journal.advance(claim.claim_id, event)
    return claim


def released(journal: Journal, claim: Claim) -> Claim:
    """Write down that everything that was given up is empty."""
    for hold in claim.holds:
        if hold.state is HoldState.RELEASING:
            claim = journal.advance_hold(claim.claim_id, hold.consumer, HoldEvent.EMPTY)
    return claim
