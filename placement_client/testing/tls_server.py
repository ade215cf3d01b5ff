"""A WSGI application under gunicorn in child processes, over TLS on loopback: what the real servers for tests share."""

import contextlib
import http.client
import importlib.util
import os
import signal
import socket
import ssl
import subprocess  # nosec B404  # starts test servers
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self

from placement_client.clock import SYSTEM_CLOCK, Deadline

if TYPE_CHECKING:
    from trustme import CA

HOST = "127.0.0.1"
START_S = 60.0
STOP_S = 5.0

_GUNICORN_CONF = """\
from placement_client.testing.lifeline import on_starting, post_fork

bind = "fd://{fd}"
worker_class = "gthread"
workers = {workers}
threads = {threads}
keepalive = 75
graceful_timeout = 2
timeout = 120
certfile = "{directory}/server.pem"
ca_certs = "{directory}/ca.pem"
cert_reqs = {client_certificates}
loglevel = "warning"
control_socket_disable = True
"""


class TlsServer:
    """One server with a directory, a port and a certificate of its own; a context manager.

    It ends with the thread that entered. Raises RuntimeError with the end of the server's log when it does not come up.
    """

    name: ClassVar[str]
    """Its name in messages."""
    packages: ClassVar[tuple[str, ...]]
    """What has to be installed."""
    application: ClassVar[str]
    """The WSGI application, in gunicorn's words."""
    probed: ClassVar[str] = "/"
    """A path that answers 200 to everybody."""

    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        port: int = 0,
        workers: int = 1,
        threads: int = 1,
        client_certificates: ssl.VerifyMode = ssl.CERT_NONE,
    ) -> None:
        self._given = directory
        self._wanted_port = port
        self._workers = workers
        self._threads = threads
        self._client_certificates = client_certificates
        self._stack = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes]
        self.authority: CA
        self.directory: Path
        self.port: int

    def __enter__(self) -> Self:
        require_packages(self.packages)
        with contextlib.ExitStack() as stack:
            self.directory = self._make_directory(stack)
            # Listening from the start, so that nobody can take the port in between.
            listening = stack.enter_context(socket.create_server((HOST, self._wanted_port), backlog=128))
            self.port = listening.getsockname()[1]
            self.authority = self._authority()
            _write_certificates(self.authority, self.directory)
            self._prepare()
            self._launch(listening)
            listening.close()
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
        return f"https://{HOST}:{self.port}"

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

    def running(self) -> bool:
        """Tell whether the server process is still there."""
        return self._process.poll() is None

    def issue_certificate(self, name: str) -> Path:
        """Return a new file with a client certificate for this common name and its key."""
        file = self.directory / f"client-{name}.pem"
        certificate = self.authority.issue_cert(f"{name}.test", common_name=name)
        write_private(file, certificate.private_key_and_cert_chain_pem.bytes().decode())
        return file

    def _prepare(self) -> None:
        """Write the configuration and make the database."""

    def _environment(self) -> Mapping[str, str]:
        """Return what the server finds in its environment besides this process's."""
        return {}

    def _authority(self) -> "CA":
        """Return an authority that nobody else has."""
        import trustme  # noqa: PLC0415  (an extra; require_packages has said so by now)

        return trustme.CA()

    def _run(self, *command: str, problem: str) -> None:
        """Run a command to its end. Raises RuntimeError with the problem and the end of the log when it fails."""
        with self.log_file.open("ab") as log:
            done = subprocess.run(command, stdout=log, stderr=log, check=False)  # nosec B603  # no shell
        if done.returncode:
            raise RuntimeError(f"{problem}:\n{self._log_tail()}")

    def _make_directory(self, stack: contextlib.ExitStack) -> Path:
        if self._given is None:
            return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{self.name.lower()}-")))
        directory = Path(self._given).resolve()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return directory

    def _launch(self, listening: socket.socket) -> None:
        conf = self._write_gunicorn_conf(listening.fileno())
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(  # nosec B603  # no shell, no word from outside
                [sys.executable, "-m", "gunicorn", "--config", str(conf), self.application],
                env={**os.environ, **self._environment()},
                pass_fds=[listening.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # its own process group, to be killed as one
            )

    def _write_gunicorn_conf(self, fd: int) -> Path:
        file = self.directory / "gunicorn.conf.py"
        file.write_text(
            _GUNICORN_CONF.format(
                fd=fd,
                workers=self._workers,
                threads=self._threads,
                directory=self.directory,
                client_certificates=int(self._client_certificates),
            )
        )
        return file

    def _wait_until_it_answers(self) -> None:
        deadline = Deadline.after(START_S)
        while not self._answers():
            if not self.running() or deadline.expired():
                raise RuntimeError(f"the {self.name} server did not come up:\n{self._log_tail()}")
            SYSTEM_CLOCK.sleep(0.05)

    def _answers(self) -> bool:
        context = ssl.create_default_context(cafile=str(self.cafile))
        context.load_cert_chain(self.directory / "server.pem")
        connection = http.client.HTTPSConnection(HOST, self.port, timeout=10, context=context)
        try:
            connection.request("GET", self.probed)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _stop(self) -> None:
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _log_tail(self) -> str:
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-30:])


def require_packages(packages: tuple[str, ...]) -> None:
    """Raise RuntimeError naming the packages that are not installed."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise RuntimeError(f"missing {', '.join(missing)}: pip install 'placement-scheduler[embedded]'")


def write_private(file: Path, text: str) -> None:
    """Write a file anew that only its owner may read."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)


def _write_certificates(authority: "CA", directory: Path) -> None:
    """Write ca.pem and server.pem (key and chain)."""
    server = authority.issue_cert(HOST, "localhost")
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    write_private(directory / "server.pem", server.private_key_and_cert_chain_pem.bytes().decode())
