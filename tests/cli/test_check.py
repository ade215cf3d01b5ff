"""``check`` finds what is wrong, says what to do, and changes nothing."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

from placement_client.testing import PlacementServer
from tests.cli.conftest import HOSTS, Console

OLD = b'{"versions": [{"id": "v1.0", "min_version": "1.0", "max_version": "1.27", "status": "CURRENT", "links": []}]}'


@contextmanager
def _answering(body: bytes, cafile: Path) -> Iterator[int]:
    """Serve one body for every GET over TLS, on the port yielded."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(cafile))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def _lines(text: str) -> list[tuple[str, str]]:
    """Each line's verdict and name, without the warning that every server of these tests is worth."""
    lines = [(line[:4].strip(), line[6:].partition(":")[0]) for line in text.splitlines()]
    return [line for line in lines if line != ("warn", "configuration")]


def test_a_sound_installation_is_all_ok(console: Console) -> None:
    done = console("check")
    assert (done.returncode, done.stderr) == (0, "")
    names = ["configuration", "TLS", "microversion", "token", "hosts", "candidates", "claims"]
    assert _lines(done.stdout) == [("ok", name) for name in names]
    assert "warn  configuration: [placement] allow_insecure_auth is set" in done.stdout
    assert "microversion: 1.39" in done.stdout


def test_nothing_is_changed(console: Console) -> None:
    before = [console.placement.get_provider_allocations(host) for host in HOSTS.values()]
    console("check")
    assert [console.placement.get_provider_allocations(host) for host in HOSTS.values()] == before


def test_every_wrong_option_is_a_line(configured: Callable[..., Console]) -> None:
    done = configured("[scheduler]\nmax_attempts = many\n[claims]\nverify = perhaps\n")("check")
    assert done.returncode == 3
    assert _lines(done.stdout) == [("FAIL", "configuration")] * 2
    assert "[scheduler] max_attempts: expected a whole number" in done.stdout


def test_an_unknown_filter_is_wrong_configuration(configured: Callable[..., Console]) -> None:
    done = configured("[filter_scheduler]\nenabled_filters = ComputFilter\n")("check")
    assert done.returncode == 3
    assert "ComputeFilter" in done.stdout


def test_a_plain_http_endpoint_is_wrong_configuration(configured: Callable[..., Console]) -> None:
    done = configured(endpoint="http://127.0.0.1:1")("check")
    assert done.returncode == 3
    assert _lines(done.stdout) == [("FAIL", "configuration")]
    assert "https" in done.stdout


def test_a_foreign_authority_fails_at_tls(configured: Callable[..., Console], tmp_path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    done = configured(cafile=str(tmp_path / "other.pem"))("check")
    assert done.returncode == 4
    assert _lines(done.stdout) == [("ok", "configuration"), ("FAIL", "TLS")]
    assert "check cafile and the host name" in done.stdout


def test_a_server_that_is_not_there_fails_at_tls(configured: Callable[..., Console]) -> None:
    done = configured(endpoint="https://127.0.0.1:1")("check")
    assert done.returncode == 4
    assert _lines(done.stdout)[-1] == ("FAIL", "TLS")


def test_a_role_that_is_not_sufficient_is_told_apart_from_a_bad_token(configured: Callable[..., Console]) -> None:
    done = configured(token="somebody:project")("check")
    assert done.returncode == 4
    assert _lines(done.stdout)[3:] == [("ok", "token"), ("FAIL", "hosts"), ("FAIL", "candidates"), ("FAIL", "claims")]
    assert "give the user of [placement] the role service" in done.stdout


def test_a_server_that_is_too_old_fails_at_the_microversion(configured: Callable[..., Console], tmp_path) -> None:
    with _answering(OLD, tmp_path / "ca.pem") as port:
        done = configured(endpoint=f"https://127.0.0.1:{port}", cafile=str(tmp_path / "ca.pem"))("check")
    assert done.returncode == 4
    assert _lines(done.stdout)[1:] == [("ok", "TLS"), ("FAIL", "microversion")]
    assert "use a Placement that speaks 1.28" in done.stdout


def test_no_line_holds_the_token(configured: Callable[..., Console], server: PlacementServer) -> None:
    done = configured(token="secret-canary:project")("check")
    assert "canary" not in done.stdout + done.stderr
    assert str(server.port) not in done.stdout + done.stderr
