"""The trail of one request: the only thing that grows while a request is served, and what its record is made from."""

from uuid import UUID

from msgspec import Struct, field, structs

from scheduler.model.decision import DecisionRecord, InstanceDecision, Outcome, Probe, Round, Timings
from scheduler.model.inputs import Inputs, RoundInputs


class Trail(Struct):
    """Facts about one request, in the order in which they became known. Times are milliseconds.

    ``inputs`` is what does not change from round to round; what each round was decided from is in ``offered``.
    """

    request_id: str
    seed: bytes
    instances: tuple[UUID, ...]
    project_id: str
    user_id: str = ""
    warnings: tuple[str, ...] = ()
    asked: dict[str, int] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    probes: tuple[Probe, ...] = ()
    inputs: Inputs | None = None
    offered: list[RoundInputs | None] = field(default_factory=list)
    round_inputs: RoundInputs | None = None
    decisions: list[InstanceDecision] = field(default_factory=list)
    alternates: tuple[str, ...] = ()
    candidates: int = 0
    hosts: int = 0
    verified_providers: int = 0
    group_looks: int = 0
    spent_ms: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    detail: str = ""
    microversion: str = ""

    def spend(self, what: str, milliseconds: float) -> None:
        """Add time to what it was spent on: "candidates", "select" or "claim"."""
        self.spent_ms[what] = self.spent_ms.get(what, 0.0) + milliseconds

    def end_round(self, answer: str) -> None:
        """Close the round with how it ended, and start with nothing for the next one."""
        self.rounds.append(
            Round(
                candidates=self.candidates,
                hosts=self.hosts,
                instances=tuple(self.decisions),
                alternates=self.alternates,
                verified_providers=self.verified_providers,
                group_looks=self.group_looks,
                answer=answer,
            )
        )
        self.offered.append(self.round_inputs)
        self.decisions, self.alternates, self.round_inputs = [], (), None
        self.candidates = self.hosts = self.verified_providers = self.group_looks = 0

    def end_open_round(self, answer: str) -> None:
        """Close the round that an error cut short, if there is one."""
        if self.decisions or self.candidates:
            self.end_round(answer)

    def record(
        self, outcome: Outcome, reason: str, *, answered_at: float, total_ms: float, calls: int
    ) -> DecisionRecord:
        """Return the record of the request, once it is answered."""
        return DecisionRecord(
            request_id=self.request_id,
            outcome=outcome,
            reason=reason,
            detail=self.detail,
            answered_at=answered_at,
            seed=self.seed.hex(),
            instances=self.instances,
            project_id=self.project_id,
            user_id=self.user_id,
            warnings=self.warnings,
            asked=self.asked,
            rounds=tuple(self.rounds),
            probes=self.probes,
            placement_calls=calls,
            microversion=self.microversion,
            timings=Timings(
                total_ms=total_ms,
                candidates_ms=self.spent_ms.get("candidates", 0.0),
                select_ms=self.spent_ms.get("select", 0.0),
                claim_ms=self.spent_ms.get("claim", 0.0),
            ),
            inputs=self.inputs and structs.replace(self.inputs, rounds=tuple(self.offered)),
        )
