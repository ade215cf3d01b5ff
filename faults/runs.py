"""One run: a request meets its fault, the network heals, the scheduler recovers, and Placement is counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from faults.proxy import Fault
from faults.stage import SPEC, Move, Stage
from faults.verdict import Outcome, Selections, problems
from placement_client.testing.faults import Script, no_faults
from scheduler import FilterScheduler, Migrate, RequestContext

CONFIRM, RELEASE, MOVE = "confirm", "release", "move"
READ_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Run:
    """A request for a batch that is confirmed or released, and what it meets: faults by call, on the wire or inside.

    A move takes one instance that holds room of the first host, and leaves that with its migration.
    ``warm`` says that the scheduler knows microversion and hosts already, so that the request's own calls come first.
    """

    flow: str
    batch: int
    on_wire: Mapping[int, Fault] = field(default_factory=dict)
    inside: Script = no_faults
    read_timeout_s: float = READ_TIMEOUT_S
    warm: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What the caller was told in the end, and everything that was not as guaranteed afterwards."""

    told: str
    problems: Sequence[str]


def play(stage: Stage, run: Run) -> Result:
    """Do one run on a stage that is clean, and leave it clean."""
    scheduler, adapter = stage.scheduler(read_timeout_s=run.read_timeout_s)
    if run.warm:
        scheduler.placement.negotiate()
        scheduler.hosts.snapshot()
    instances = stage.instances(run.batch)
    move = stage.moving(instances[0]) if run.flow == MOVE else None
    context = RequestContext(project_id="tenant", user_id="somebody", request_id=f"req-{instances[0]}")
    stage.proxy.play(run.on_wire)
    adapter.play(run.inside)
    answer = _asked(scheduler, run, context, instances, move)
    stage.proxy.heal()
    adapter.play()
    outcome = Outcome(instances, answer, figures=scheduler.close(), verdict=_verdict(stage, context), move=move)
    result = Result(outcome.told, list(problems(stage, outcome, stage.count())))
    stage.clean()
    return result


def titles(stage: Stage, run: Run) -> list[str]:
    """Return the calls of an undisturbed run."""
    play(stage, run)
    return [exchange.title for exchange in stage.calls]


def _verdict(stage: Stage, context: RequestContext) -> str:
    """Return what a scheduler that starts anew says about a request."""
    scheduler, _ = stage.scheduler(read_timeout_s=READ_TIMEOUT_S)
    with scheduler:
        return scheduler.outcome(str(context.request_id))


def _asked(
    scheduler: FilterScheduler, run: Run, context: RequestContext, instances: Sequence[UUID], move: Move | None
) -> Selections | BaseException | None:
    try:
        return _select(scheduler, run.flow, context, instances, move)
    except KeyboardInterrupt as error:
        if run.inside is no_faults:
            raise  # somebody pressed Ctrl-C
        return error
    except BaseException as error:  # noqa: BLE001 - what the caller gets is what is checked
        return error


def _select(
    scheduler: FilterScheduler, flow: str, context: RequestContext, instances: Sequence[UUID], move: Move | None
) -> Selections | None:
    if move:
        return scheduler.select_destinations(context, SPEC, instances, operation=Migrate(move.migration))
    if flow == CONFIRM:
        return scheduler.select_destinations(context, SPEC, instances)
    with scheduler.reserve(context, SPEC, instances):
        return None
