"""The real Placement under gunicorn in child processes, over TLS on loopback.

    with PlacementServer() as server:
        print(server.url, server.cafile)

By hand: ``python -m placement_client.testing.server --directory DIR`` stays until Ctrl-C.
Needs ``pip install placement-scheduler[embedded]``.
"""

import argparse
import os
import signal
import ssl
import sys
import threading
from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING

from placement_client.client import PlacementClient
from placement_client.testing.connect import client_at
from placement_client.testing.ini import TOKEN, ini_text, placement_section
from placement_client.testing.tls_server import TlsServer, write_private

if TYPE_CHECKING:
    from trustme import CA

    from placement_client.testing.keystone import KeystoneServer


class PlacementServer(TlsServer):
    """A real Placement of its own, empty on entry unless its database is not; a context manager.

    ``options`` are Placement's own, by section. SQLite serves one request at a time (more would answer 500, database is
    locked), so more than one worker or thread needs a ``database_url``; on PostgreSQL that of psycopg2. With a
    ``keystone`` that is running, tokens are Keystone's, and Placement stands in its catalog; without, a token is the
    name of a role. Raises ValueError for a database that Placement cannot use so.
    """

    name = "Placement"
    packages = ("placement", "gunicorn", "trustme")
    application = "placement.wsgi.api:application"
    token = TOKEN

    def __init__(
        self,
        database_url: str | None = None,
        workers: int = 1,
        threads: int = 1,
        directory: str | os.PathLike[str] | None = None,
        options: Mapping[str, Mapping[str, str]] | None = None,
        port: int = 0,
        *,
        keystone: "KeystoneServer | None" = None,
        client_certificates: ssl.VerifyMode = ssl.CERT_NONE,
    ) -> None:
        _check_database(database_url, workers * threads)
        super().__init__(directory, port, workers, threads, client_certificates)
        self._database_url = database_url
        self._options = options or {}
        self._keystone = keystone

    def ini(self) -> str:
        """Return the ``[placement]`` section for a scheduler that shall use this server without Keystone."""
        return placement_section(self.url, cafile=str(self.cafile))

    def client(self, **options: str | float) -> PlacementClient:
        """Return a client of this server without Keystone; ``options`` are those of ``[placement]`` in the ini."""
        return client_at(self.url, cafile=str(self.cafile), **options)

    def _prepare(self) -> None:
        """Write placement.conf, create the schema, and enter the catalog."""
        url = self._database_url or f"sqlite:///{self.directory / 'placement.sqlite'}"
        sections = {"api": {"auth_strategy": "noauth2"}, "placement_database": {"connection": url}}
        identity = {}
        if self._keystone:
            identity = {"api": {"auth_strategy": "keystone"}, "keystone_authtoken": self._keystone.middleware_options()}
            self._keystone.add_service("placement", self.url)
        write_private(self.directory / "placement.conf", ini_text(sections, identity, self._options))
        self._sync_schema()

    def _sync_schema(self) -> None:
        program = "from placement.cmd.manage import main; main()"
        command = [sys.executable, "-c", program, "--config-file", str(self.directory / "placement.conf"), "db", "sync"]
        self._run(*command, problem="the database schema could not be created")

    def _environment(self) -> Mapping[str, str]:
        return {"OS_PLACEMENT_CONFIG_DIR": str(self.directory)}

    def _authority(self) -> "CA":
        return self._keystone.authority if self._keystone else super()._authority()


def _check_database(url: str | None, at_once: int) -> None:
    """Raise ValueError for a database on which Placement answers 500."""
    if at_once > 1 and (url or "sqlite").startswith("sqlite"):
        raise ValueError("SQLite serves one request at a time: give a database_url for more workers or threads")
    if (url or "").startswith("postgresql+psycopg:"):
        raise ValueError("Placement reads lastrowid, which psycopg 3 does not have: give a postgresql+psycopg2 URL")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m placement_client.testing.server", description=__doc__)
    parser.add_argument("--directory", required=True, help="where certificates, configuration, database and log go")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--database-url", help="default: SQLite in the directory")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; return 1 when the server ended by itself."""
    stop = threading.Event()

    def request_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)
    asked = _parse(arguments)
    with PlacementServer(
        asked.database_url, asked.workers, asked.threads, directory=asked.directory, port=asked.port
    ) as server:
        ini = server.directory / "scheduler.ini"
        write_private(ini, server.ini())
        sys.stdout.write(f"url = {server.url}\ncafile = {server.cafile}\nini = {ini}\n")
        sys.stdout.flush()
        while server.running() and not stop.wait(0.5):
            pass
    return 0 if stop.is_set() else 1


if __name__ == "__main__":
    sys.exit(main())
