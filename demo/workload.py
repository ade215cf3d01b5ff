"""The demo's requests: an endless, repeatable mixture drawn from the real request shapes."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal, TypeVar
from uuid import UUID, uuid5

import msgspec

from demo.fleet import Host, gpu_trait
from demo.shapes import RequestShape, node_shapes, request_shapes
from scheduler.model import Destination, Flavor, RequestSpec, ServerGroup
from scheduler.randomness import RandomStream

T = TypeVar("T")
Kind = Literal["single", "batch", "anti-affinity", "affinity", "joins a group"]
MAX_BATCH = 16

_KINDS: tuple[tuple[Kind, int], ...] = (  # parts in a hundred
    ("single", 85),
    ("batch", 4),
    ("anti-affinity", 5),
    ("affinity", 3),
    ("joins a group", 3),
)
_MODEL_PERCENT = 25
_RACK_PERCENT = 6
_TENANTS = 8


@dataclass(frozen=True, slots=True)
class Job:
    """One request of the demo and the instances it is for."""

    kind: Kind
    spec: RequestSpec
    instances: tuple[UUID, ...]

    @property
    def request_id(self) -> str:
        """Return the id of the request, the same in every run."""
        return f"req-{uuid5(self.instances[0], 'request')}"

    def knowing(self, host_of: Mapping[UUID, str]) -> "Job":
        """Return the same job with the hosts of those group members that have one by now."""
        group = self.spec.instance_group
        if group is None:
            return self
        hosts = tuple(host_of[member] for member in group.members if member in host_of)
        grown = msgspec.structs.replace(group, hosts=hosts)
        return replace(self, spec=msgspec.structs.replace(self.spec, instance_group=grown))


def workload(seed: int, hosts: Sequence[Host]) -> Iterator[Job]:
    """Yield jobs without end; the same seed and hosts yield the same jobs."""
    draw = _Draw(seed)
    racks = sorted({host.rack.uuid for host in hosts})
    groups: list[tuple[RequestSpec, ServerGroup]] = []
    while True:
        kind = draw.weighted(_KINDS)
        if kind == "joins a group" and groups:
            at = draw.below(len(groups))
            job = _join(*groups[at], draw)
        else:
            at = len(groups)
            job = _fresh(kind, racks, draw)
        if job.spec.instance_group:
            groups[at : at + 1] = [(job.spec, job.spec.instance_group)]
        yield job


class _Draw:
    """Draws from one seed."""

    def __init__(self, seed: int) -> None:
        self._stream = RandomStream(hashlib.sha256(str(seed).encode()).digest(), "demo")
        self._shapes = [(shape, shape.count) for shape in request_shapes()]

    def below(self, n: int) -> int:
        """Draw one of 0 .. n-1."""
        return self._stream.below(n)

    def percent(self, part: int) -> bool:
        """Draw true in ``part`` of a hundred cases."""
        return self.below(100) < part

    def weighted(self, choices: Sequence[tuple[T, int]]) -> T:
        """Draw one of the choices, each as often as its weight says."""
        edges = list(accumulate(weight for _, weight in choices))
        return choices[bisect_right(edges, self.below(edges[-1]))][0]

    def shape(self) -> RequestShape:
        """Draw the shape of a request."""
        return self.weighted(self._shapes)

    def instances(self, number: int) -> tuple[UUID, ...]:
        """Draw identifiers of new instances."""
        return tuple(UUID(int=self.below(2**64) << 64 | self.below(2**64), version=4) for _ in range(number))


def _fresh(kind: Kind, racks: Sequence[UUID], draw: _Draw) -> Job:
    instances = draw.instances(_batch_size(kind, draw))
    tenant = draw.below(_TENANTS)
    spec = RequestSpec(
        flavor=_flavor(draw.shape(), draw),
        project_id=f"project-{tenant}",
        user_id=f"user-{tenant}",
        num_instances=len(instances),
        instance_group=_group(kind, instances),
        requested_destination=_rack(racks, draw) if kind == "single" else None,
    )
    return Job(kind if len(instances) > 1 else "single", spec, instances)


def _join(spec: RequestSpec, group: ServerGroup, draw: _Draw) -> Job:
    """Return a job for one more instance like those of an earlier request, in the same group."""
    instances = draw.instances(1)
    grown = msgspec.structs.replace(group, members=(*group.members, *instances))
    return Job("joins a group", msgspec.structs.replace(spec, num_instances=1, instance_group=grown), instances)


def _batch_size(kind: Kind, draw: _Draw) -> int:
    """Draw from 2 to 16 for a batch, fewer for a group; singles are 1."""
    match kind:
        case "batch":
            return 2 + draw.below(MAX_BATCH - 1)
        case "anti-affinity":
            return 2 + draw.below(5)
        case "affinity":
            return 2 + draw.below(2)
        case _:
            return 1


def _flavor(shape: RequestShape, draw: _Draw) -> Flavor:
    """Return the shape as a flavor; some of those with GPUs insist on a model that has as many."""
    specs: dict[str, str] = {}
    if shape.num_gpu:
        specs["resources:PGPU"] = str(shape.num_gpu)
        if draw.percent(_MODEL_PERCENT):
            specs[f"trait:{gpu_trait(_model(shape.num_gpu, draw))}"] = "required"
    return Flavor(vcpus=shape.vcpus, memory_mb=shape.memory_mib, extra_specs=specs)


def _model(at_least: int, draw: _Draw) -> str:
    return draw.weighted([(shape.model, shape.count) for shape in node_shapes() if shape.gpu >= at_least])


def _group(kind: Kind, instances: tuple[UUID, ...]) -> ServerGroup | None:
    if kind in ("affinity", "anti-affinity"):
        return ServerGroup(policy=kind, members=instances)
    return None


def _rack(racks: Sequence[UUID], draw: _Draw) -> Destination | None:
    if not draw.percent(_RACK_PERCENT):
        return None
    return Destination(aggregates=((racks[draw.below(len(racks))],),))
