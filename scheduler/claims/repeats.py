"""A request that is delivered again: the same answer without a second claim, or an error that says why not."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

import msgspec

from scheduler.claims.bodies import RequestFacts
from scheduler.claims.journal import Claim
from scheduler.claims.states import ClaimState
from scheduler.errors import ClaimInDoubt, InvalidRequest, RequestInProgress
from scheduler.model import BUILD, Operation, RequestSpec, Selection


def facts_of(
    request_id: str, spec: RequestSpec, instances: Sequence[UUID], alternates: int, operation: Operation = BUILD
) -> RequestFacts:
    """Return what the journal keeps of a request; the digest covers everything that the answer depends on."""
    asked = (spec, instances, alternates)  # of a build, so that its digest is what earlier releases wrote down
    body = msgspec.json.encode(asked if operation == BUILD else (*asked, operation), order="deterministic")
    return RequestFacts(
        request_id=request_id,
        digest=hashlib.sha256(body).hexdigest(),
        project_id=spec.project_id,
        user_id=spec.user_id,
        consumer_type=spec.consumer_type,
        operation=operation,
        tagged=spec.has_hard_group,
        group_uuid=spec.instance_group.uuid if spec.instance_group else None,
    )


def repeated(facts: RequestFacts, earlier: Sequence[Claim]) -> list[list[Selection]] | None:
    """Return the selections that a request got before; None when it may be tried (again).

    Raises InvalidRequest when its id was used for another body, ClaimInDoubt while its outcome is not known, and
    RequestInProgress while it is being served.
    """
    if any(claim.digest != facts.digest for claim in earlier):
        raise InvalidRequest("request_id: was used before, for another request")
    outcome = ended(earlier)
    if outcome == "in_doubt":
        raise ClaimInDoubt(facts.request_id)
    if outcome == "open":
        raise RequestInProgress(facts.request_id)
    if outcome != "committed":
        return None
    (committed,) = [claim for claim in earlier if claim.state is ClaimState.COMMITTED]
    return msgspec.json.decode(committed.result, type=list[list[Selection]])


def ended(claims: Sequence[Claim]) -> str:
    """Return what became of the claims of a request: "committed", "aborted", "in_doubt", "open" or "unknown"."""
    states = {claim.state for claim in claims}
    if not states:
        return "unknown"
    if ClaimState.COMMITTED in states:
        return "committed"
    if ClaimState.CONFIRMING in states:
        return "in_doubt"
    return "aborted" if states == {ClaimState.ABORTED} else "open"
