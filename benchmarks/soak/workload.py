"""The requests of the soak: a mixture that repeats itself, each with the end that it must have."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
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
TENANT, USER = "tenant", "somebody"
FLAVOR = Flavor(vcpus=2, memory_mb=512)
TOO_LARGE = Flavor(vcpus=10**6, memory_mb=512)
FITS_NOWHERE = Flavor(vcpus=2, memory_mb=512, extra_specs={"capabilities:hypervisor_type": "none"})

Policy = Literal["affinity", "anti-affinity"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request: for how many instances, what they ask for, how it is served, and how it must end.

    ``hints`` are names of scheduler hints; ``twice`` delivers it again; one that is not ``kept`` is released.
    """

    instances: int = 1
    policy: Policy | None = None
    flavor: Flavor = FLAVOR
    hints: tuple[str, ...] = ()
    twice: bool = False
    kept: bool = True
    end: str = SELECTED

    def request(self, instances: Sequence[UUID]) -> RequestSpec:
        """Return the request for these instances."""
        group = ServerGroup(policy=self.policy, members=tuple(instances)) if self.policy else None
        return RequestSpec(
            flavor=self.flavor,
            project_id=TENANT,
            user_id=USER,
            instance_group=group,
            scheduler_hints=dict.fromkeys(self.hints, "1"),
        )


KINDS = {
    "one instance": Kind(),
    "a batch": Kind(instances=6),
    "apart": Kind(instances=3, policy="anti-affinity"),
    "together": Kind(instances=2, policy="affinity"),
    "delivered twice": Kind(twice=True),
    "given up": Kind(instances=2, kept=False, end=RELEASED),
    "too large": Kind(flavor=TOO_LARGE, end=NO_HOST),
    "filtered out": Kind(flavor=FITS_NOWHERE, end=NO_HOST),
    "refused": Kind(hints=("nobody_reads_this",), end=REFUSED),
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
    context = RequestContext(project_id=TENANT, user_id=USER, request_id=f"req-{uuid4()}")
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
