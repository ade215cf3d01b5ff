"""The requests of the soak: a mixture that repeats itself, each with the end that it must have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from scheduler import (
    FilterScheduler,
    Flavor,
    InvalidRequest,
    NoValidHost,
    RequestContext,
    RequestSpec,
    SchedulerError,
    ServerGroup,
)

SELECTED, RELEASED, NO_HOST, REFUSED = "selected", "released", "no valid host", "refused"
OWNER = {"project_id": "tenant", "user_id": "somebody"}
FLAVOR = Flavor(vcpus=2, memory_mb=512)

Serve = Callable[[FilterScheduler, RequestContext, RequestSpec, Sequence[UUID]], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request: how many instances, what differs from a plain one, how it is served, how it must end."""

    instances: int = 1
    policy: str | None = None
    fields: Mapping[str, object] | None = None
    twice: bool = False
    kept: bool = True
    end: str = SELECTED

    def request(self, instances: Sequence[UUID]) -> RequestSpec:
        """Return the request for these instances."""
        group = ServerGroup(policy=self.policy, members=tuple(instances)) if self.policy else None
        fields = {"flavor": FLAVOR, "instance_group": group, **OWNER, **(self.fields or {})}
        return RequestSpec(**fields)  # type: ignore[arg-type]


KINDS = {
    "one instance": Kind(),
    "a batch": Kind(instances=6),
    "apart": Kind(instances=3, policy="anti-affinity"),
    "together": Kind(instances=2, policy="affinity"),
    "delivered twice": Kind(twice=True),
    "given up": Kind(instances=2, kept=False, end=RELEASED),
    "too large": Kind(fields={"flavor": Flavor(vcpus=10**6, memory_mb=512)}, end=NO_HOST),
    "filtered out": Kind(
        fields={"flavor": Flavor(vcpus=2, memory_mb=512, extra_specs={"capabilities:hypervisor_type": "none"})},
        end=NO_HOST,
    ),
    "refused": Kind(fields={"scheduler_hints": {"nobody_reads_this": "1"}}, end=REFUSED),
}
MIXTURE = (
    *["one instance", "a batch", "one instance", "apart", "one instance"],
    *["too large", "one instance", "given up", "one instance", "together"],
    *["one instance", "a batch", "one instance", "filtered out", "one instance"],
    *["delivered twice", "one instance", "refused", "one instance", "given up"],
)


def kind_of(number: int) -> str:
    """Return which kind the request with this number is."""
    return MIXTURE[number % len(MIXTURE)]


def served(scheduler: FilterScheduler, kind: Kind) -> tuple[str, list[UUID]]:
    """Make a request of this kind; return how it ended, and the instances that hold room now."""
    instances = [uuid4() for _ in range(kind.instances)]
    context = RequestContext(**OWNER, request_id=f"req-{uuid4()}")
    try:
        return _answered(scheduler, kind, context, instances)
    except NoValidHost:
        return NO_HOST, []
    except InvalidRequest:
        return REFUSED, []
    except SchedulerError as error:
        return error.code, []


def _answered(
    scheduler: FilterScheduler, kind: Kind, context: RequestContext, instances: list[UUID]
) -> tuple[str, list[UUID]]:
    spec = kind.request(instances)
    if not kind.kept:
        with scheduler.reserve(context, spec, instances):
            return RELEASED, []
    first = scheduler.select_destinations(context, spec, instances)
    if kind.twice and scheduler.select_destinations(context, spec, instances) != first:
        return "told two things", instances
    return SELECTED, instances
