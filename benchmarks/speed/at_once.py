"""The sides of requests at once: so many threads of one process send requests for one instance each."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

from benchmarks.speed.bare import Bare, Call, sent
from benchmarks.speed.clock import Spent, Step, anew
from benchmarks.speed.nova import Nova
from benchmarks.speed.plan import Plan
from benchmarks.speed.service import Service, calls_of
from benchmarks.speed.stage import Consumers
from placement_client.testing import PlacementServer


@contextmanager
def sides_at_once(
    server: PlacementServer, schedulers: Mapping[str, Service], nova: Nova, consumers: Consumers, plan: Plan
) -> Iterator[tuple[dict[str, Step], list[Call]]]:
    """Yield the step of every side, "bare" and "Nova" besides the schedulers, and the calls of one of our requests.

    Each begins without connections.
    """
    count, threads = plan.at_once, plan.threads
    calls = calls_of(server, consumers.new(1), consumers.new(1))

    def ours(scheduler: Service) -> Spent:
        return scheduler.select_each(consumers.new(count), threads)

    def theirs() -> Spent:
        return nova.do("select_each", instances=list(map(str, consumers.new(count))), threads=threads)

    with ExitStack() as stack:
        lanes = [stack.enter_context(Bare(server)) for _ in range(threads)]
        sides = {name: anew([scheduler], partial(ours, scheduler)) for name, scheduler in schedulers.items()}
        bare = anew(lanes, partial(sent, lanes, calls, consumers, count))
        yield {**sides, "bare": bare, "Nova": anew([nova], theirs)}, calls
