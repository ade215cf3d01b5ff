"""Serves the requests from several threads, and looks at what is held in between."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from benchmarks.soak.gauges import Sample, gauges
from benchmarks.soak.stage import Stage
from benchmarks.soak.workload import KINDS, kind_of, served

Hook = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How many requests, after how many to look, how many of them warm up, from how many threads."""

    requests: int = 40_000
    every: int = 500
    warm_up: int = 2_000
    threads: int = 4


@dataclass(slots=True)
class Soak:
    """What was seen: how the requests ended, by kind, and the samples."""

    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)

    def wrong_ends(self) -> list[str]:
        """Return how requests ended that should have ended otherwise."""
        wrong = {pair: count for pair, count in self.ends.items() if KINDS[pair[0]].end != pair[1]}
        return [
            f"{count} times, a request of the kind '{kind}' ended as: {end}" for (kind, end), count in wrong.items()
        ]


def soaked(stage: Stage, plan: Plan, soak: Soak, besides: Hook = lambda _: None) -> Iterator[Sample]:
    """Serve the requests of a plan, and yield each sample as it is taken; ``besides`` is called with each request."""
    serve = partial(_serve, stage, besides)
    with gauges(stage.journal) as looking, ThreadPoolExecutor(plan.threads) as pool:
        for first in range(0, plan.requests, plan.every):
            soak.ends.update(pool.map(serve, range(first, first + plan.every)))
            soak.samples.append(looking.sample(first + plan.every))
            yield soak.samples[-1]


def _serve(stage: Stage, besides: Hook, number: int) -> tuple[str, str]:
    name = kind_of(number)
    end, placed = served(stage.scheduler, KINDS[name])
    stage.give_back(placed)
    besides(number)
    return name, end
