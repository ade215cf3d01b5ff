"""TLS and the environment: what is trusted comes from the configuration alone."""

import os
import socket
import ssl
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import requests
from keystoneauth1.session import TCPKeepAliveAdapter

from placement_client.clock import Deadline
from placement_client.errors import NotSent
from placement_client.models import Request
from placement_client.settings import PlacementSettings
from placement_client.transport.tls import make_context, raise_security_level
from tests.client.conftest import TOKEN, Connect, Serve
from tests.client.hostile.certificates import tls_1_1_only, weak_key
from tests.client.hostile.raw import remember_http, serve_raw
from tests.client.scripted import Authority, Seen, reply

PUT = Request("PUT", "/allocations/x", "/allocations/{consumer}", b"{}", microversion="1.39")
OK = reply(200, {})
HEADERS = {"X-Auth-Token": TOKEN}


def soon() -> Deadline:
    return Deadline.after(5.0)


def test_control_requests_can_be_told_not_to_verify(server: Serve, stranger: Authority) -> None:
    there, session = server(OK, stranger.context()), requests.Session()
    session.verify, session.trust_env = False, False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session.get(there.url, headers=HEADERS)
    assert there.seen[0].headers["x-auth-token"] == TOKEN


def test_control_keystoneauth_adds_the_system_to_a_cafile_when_a_tls_version_is_set(
    server: Serve, authority: Authority, stranger: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", stranger.cafile)
    there, session = server(OK, stranger.context()), requests.Session()
    session.mount("https://", TCPKeepAliveAdapter(tls_min_version="1.2"))
    session.get(there.url, headers=HEADERS, verify=authority.cafile)
    assert there.seen[0].headers["x-auth-token"] == TOKEN


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_control_requests_trusts_whom_the_environment_names(
    server: Serve, stranger: Authority, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, stranger.cafile)
    there = server(OK, stranger.context())
    requests.get(there.url, headers=HEADERS)
    assert there.seen[0].headers["x-auth-token"] == TOKEN


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_the_authorities_of_the_system_are_not_those_of_the_environment(
    server: Serve, connect: Connect, stranger: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Without a cafile, too: and with the plain call of ssl, which is the control, they are."""
    (tmp_path / f"{subject_hash(stranger.cafile)}.0").write_bytes(Path(stranger.cafile).read_bytes())
    monkeypatch.setenv(variable, stranger.cafile if variable == "SSL_CERT_FILE" else str(tmp_path))
    there = server(OK, stranger.context())
    with pytest.raises(NotSent, match="certificate was not accepted"):
        connect(there.url, cafile=None).send(PUT, soon())
    assert there.seen == []
    control = ssl.create_default_context()
    with connected(there.port) as plain:
        control.wrap_socket(plain, server_hostname="localhost").close()


def subject_hash(cafile: str) -> str:
    """Return the name under which OpenSSL looks for an authority in a directory."""
    command = ["openssl", "x509", "-hash", "-noout", "-in", cafile]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port))


def test_tls_secrets_are_not_written_where_the_environment_says(
    server: Serve, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "secrets"
    monkeypatch.setenv("SSLKEYLOGFILE", str(secrets))
    connect(server(OK).url).send(PUT, soon())
    assert not secrets.exists()


def test_control_requests_writes_tls_secrets(
    server: Serve, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "secrets"
    monkeypatch.setenv("SSLKEYLOGFILE", str(secrets))
    session = requests.Session()
    session.mount("https://", TCPKeepAliveAdapter(tls_min_version="1.2"))
    session.get(server(OK).url, verify=authority.cafile)
    assert "TRAFFIC_SECRET" in secrets.read_text()


@pytest.mark.parametrize(("before", "after"), [(0, 2), (1, 2), (2, 2), (3, 3)])
def test_the_security_level_is_two_at_least(before: int, after: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers(f"DEFAULT:@SECLEVEL={before}")
    raise_security_level(context)
    assert context.security_level == after


WEAK_OPENSSL = """
openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = weak
[weak]
MinProtocol = TLSv1
CipherString = DEFAULT:@SECLEVEL=0
"""
SHOW = """
from placement_client.settings import PlacementSettings
from placement_client.transport.tls import make_context, raise_security_level
context = make_context(PlacementSettings())
print(context.security_level, context.minimum_version.name)
"""


def test_a_configuration_of_openssl_cannot_weaken_tls(tmp_path: Path) -> None:
    (tmp_path / "openssl.cnf").write_text(WEAK_OPENSSL)
    environ = os.environ | {"OPENSSL_CONF": str(tmp_path / "openssl.cnf")}
    done = subprocess.run([sys.executable, "-c", SHOW], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "TLSv1_2"]


def test_a_short_key_is_refused(server: Serve, connect: Connect, tmp_path: Path) -> None:
    context, cafile = weak_key(tmp_path)
    there = server(OK, context)
    with pytest.raises(NotSent):
        connect(there.url, cafile=cafile).send(PUT, soon())
    assert there.seen == []


def test_control_a_short_key_is_accepted_at_a_lower_level(server: Serve, tmp_path: Path) -> None:
    context, cafile = weak_key(tmp_path)
    there = server(OK, context)
    lower = make_context(PlacementSettings(cafile=cafile))
    lower.set_ciphers("DEFAULT:@SECLEVEL=0")
    with connected(there.port) as plain, lower.wrap_socket(plain, server_hostname="localhost") as tls:
        assert tls.version() is not None


def test_control_the_old_server_does_speak_tls_1_1(server: Serve, authority: Authority) -> None:
    there = server(OK, tls_1_1_only(authority.context()))
    old = tls_1_1_only(ssl.create_default_context(cafile=authority.cafile))
    with connected(there.port) as plain, old.wrap_socket(plain, server_hostname="localhost") as tls:
        assert tls.version() == "TLSv1.1"


def test_control_requests_takes_a_key_that_everybody_can_read(
    server: Serve, authority: Authority, tmp_path: Path
) -> None:
    context = authority.context()
    context.verify_mode = ssl.CERT_REQUIRED
    authority.ca.configure_trust(context)
    pem = tmp_path / "client.pem"
    authority.ca.issue_cert("client.test").private_key_and_cert_chain_pem.write_to_path(pem)
    pem.chmod(0o644)
    assert requests.get(server(OK, context).url, verify=authority.cafile, cert=str(pem)).status_code == 200


def test_control_requests_sends_a_token_over_http() -> None:
    seen: list[Seen] = []
    with serve_raw(remember_http(seen)) as there:
        requests.get(there.url.replace("https", "http"), headers=HEADERS)
    assert seen[0].headers["x-auth-token"] == TOKEN


def test_control_requests_shows_its_token_to_a_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Seen] = []
    with serve_raw(remember_http(seen)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("https", "http"))
        requests.get("http://placement.test/", headers=HEADERS)
    assert seen[0].headers["x-auth-token"] == TOKEN


def test_control_requests_reads_a_netrc(
    server: Serve, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine localhost login CANARY password CANARY\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    there = server(OK)
    requests.get(there.url, verify=authority.cafile)
    assert there.seen[0].headers["authorization"].startswith("Basic ")
