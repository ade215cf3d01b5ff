"""The shapes of machines and requests of a production GPU cluster, from the two files beside this one."""

import csv
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class NodeShape:
    """One kind of machine, and how many of them the cluster has; ``model`` is empty without GPUs."""

    count: int
    cpu_milli: int
    memory_mib: int
    gpu: int
    model: str

    @property
    def inventory(self) -> dict[str, int]:
        """Return the totals by resource class."""
        return _resources(self.cpu_milli // 1000, self.memory_mib, self.gpu)


@dataclass(frozen=True, slots=True)
class RequestShape:
    """One kind of request, and how often it came."""

    count: int
    cpu_milli: int
    memory_mib: int
    num_gpu: int
    gpu_milli: int

    @property
    def vcpus(self) -> int:
        """Return whole virtual CPUs, rounded up."""
        return -(-self.cpu_milli // 1000)


def node_shapes() -> tuple[NodeShape, ...]:
    """Return the 27 kinds of machines, the most frequent first."""
    return tuple(
        NodeShape(int(row["count"]), int(row["cpu_milli"]), int(row["memory_mib"]), int(row["gpu"]), row["model"])
        for row in _rows("node_shapes.csv")
    )


def request_shapes() -> tuple[RequestShape, ...]:
    """Return the 151 kinds of requests, the most frequent first."""
    return tuple(
        RequestShape(**{name: int(value) for name, value in row.items()}) for row in _rows("request_shapes.csv")
    )


def _rows(file: str) -> list[dict[str, str]]:
    text = resources.files("demo").joinpath(file).read_text(encoding="ascii")
    return list(csv.DictReader(text.splitlines()))


def _resources(vcpu: int, memory_mb: int, pgpu: int) -> dict[str, int]:
    amounts = {"VCPU": vcpu, "MEMORY_MB": memory_mb, "PGPU": pgpu}
    return {name: amount for name, amount in amounts.items() if amount}
