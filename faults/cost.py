"""What the journal and the protocol cost: whole requests beside the bare calls to Placement that they are made of.

Both run against one real Placement (SQLite, one worker, TLS), in turn, on hosts with plenty of room; medians of the
same run are compared, so that a noisy machine disturbs both alike.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import requests

from faults.report import Options, Report, Row, shown
from placement_client.models import Inventory
from placement_client.testing import PlacementServer
from scheduler import FilterScheduler, Flavor, RequestContext, RequestSpec, build, load_config

HOSTS = 50
SIZES = (1, 10)
OWNER = {"project_id": "tenant", "user_id": "somebody"}
HEADERS = {"OpenStack-API-Version": "placement 1.39", "Content-Type": "application/json"}


def run(options: Options) -> Report:
    """Return milliseconds a request by size of the batch and kind of journal, and the ratio to the bare calls."""
    started, repeats = time.monotonic(), options.count or (10 if options.quick else 60)
    with ExitStack() as stack:
        server = stack.enter_context(PlacementServer())
        folder = Path(stack.enter_context(TemporaryDirectory()))
        journals = {"memory": "memory://", "SQLite": f"sqlite:///{folder}/journal/claims.sqlite"}
        schedulers = {name: stack.enter_context(scheduler_on(server, url, folder)) for name, url in journals.items()}
        load(next(iter(schedulers.values())))
        rows = [row for size in SIZES for row in compared(server, schedulers, size, repeats)]
    return Report("cost", repeats * len(rows), (), rows, time.monotonic() - started)


@contextmanager
def scheduler_on(server: PlacementServer, journal: str, folder: Path) -> Iterator[FilterScheduler]:
    """Build a scheduler as a service would, with this journal."""
    ini = folder / "scheduler.ini"
    ini.write_text(f"{server.ini()}\n[journal]\nconnection = {journal}\n", encoding="utf-8")
    with build(load_config(str(ini))) as scheduler:
        yield scheduler


def load(scheduler: FilterScheduler) -> None:
    """Create hosts on which room is never tight."""
    for number in range(HOSTS):
        host = uuid4()
        scheduler.placement.create_resource_provider(f"host-{number}", host)
        room = {"VCPU": Inventory(total=10**6), "MEMORY_MB": Inventory(total=10**8)}
        scheduler.placement.set_inventories(host, 0, room)


def compared(server: PlacementServer, schedulers: dict[str, FilterScheduler], size: int, repeats: int) -> Iterator[Row]:
    """Time requests of one size with every journal, and the bare calls, in turn."""
    bare, spent = Bare(server), dict[str, list[float]]()
    steps: dict[str, Callable[[], object]] = {name: _request(one, size) for name, one in schedulers.items()}
    steps["bare"] = lambda: bare.claim(size)
    for number in shown(f"cost of {size}", range(repeats + 2)):
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            if number >= 2:
                spent.setdefault(name, []).append(1000 * (time.perf_counter() - began))
    base = median(spent.pop("bare"))
    for name, times in spent.items():
        ms = median(times)
        yield {"instances": size, "journal": name, "request ms": ms, "bare calls ms": base, "ratio": ms / base}


def _request(scheduler: FilterScheduler, size: int) -> Callable[[], object]:
    context = RequestContext(project_id="tenant", user_id="somebody")
    spec = RequestSpec(flavor=Flavor(vcpus=1, memory_mb=64), project_id="tenant", user_id="somebody")
    return lambda: scheduler.select_destinations(context, spec, [uuid4() for _ in range(size)])


class Bare:
    """The three calls of a request with nothing around them: candidates, reserve, confirm."""

    def __init__(self, server: PlacementServer) -> None:
        self._url = server.url
        self._session = requests.Session()
        self._session.verify = str(server.cafile)
        self._session.trust_env = False
        self._session.headers.update(HEADERS | {"X-Auth-Token": server.token})

    def claim(self, size: int) -> None:
        """Claim one host each for new consumers, by way of a consumer that holds the room first."""
        query = {"resources": "VCPU:1,MEMORY_MB:64", "limit": "1000"}
        found = self._session.get(f"{self._url}/allocation_candidates", params=query, timeout=30).json()
        chosen = [request["allocations"] for request in found["allocation_requests"][:size]]
        hold, merged = uuid4(), {provider: held for one in chosen for provider, held in one.items()}
        self._post({hold: _write(merged, None, "SCHED_RESERVATION")})
        filled = {uuid4(): _write(one, None, "INSTANCE") for one in chosen}
        self._post({hold: _write({}, 1, "SCHED_RESERVATION"), **filled})

    def _post(self, writes: dict[UUID, dict[str, object]]) -> None:
        body = json.dumps({str(consumer): write for consumer, write in writes.items()})
        self._session.post(f"{self._url}/allocations", data=body, timeout=30).raise_for_status()


def _write(allocations: object, generation: int | None, kind: str) -> dict[str, object]:
    return {"allocations": allocations, "consumer_generation": generation, "consumer_type": kind, **OWNER}
