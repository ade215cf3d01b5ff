"""What must hold after any run: the check of one request against what Placement's tables say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from faults.stage import SPEC, Amounts, Count, Move, Stage
from scheduler import ClaimInDoubt, SchedulerError, Selection
from scheduler.claims import Figures

PLACED, RELEASED, IN_DOUBT = "placed", "released", "in doubt"
Selections = Sequence[Sequence[Selection]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One request after recovery: its instances, what the caller got, what the journal says, what is unfinished.

    ``move`` is what its only instance held before, and its migration.
    """

    instances: Sequence[UUID]
    answer: Selections | BaseException | None
    verdict: str
    figures: Figures
    move: Move | None = None

    @property
    def told(self) -> str:
        """Return in a word what the caller was told."""
        if isinstance(self.answer, ClaimInDoubt):
            return IN_DOUBT
        if isinstance(self.answer, BaseException):
            return type(self.answer).__name__
        return RELEASED if self.answer is None else PLACED


def problems(stage: Stage, outcome: Outcome, count: Count) -> Iterator[str]:
    """Yield everything that is not as guaranteed."""
    left = outcome.figures
    if left.open or left.in_doubt or left.releasing:
        yield f"unfinished after recovery: {left}"
    if count.reservations:
        yield f"{len(count.reservations)} reservations left"
    migrations = [outcome.move.migration] if outcome.move else []
    yield from strangers(stage, [*outcome.instances, *migrations], count)
    yield from _against_the_verdict(outcome, count)
    yield from _against_the_answer(outcome)


def strangers(stage: Stage, instances: Sequence[UUID], count: Count) -> Iterator[str]:
    """Yield what happened to those who have nothing to do with the request."""
    if any(count.held.get(str(one)) != stage.before.held[str(one)] for one in stage.foreign):
        yield "a foreign allocation was touched"
    if any(count.consumers.get(str(one)) != stage.before.consumers[str(one)] for one in stage.foreign):
        yield "a foreign consumer was written"
    known = stage.before.held.keys() | {str(instance) for instance in instances}
    if unknown := count.held.keys() - known:
        yield f"{len(unknown)} consumers hold something that nobody asked for"
    if count.held.keys() - count.consumers.keys():
        yield "allocations without a consumer"
    if count.over_capacity:
        yield f"{len(count.over_capacity)} providers over capacity"


def _against_the_verdict(outcome: Outcome, count: Count) -> Iterator[str]:
    """Compare what instances hold with what the journal says became of the claim."""
    holding = [count.held.get(str(instance)) for instance in outcome.instances]
    move, kept = outcome.move, count.held.get(str(outcome.move.migration)) if outcome.move else None
    if outcome.verdict == "committed":
        expected = expected_of(outcome.answer) if not isinstance(outcome.answer, BaseException | None) else None
        for instance, held in zip(outcome.instances, holding, strict=True):
            if held is None or not (held == expected[str(instance)] if expected else is_the_flavor(held)):
                yield "committed, but an instance does not hold what was decided"
        if move and (kept != move.source or holding == [move.source]):
            yield "committed, but the instance is where it was, or its migration does not hold that"
    elif outcome.verdict not in {"aborted", "unknown"}:
        yield f"the journal says {outcome.verdict} after recovery"
    elif move:
        if holding != [move.source] or kept:
            yield f"{outcome.verdict}, but the moved instance does not hold exactly what it held"
    elif any(holding):
        yield f"{outcome.verdict}, but {sum(map(bool, holding))} instances hold something"


def _against_the_answer(outcome: Outcome) -> Iterator[str]:
    committed = outcome.verdict == "committed"
    if outcome.told == PLACED and not committed:
        yield f"the caller was told placed, the journal says {outcome.verdict}"
    if outcome.told == RELEASED and committed:
        yield "the caller released the claim, the journal says committed"
    if isinstance(outcome.answer, SchedulerError) and outcome.told != IN_DOUBT and committed:
        yield f"the caller was told {outcome.told}, the journal says committed"


def expected_of(answer: Selections) -> Mapping[str, Amounts]:
    """Return what each instance shall hold by the selections a caller got."""
    return {
        str(selection.instance_uuid): {
            (str(provider), resource_class): amount
            for provider, resources in selection.allocation_request.allocations.items()
            for resource_class, amount in resources.resources.items()
        }
        for selection, *_ in answer
    }


def is_the_flavor(held: Amounts) -> bool:
    """Tell whether an instance holds its flavor, once, on one provider."""
    providers = {provider for provider, _ in held}
    amounts = {resource_class: amount for (_, resource_class), amount in held.items()}
    return len(providers) == 1 and amounts == {"VCPU": SPEC.flavor.vcpus, "MEMORY_MB": SPEC.flavor.memory_mb}
