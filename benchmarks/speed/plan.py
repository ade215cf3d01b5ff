"""How much is measured: everything, or what fits into three minutes."""

from dataclasses import dataclass
from pathlib import Path

from faults.environments import FOLDER


@dataclass(frozen=True, slots=True)
class Plan:
    """Numbers of hosts, sizes of batches, and how many rounds of each are counted.

    ``batch_rounds`` is for rounds of many seconds of Nova's. ``once`` are numbers of hosts at which Nova's batch takes
    minutes, and is run once.
    """

    rounds: int
    batch_rounds: int
    ranks: tuple[int, ...]
    batches: tuple[int, ...]
    once: tuple[int, ...]
    ours_only: tuple[int, ...]
    requests: tuple[int, ...]
    hosts: int = 1_000
    batch: int = 100
    threads: int = 4
    at_once: int = 20
    logs: Path = FOLDER


FULL = Plan(
    rounds=9,
    batch_rounds=7,
    ranks=(100, 1_000, 10_000),
    batches=(1_000,),
    once=(10_000,),
    ours_only=(100_000,),
    requests=(1, 10, 100),
)
QUICK = Plan(
    rounds=3, batch_rounds=1, ranks=(100, 1_000, 10_000), batches=(1_000,), once=(), ours_only=(), requests=(1, 10)
)
