"""The paths: what a request, an operator and a recovery can meet, each played on a stage.

Every group yields steps; a step plays one path. ``slice_of`` takes a part of them, spread evenly.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from uuid import UUID

from canaries.hostile import broken
from canaries.kinds import KINDS
from canaries.stage import Stage
from canaries.wire import marked
from placement_client.testing import faults
from scheduler import FilterScheduler, RequestContext, RequestSpec
from scheduler.model import Destination, Image, RequestGroup

BATCHES = (1, 2, 5)
Step = Callable[[], object]


def of_faults(stage: Stage, scheduler: FilterScheduler, batches: Sequence[int] = BATCHES) -> Iterator[Step]:
    """Yield every kind of fault at every call of a request, for batches of these sizes."""
    for batch in batches:
        calls = _calls(stage, scheduler, batch)
        for kind, fault in KINDS.items():
            for number in range(1, calls + 1):
                yield partial(_meet, stage, scheduler, f"fault: {kind}", batch, number, fault)


def of_outages(stage: Stage, scheduler: FilterScheduler) -> Iterator[Step]:
    """Yield every kind of fault at every call from the first on, token and version discovery included."""
    for kind in KINDS:
        yield partial(_everything_fails, stage, scheduler, kind)


def of_plugins(stage: Stage, scheduler: FilterScheduler) -> Iterator[Step]:
    """Yield everything foreign inside the process that can raise."""
    for name, breaking in broken(stage.mint).items():
        yield partial(_asked, stage, breaking(scheduler), f"broken {name}", 2)


def of_requests(stage: Stage, scheduler: FilterScheduler) -> Iterator[Step]:
    """Yield requests that are refused, find nothing, or come from somebody who may not ask."""
    world, mint = stage.world, stage.mint
    elsewhere = Destination(host=mint.word("host"), node=mint.word("node"), aggregates=((mint.uuid("aggregate"),),))
    absent = RequestGroup(
        requester_id="a", resources={mint.name("capability"): 1}, required_traits=(mint.name("trait"),)
    )
    specs = {
        "fits": world.request(),
        "unknown host": world.request(requested_destination=elsewhere),
        "too big": world.request(flavor=world.flavor(vcpus=100_000)),
        "filtered out": world.request(
            flavor=world.flavor(extra_specs={f"capabilities:{mint.word('capability')}": "x"})
        ),
        "unknown names": world.request(requested_resources=(absent,)),
        "unknown trait": world.request(image=Image(traits_required=(mint.name("trait"),))),
        "wrong extra spec": world.request(flavor=world.flavor(extra_specs={"trait:X": mint.word("extra spec")})),
        "ignored and forced": world.request(force_hosts=("a",), ignore_hosts=("a", mint.word("host"))),
        "unknown hint": world.request(scheduler_hints={mint.word("group"): mint.word("group")}),
        "hint of Nova": world.request(scheduler_hints={f"_{mint.word('group')}": mint.word("group")}),
        "wrong type": world.request(project_id=mint.uuid("project")),
    }
    for name, spec in specs.items():
        yield partial(_asked, stage, scheduler, f"request: {name}", 1, spec=spec)
    stranger = RequestContext(project_id=mint.word("project"), user_id=mint.word("user"))
    yield partial(_asked, stage, scheduler, "request: of a stranger", 1, context=stranger)
    yield partial(_wrong_instances, stage, scheduler)
    yield partial(_twice, stage, scheduler)
    yield from (partial(_document, stage, text) for text in _documents(stage))


def slice_of(steps: Sequence[Step], most: int) -> list[Step]:
    """Return at most so many steps, spread over all of them."""
    stride = max(1.0, len(steps) / most)
    return [steps[int(at * stride)] for at in range(min(most, len(steps)))]


def _meet(
    stage: Stage, scheduler: FilterScheduler, path: str, batch: int, number: int, fault: faults.Fault | None
) -> None:
    """Let one call of a request meet a fault, and settle what is left when the network is well again."""
    script = faults.on_call(number, marked(fault, stage.mint))
    _asked(stage, scheduler, path, batch, script=script)


def _everything_fails(stage: Stage, scheduler: FilterScheduler, kind: str) -> None:
    script = faults.every(marked(KINDS[kind], stage.mint))
    _asked(stage, scheduler, f"outage: {kind}", 1, script=script)


def _asked(
    stage: Stage,
    scheduler: FilterScheduler,
    path: str,
    batch: int,
    *,
    spec: RequestSpec | None = None,
    context: RequestContext | None = None,
    script: faults.Script = faults.no_faults,
) -> object:
    """Make one request, put everything right again, and leave nothing in Placement."""
    world = stage.world
    asks, wanted = context or world.context(), spec or world.small_request()
    instances = world.instances(batch)

    def act() -> object:
        try:
            return scheduler.select_destinations(asks, wanted, instances, return_alternates=True, deadline=2.0)
        finally:
            world.faults.play()
            scheduler.settle()

    world.faults.play(script)
    answer = stage.play(path, act, scheduler, asks.request_id or "")
    stage.forget()
    return answer


def _calls(stage: Stage, scheduler: FilterScheduler, batch: int) -> int:
    """Return how many calls an undisturbed request makes."""
    world = stage.world
    world.faults.play()
    scheduler.select_destinations(world.context(), world.small_request(), world.instances(batch))
    stage.forget()
    return len(world.faults.calls)


def _wrong_instances(stage: Stage, scheduler: FilterScheduler) -> None:
    text = stage.mint.word("instance")
    asks, spec = stage.world.context(), stage.world.small_request()
    stage.play("request: wrong instances", lambda: scheduler.select_destinations(asks, spec, [text]))


def _twice(stage: Stage, scheduler: FilterScheduler) -> None:
    """Deliver a request again, then another one under its id, then one for an instance that holds something."""
    world = stage.world
    asks, spec, instances = world.context(), world.small_request(), world.instances(1)

    def ask(context: RequestContext, wanted: RequestSpec, these: list[UUID]) -> Step:
        return lambda: scheduler.select_destinations(context, wanted, these)

    stage.play("request: first delivery", ask(asks, spec, instances), scheduler, asks.request_id or "")
    stage.play("request: second delivery", ask(asks, spec, instances), scheduler)
    stage.play("request: other under the same id", ask(asks, spec, world.instances(1)), scheduler)
    stage.play("request: instance taken", ask(world.context(), spec, instances), scheduler)
    stage.forget()


def _document(stage: Stage, text: str) -> None:
    stage.play("request: wrong document", lambda: RequestSpec.from_json(text))


def _documents(stage: Stage) -> Iterator[str]:
    """Yield request documents with a marker where something is wrong."""
    mint = stage.mint
    flavor = '"flavor": {"vcpus": 1, "memory_mb": 1}'
    owner = f'"project_id": "{mint.word("project")}", "user_id": "{mint.word("user")}"'
    word = mint.word("extra spec")
    yield "{" + f'{flavor}, {owner}, "{word}": 1' + "}"
    yield "{" + f'{flavor}, {owner}, "{word}'
    yield "{" + f'{flavor}, {owner}, "image": "{word}"' + "}"
    yield "{" + f'{flavor}, {owner}, "is_bfv": "{word}"' + "}"
    yield "{" + f'{flavor}, {owner}, "instance_uuid": "{word}"' + "}"
    yield "{" + f"{flavor}, {owner}, {owner}" + "}"
    yield word
