"""Our side end to end: a scheduler as a service builds it, on a real Placement, with a durable journal."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from requests.adapters import BaseAdapter

from benchmarks.speed.bare import Call, Recorder
from benchmarks.speed.clock import Spent, spent
from benchmarks.speed.ours import SPEC, WEIGHERS
from benchmarks.speed.stage import PATIENCE, PATIENCE_S
from benchmarks.speed.wire import Wire
from placement_client.settings import PlacementSettings
from placement_client.testing import PlacementServer
from placement_client.testing.faults import FaultAdapter, every
from placement_client.testing.ini import placement_section
from placement_client.transport.http import PinnedAdapter
from placement_client.transport.tls import make_context
from scheduler import FilterScheduler, RequestContext, build, load_config

CONTEXT = RequestContext(project_id="p", user_id="u")
INI = """{placement}
[scheduler]
request_timeout = {patience_s}
candidate_window_ms = {window_ms}
[filter_scheduler]
enabled_weighers = {weighers}
[journal]
connection = sqlite:///{directory}/journal/claims.sqlite
"""


class Service:
    """What can be asked of a running scheduler."""

    def __init__(self, scheduler: FilterScheduler, wire: Wire, adapter: BaseAdapter) -> None:
        self._scheduler = scheduler
        self._wire = wire
        self._adapter = adapter

    def disconnect(self) -> None:
        """Close the connections; what is asked next makes others. Nothing that was found out is forgotten."""
        self._adapter.close()

    def select(self, instances: Sequence[UUID]) -> Spent:
        """Place and claim a batch."""
        return spent(lambda: self._select(instances), self._wire)

    def select_each(self, instances: Sequence[UUID], threads: int) -> Spent:
        """Place and claim as many requests for one instance each, from so many threads."""
        with ThreadPoolExecutor(threads) as pool:
            return spent(lambda: list(pool.map(lambda one: self._select([one]), instances)))

    def _select(self, instances: Sequence[UUID]) -> None:
        self._scheduler.select_destinations(CONTEXT, SPEC, instances)


@contextmanager
def service(server: PlacementServer, recorder: Recorder | None = None, window_ms: int = 0) -> Iterator[Service]:
    """Yield a scheduler with a journal of its own; a recorder hears every call it makes.

    ``window_ms`` is for how long requests share an answer to the same question.
    """
    wire, settings = Wire(), PlacementSettings(cafile=str(server.cafile))
    adapter: BaseAdapter = PinnedAdapter(wire.watch(make_context(settings)), settings.pool_size)
    if recorder:
        adapter = FaultAdapter(adapter, every(recorder))
    with TemporaryDirectory() as directory:
        ini = Path(directory) / "scheduler.ini"
        section = placement_section(server.url, cafile=str(server.cafile), **PATIENCE)
        text = INI.format(
            placement=section,
            patience_s=PATIENCE_S,
            window_ms=window_ms,
            weighers=",".join(WEIGHERS),
            directory=directory,
        )
        ini.write_text(text, encoding="utf-8")
        with build(load_config(str(ini)), http_adapter=adapter) as scheduler:
            yield Service(scheduler, wire, adapter)


def calls_of(server: PlacementServer, first: Sequence[UUID], instances: Sequence[UUID]) -> list[Call]:
    """Return the calls that a batch costs; the ``first`` request also finds out what the next ones know."""
    recorder = Recorder()
    with service(server, recorder) as ours:
        ours.select(first)
        recorder.calls.clear()
        ours.select(instances)
        return list(recorder.calls)
