"""A journal shared by the processes of one history: what is durable, who owns it, and everything that a disk can do.

What a claim may become is the production code's (``Claim.advanced``, ``Claim.with_hold``); this is only where it is
kept, in place of a database, which would make a million histories impossible.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from faults.model_world import Process, World, around
from scheduler.claims import Claim, ClaimState
from scheduler.claims.states import ASKED_AGAIN, ClaimEvent, HoldEvent
from scheduler.errors import Fenced, JournalUnavailable, RequestInProgress

UNAVAILABLE = "unavailable"  # nothing is written
UNSURE = "unsure"  # written, but the answer of the database is lost
KINDS = (*around(("crash", "crash", "pause", "interruption", "delay", "foreign", "rival", "redelivery")),
         UNAVAILABLE, UNAVAILABLE, UNSURE, UNSURE)  # fmt: skip

T = TypeVar("T")


@dataclass(slots=True)
class Disk:
    """What survives every process: claims in order of their beginning, the owner of each, and the dead owners.

    ``served`` tells for which delivery of a request a claim was begun.
    """

    claims: dict[UUID, Claim] = field(default_factory=dict)
    owners: dict[UUID, Process] = field(default_factory=dict)
    served: dict[UUID, int] = field(default_factory=dict)
    fenced: list[Process] = field(default_factory=list)


class SimulatedJournal:
    """The journal of one process; every other death is one of the power, and takes along what nothing synced yet."""

    def __init__(self, world: World, disk: Disk, process: Process) -> None:
        self._world = world
        self._disk = disk
        self._process = process
        self._before: dict[UUID, Claim] = {}  # what is synced of claims that have changed since
        process.at_death = self._lose_what_is_not_synced

    def begin(self, claim: Claim) -> None:
        """Write down a new claim."""
        self._use("begin", lambda: self._begin(claim))

    def advance(self, claim_id: UUID, event: ClaimEvent) -> Claim:
        """Write down an event of a claim."""
        return self._use(event, lambda: self._advance(claim_id, event))

    def advance_hold(self, claim_id: UUID, consumer: UUID, event: HoldEvent) -> Claim:
        """Write down an event of one hold."""
        return self._use(event, lambda: self._replace(self._owned(claim_id).with_hold(consumer, event)))

    def find(self, claim_id: UUID) -> Claim | None:
        """Return a claim; a dead process finds nothing."""
        return self._disk.claims.get(claim_id) if self._process.alive else None

    def claims_of(self, request_id: str) -> tuple[Claim, ...]:
        """Return the claims of a request."""
        return tuple(claim for claim in self._disk.claims.values() if claim.request_id == request_id)

    def unfinished(self) -> tuple[Claim, ...]:
        """Return the claims of this process that are not settled."""
        if not self._process.alive:
            return ()
        owners = self._disk.owners
        return tuple(
            one for one in self._disk.claims.values() if owners[one.claim_id] is self._process and not one.settled
        )

    def unsettled(self) -> tuple[Claim, ...]:
        """Return the claims of all processes that are not settled."""
        return tuple(claim for claim in self._disk.claims.values() if not claim.settled)

    def adopt(self) -> tuple[Claim, ...]:
        """Take over the unsettled claims of every process whose heart does not beat."""
        return self._use("adopt", self._adopt)

    def renew(self) -> None:
        """Tell that this process lives; one that was taken for dead goes on as a new owner."""
        self._use("renew", self._renew)

    def prune(self) -> int:
        """Forget nothing: a history is short, and its end is judged by what was written."""
        return 0

    def close(self) -> None:
        """End this owner."""
        self._process.beating = False

    def _use(self, what: str, act: Callable[[], T]) -> T:
        kind, rest = self._world.step(self._process, f"journal: {what}", KINDS)
        if kind == UNAVAILABLE:
            raise JournalUnavailable
        result = self._world.disturbed(self._process, kind, rest, act)
        if kind == UNSURE:
            raise JournalUnavailable
        return result

    def _begin(self, claim: Claim) -> None:
        self._check_owner()
        if any(one.state is not ClaimState.ABORTED for one in self.claims_of(claim.request_id)):
            raise RequestInProgress(claim.request_id)
        self._disk.owners[claim.claim_id] = self._process
        self._disk.served[claim.claim_id] = self._process.serving
        self._replace(claim)

    def _advance(self, claim_id: UUID, event: ClaimEvent) -> Claim:
        synced = {claim_id: self._owned(claim_id), **self._before} if event in ASKED_AGAIN else {}
        after = self._replace(self._owned(claim_id).advanced(event))
        self._before = synced
        return after

    def _lose_what_is_not_synced(self) -> None:
        if any(claim_id.int % 2 for claim_id in self._before):
            self._disk.claims.update(self._before)

    def _owned(self, claim_id: UUID) -> Claim:
        if self._disk.owners[claim_id] is not self._process:
            raise Fenced
        return self._disk.claims[claim_id]

    def _replace(self, claim: Claim) -> Claim:
        self._before = {}
        self._disk.claims[claim.claim_id] = claim
        return claim

    def _adopt(self) -> tuple[Claim, ...]:
        self._check_owner()
        found = [
            claim
            for claim in self._disk.claims.values()
            if not claim.settled and not self._disk.owners[claim.claim_id].beating
        ]
        for claim in found:
            dead = self._disk.owners[claim.claim_id]
            if dead not in self._disk.fenced:
                self._disk.fenced.append(dead)
            self._disk.owners[claim.claim_id] = self._process
        return tuple(found)

    def _renew(self) -> None:
        if self._process in self._disk.fenced:
            self._disk.fenced.remove(self._process)
            raise Fenced

    def _check_owner(self) -> None:
        if self._process in self._disk.fenced:
            raise Fenced
