"""The demo's fleet: one in ten machines of the cluster, with GPU models as traits and racks as aggregates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from demo.shapes import NodeShape, node_shapes

HOSTS = 152
HOSTS_PER_RACK = 16
_NAMES = UUID("6f70656e-6200-4000-8000-000000000000")  # makes the identifiers of a run those of every run


@dataclass(frozen=True, slots=True)
class Rack:
    """An aggregate of hosts."""

    name: str
    uuid: UUID


@dataclass(frozen=True, slots=True)
class Host:
    """One machine as Placement shall know it."""

    name: str
    uuid: UUID
    inventory: dict[str, int]
    traits: tuple[str, ...]
    rack: Rack


def fleet(size: int = HOSTS) -> tuple[Host, ...]:
    """Return the hosts: sampled shapes, spread over the racks so that each rack holds a mixture."""
    racks = _racks(-(-size // HOSTS_PER_RACK))
    shapes = [shape for shape, hosts in sample(node_shapes(), size) for _ in range(hosts)]
    return tuple(_host(index, shape, racks[index % len(racks)]) for index, shape in enumerate(shapes))


def sample(shapes: Sequence[NodeShape], size: int) -> list[tuple[NodeShape, int]]:
    """Share ``size`` hosts among the shapes in proportion to their counts, at least one each.

    Every shape gets the whole part of its share, or one; what is left goes to the largest remainders.
    """
    total = sum(shape.count for shape in shapes)
    hosts = [max(1, shape.count * size // total) for shape in shapes]
    remainder = [shape.count * size / total - given for shape, given in zip(shapes, hosts, strict=True)]
    largest_first = sorted(range(len(shapes)), key=lambda index: -remainder[index])
    for index in largest_first[: size - sum(hosts)]:
        hosts[index] += 1
    return list(zip(shapes, hosts, strict=True))


def gpu_trait(model: str) -> str:
    """Return the trait of a GPU model."""
    return f"CUSTOM_GPU_{model}"


def all_traits(hosts: Iterable[Host]) -> list[str]:
    """Return every trait of the fleet once."""
    return sorted({trait for host in hosts for trait in host.traits})


def _racks(number: int) -> list[Rack]:
    names = [f"rack-{index:02}" for index in range(number)]
    return [Rack(name, uuid5(_NAMES, name)) for name in names]


def _host(index: int, shape: NodeShape, rack: Rack) -> Host:
    name = f"{shape.model.lower() or 'cpu'}-{index:03}"
    traits = (gpu_trait(shape.model),) if shape.model else ()
    return Host(name, uuid5(_NAMES, name), shape.inventory, traits, rack)
