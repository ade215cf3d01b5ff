"""The real Placement inside this process, on SQLite in memory: a fresh one costs milliseconds.

Placement keeps its database and its policy per process, so one ``RealPlacement`` is open at a time; several after each
other are fine. Requests are served one at a time.
"""

import functools
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from oslo_config import cfg
from oslo_db.sqlalchemy import engines
from placement import conf as placement_conf
from placement import db_api
from placement.db.sqlalchemy import migration
from placement.objects import resource_class, trait
from requests.adapters import BaseAdapter
from sqlalchemy import Engine

from placement_client.client import PlacementClient
from placement_client.testing.connect import ENDPOINT, client_of
from placement_client.testing.faults import FaultAdapter
from placement_client.testing.ini import TOKEN, ini_text, placement_section
from placement_client.testing.wsgi import WsgiAdapter

_MEMORY = "sqlite://"
_open = threading.Lock()


class RealPlacement:
    """The real Placement server in this process, empty on entry; a context manager.

    ``options`` are Placement's own, by section: ``{"placement": {"allocation_conflict_retry_count": "1"}}``.
    ``adapter`` reaches the server; ``faults`` is on the way of every client that ``client`` makes.
    Raises RuntimeError when another one is open in this process.
    """

    token = TOKEN
    endpoint = ENDPOINT

    def __init__(self, options: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._options = options or {}
        self._close: list[Callable[[], None]] = []
        self.adapter: BaseAdapter
        self.faults: FaultAdapter

    def __enter__(self) -> Self:
        if not _open.acquire(blocking=False):
            raise RuntimeError("one RealPlacement at a time can be open in a process")
        self._close = [_open.release]
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def client(
        self, wrap: Callable[[BaseAdapter], BaseAdapter] | None = None, **options: str | float
    ) -> PlacementClient:
        """Return a client of this server; ``options`` are those of ``[placement]`` in the ini."""
        return client_of(wrap(self.adapter) if wrap else self.faults, **options)

    def ini(self) -> str:
        """Return the ``[placement]`` section of a scheduler that is given ``faults`` as its HTTP adapter."""
        return placement_section(self.endpoint)

    def _start(self) -> None:
        from placement import deploy, policy  # noqa: PLC0415  importing its policies writes a cache to disk

        conf = placement_options(self._options)
        engine = _engine_of(_pristine())
        self._close += [engine.dispose, _serve_from(engine), policy.reset]
        self.adapter = WsgiAdapter(deploy.loadapp(conf))
        self.faults = FaultAdapter(self.adapter)

    def _stop(self) -> None:
        while self._close:
            self._close.pop()()


def placement_options(options: Mapping[str, Mapping[str, str]]) -> cfg.ConfigOpts:
    """Return Placement's configuration: its defaults, no Keystone, and these options by section."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "placement.conf"
        sections = {"api": {"auth_strategy": "noauth2"}, "placement_database": {"connection": _MEMORY}}
        file.write_text(ini_text(sections, options))
        conf = cfg.ConfigOpts()
        placement_conf.register_opts(conf)
        conf([], project="placement", default_config_files=[str(file)])
    return conf


def _serve_from(engine: Engine) -> Callable[[], None]:
    """Make Placement use this engine; return what undoes it."""
    if not db_api.configure.called:
        db_api.configure(placement_options({}))
    undo: Callable[[], None] = db_api.placement_context_manager.patch_engine(engine)
    return undo


def _engine_of(content: bytes | None) -> Engine:
    """Return an engine on a database of its own in memory, with this content."""
    engine: Engine = engines.create_engine(_MEMORY)
    if content is not None:
        _driver_connection(engine).deserialize(content)
    return engine


def _driver_connection(engine: Engine) -> sqlite3.Connection:
    connection: Any = engine.raw_connection()  # one for all: SQLite in memory lives as long as its connection
    driver: sqlite3.Connection = connection.driver_connection
    connection.close()
    return driver


@functools.cache
def _pristine() -> bytes:
    """Return a database with the schema and the standard traits and resource classes, made once in a process."""
    engine = _engine_of(None)
    undo = _serve_from(engine)
    try:
        migration.create_schema(engine)
        # Placement remembers per process, not per database, that it wrote these; its own tests reset them so, too.
        trait._TRAITS_SYNCED = resource_class._RESOURCE_CLASSES_SYNCED = False  # noqa: SLF001
        context = db_api.DbContext()
        trait.ensure_sync(context)
        resource_class.ensure_sync(context)
        return _driver_connection(engine).serialize()
    finally:
        undo()
        engine.dispose()
