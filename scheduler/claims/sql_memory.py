"""What a journal remembers of the claims that it wrote, so that it can change one without reading it first."""

from uuid import UUID

from scheduler.claims.journal import FINISHED_CLAIMS, Claim
from scheduler.claims.sql_rows import Row

AT_MOST = 128  # more claims than requests that one process serves at a time; those beyond are read again


class Memory:
    """The rows of claims as this process left them, for as long as they are open.

    What is remembered is never believed: a change that stands on it is made where the row still is like that, and only
    there (see ``sql_rows.change``). A claim is taken out to be changed and comes back when that is committed, so that
    whatever goes wrong in between leaves nothing behind. Only the thread of the journal uses it.
    """

    def __init__(self, at_most: int = AT_MOST) -> None:
        self._at_most = at_most
        self._known: dict[UUID, tuple[Row, Claim]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def keep(self, row: Row, claim: Claim) -> None:
        """Remember a claim as it was just committed, in place of the one that was not used for longest."""
        if claim.state in FINISHED_CLAIMS:
            return
        self._known[claim.claim_id] = (row, claim)
        if len(self._known) > self._at_most:
            del self._known[next(iter(self._known))]

    def take(self, claim_id: UUID) -> tuple[Row, Claim] | None:
        """Return a claim with its row, and remember it no more; None when it is not remembered."""
        return self._known.pop(claim_id, None)

    def forget(self) -> None:
        """Remember nothing."""
        self._known.clear()
