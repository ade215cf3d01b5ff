"""The real Placement under gunicorn in child processes, over TLS on loopback.

    with PlacementServer() as server:
        print(server.url, server.cafile)

By hand: ``python -m placement_client.testing.server --directory DIR`` stays until Ctrl-C.
Needs ``pip install placement-scheduler[embedded]``.
"""

import argparse
import contextlib
import http.client
import importlib.util
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from placement_client.client import PlacementClient
from placement_client.clock import SYSTEM_CLOCK, Deadline
from placement_client.testing.connect import client_at
from placement_client.testing.ini import TOKEN, ini_text, placement_section

_HOST = "127.0.0.1"
_START_S = 60.0
_STOP_S = 5.0
_PACKAGES = ("placement", "gunicorn", "trustme")

_GUNICORN_CONF = """\
from placement_client.testing.lifeline import on_starting, post_fork

bind = "fd://{fd}"
worker_class = "gthread"
workers = {workers}
threads = {threads}
keepalive = 75
graceful_timeout = 2
timeout = 120
certfile = "{certfile}"
loglevel = "warning"
control_socket_disable = True
"""


class PlacementServer:
    """A real Placement of its own, empty on entry unless its database is not; a context manager.

    ``options`` are Placement's own, by section. SQLite serves one request at a time (more would answer 500, database is
    locked), so more than one worker or thread needs a ``database_url``; on PostgreSQL that of psycopg2. The server ends
    with the thread that entered. Raises RuntimeError with the end of the server's log when it does not come up,
    ValueError for a database that Placement cannot use so.
    """

    token = TOKEN

    def __init__(
        self,
        database_url: str | None = None,
        workers: int = 1,
        threads: int = 1,
        directory: str | os.PathLike[str] | None = None,
        options: Mapping[str, Mapping[str, str]] | None = None,
        port: int = 0,
    ) -> None:
        _check_database(database_url, workers * threads)
        self._database_url = database_url
        self._workers = workers
        self._threads = threads
        self._options = options or {}
        self._wanted_port = port
        self._given = directory
        self._stack = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes]
        self.directory: Path
        self.port: int

    def __enter__(self) -> Self:
        _require_packages()
        with contextlib.ExitStack() as stack:
            self.directory = self._make_directory(stack)
            self._configure()
            self._sync_schema()
            self._launch()
            stack.callback(self._stop)
            self._wait_until_it_answers()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """Return the endpoint, without a slash at the end."""
        return f"https://{_HOST}:{self.port}"

    @property
    def cafile(self) -> Path:
        """Return the file with the certificate authority of this run."""
        return self.directory / "ca.pem"

    @property
    def log_file(self) -> Path:
        """Return the file with what the server says."""
        return self.directory / "server.log"

    @property
    def pid(self) -> int:
        """Return the process id of gunicorn's master."""
        return self._process.pid

    def ini(self) -> str:
        """Return the ``[placement]`` section for a scheduler that shall use this server."""
        return placement_section(self.url, cafile=str(self.cafile))

    def client(self, **options: str | float) -> PlacementClient:
        """Return a client of this server; ``options`` are those of ``[placement]`` in the ini."""
        return client_at(self.url, cafile=str(self.cafile), **options)

    def running(self) -> bool:
        """Tell whether the server process is still there."""
        return self._process.poll() is None

    def _make_directory(self, stack: contextlib.ExitStack) -> Path:
        if self._given is None:
            return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="placement-")))
        directory = Path(self._given).resolve()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return directory

    def _configure(self) -> None:
        """Write the certificates and placement.conf."""
        _write_certificates(self.directory)
        url = self._database_url or f"sqlite:///{self.directory / 'placement.sqlite'}"
        sections = {"api": {"auth_strategy": "noauth2"}, "placement_database": {"connection": url}}
        _write_private(self.directory / "placement.conf", ini_text(sections, self._options))

    def _sync_schema(self) -> None:
        program = "from placement.cmd.manage import main; main()"
        conf = str(self.directory / "placement.conf")
        command = [sys.executable, "-c", program, "--config-file", conf, "db", "sync"]
        with self.log_file.open("ab") as log:
            done = subprocess.run(command, stdout=log, stderr=log, check=False)
        if done.returncode:
            raise RuntimeError(f"the database schema could not be created:\n{self._log_tail()}")

    def _launch(self) -> None:
        """Start gunicorn on a socket that is listening already, so that nobody can take the port in between."""
        listening = socket.create_server((_HOST, self._wanted_port), backlog=128)
        with listening, self.log_file.open("ab") as log:
            self.port = listening.getsockname()[1]
            conf = self._write_gunicorn_conf(listening.fileno())
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--config", str(conf), "placement.wsgi.api:application"],
                env=os.environ | {"OS_PLACEMENT_CONFIG_DIR": str(self.directory)},
                pass_fds=[listening.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # its own process group, to be killed as one
            )

    def _write_gunicorn_conf(self, fd: int) -> Path:
        file = self.directory / "gunicorn.conf.py"
        certfile = self.directory / "server.pem"
        file.write_text(_GUNICORN_CONF.format(fd=fd, workers=self._workers, threads=self._threads, certfile=certfile))
        return file

    def _wait_until_it_answers(self) -> None:
        deadline = Deadline.after(_START_S)
        while not self._answers():
            if not self.running() or deadline.expired():
                raise RuntimeError(f"the Placement server did not come up:\n{self._log_tail()}")
            SYSTEM_CLOCK.sleep(0.05)

    def _answers(self) -> bool:
        context = ssl.create_default_context(cafile=str(self.cafile))
        connection = http.client.HTTPSConnection(_HOST, self.port, timeout=10, context=context)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _stop(self) -> None:
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _log_tail(self) -> str:
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-30:])


def _check_database(url: str | None, at_once: int) -> None:
    """Raise ValueError for a database on which Placement answers 500."""
    if at_once > 1 and (url or "sqlite").startswith("sqlite"):
        raise ValueError("SQLite serves one request at a time: give a database_url for more workers or threads")
    if (url or "").startswith("postgresql+psycopg:"):
        raise ValueError("Placement reads lastrowid, which psycopg 3 does not have: give a postgresql+psycopg2 URL")


def _require_packages(packages: tuple[str, ...] = _PACKAGES) -> None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise RuntimeError(f"missing {', '.join(missing)}: pip install 'placement-scheduler[embedded]'")


def _write_certificates(directory: Path) -> None:
    """Write ca.pem and server.pem (key and chain) of an authority that nobody else has."""
    import trustme  # noqa: PLC0415  (an extra; _require_packages has said so by now)

    authority = trustme.CA()
    server = authority.issue_cert(_HOST, "localhost")
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    _write_private(directory / "server.pem", server.private_key_and_cert_chain_pem.bytes().decode())


def _write_private(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)


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
        _write_private(ini, server.ini())
        sys.stdout.write(f"url = {server.url}\ncafile = {server.cafile}\nini = {ini}\n")
        sys.stdout.flush()
        while server.running() and not stop.wait(0.5):
            pass
    return 0 if stop.is_set() else 1


if __name__ == "__main__":
    sys.exit(main())
