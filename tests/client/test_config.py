"""The ``[placement]`` section: what it gives, what it refuses, and that nothing in it is silently ignored."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from oslo_config import cfg

from placement_client.config import REFUSED, client_from, list_opts, register_opts, settings_from, warnings_of
from placement_client.errors import InsecureEndpoint
from placement_client.settings import PlacementSettings, RetrySettings
from tests.client.scripted import Authority

Read = Callable[[str], cfg.ConfigOpts]
INSECURE = "allow_insecure_auth = true\n"
TOKEN = INSECURE + "auth_type = admin_token\nendpoint = https://placement.test\ntoken = canary\n"
NONE = INSECURE + "auth_type = none\nendpoint = https://placement.test\n"
BASIC = INSECURE + "auth_type = http_basic\nendpoint = https://placement.test\nusername = u\npassword = canary\n"
PASSWORD = (
    "auth_type = password\nauth_url = https://keystone.test/v3\nusername = u\npassword = canary\nuser_domain_id = d\n"
)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def load(section: str) -> cfg.ConfigOpts:
        ini = tmp_path / "scheduler.ini"
        ini.write_text(f"[placement]\n{section}")
        conf = cfg.ConfigOpts()
        register_opts(conf)
        conf([], default_config_files=[str(ini)])
        return conf

    return load


def test_an_empty_section_gives_the_defaults(read: Read) -> None:
    assert settings_from(read("")) == PlacementSettings()


def test_every_setting_can_be_set(read: Read) -> None:
    conf = read(
        "cafile = a\ncertfile = b\nkeyfile = c\nconnect_timeout = 1\nread_timeout = 2\ntimeout = 3\n"
        "max_candidates_bytes = 4096\nmax_answer_bytes = 2048\npool_size = 5\nretry_attempts = 6\nretry_base = 0.5\n"
        "retry_cap = 7\nallowed_endpoints = https://a.test,https://b.test/p\n"
    )
    retry, allowed = RetrySettings(6, 0.5, 7.0), ("https://a.test", "https://b.test/p")
    expected = PlacementSettings("a", "b", "c", 1.0, 2.0, 3.0, 4096, 2048, 5, retry, allowed)
    assert settings_from(conf) == expected


@pytest.mark.parametrize("section", [TOKEN, PASSWORD, NONE, BASIC])
def test_a_client_comes_from_any_auth_plugin(read: Read, section: str) -> None:
    assert client_from(read(section)).calls == 0


SET = {
    "insecure": "true",
    "collect_timing": "true",
    "split_loggers": "true",
    "tls_ciphers": "ALL",
    "tls_min_version": "1.3",
    "version": "2",
    "min_version": "1",
    "max_version": "1",
    "connect_retries": "2",
    "connect_retry_delay": "1",
    "status_code_retries": "2",
    "status_code_retry_delay": "1",
    "retriable_status_codes": "503",
}


def test_every_refused_option_is_tried() -> None:
    assert set(SET) == set(REFUSED)


@pytest.mark.parametrize("option", SET)
def test_an_option_without_effect_is_refused(read: Read, option: str) -> None:
    with pytest.raises(ValueError, match=rf"\[placement\] {option} cannot be set: "):
        settings_from(read(f"{option} = {SET[option]}\n"))


@pytest.mark.parametrize(
    "line", ["insecure = false", "connect_retries = 0", "status_code_retries = 0", "tls_min_version = 1.2"]
)
def test_saying_what_is_done_anyway_is_fine(read: Read, line: str) -> None:
    assert settings_from(read(f"{line}\n")) == PlacementSettings()


@pytest.mark.parametrize(
    ("section", "option"),
    [
        (TOKEN.replace("https", "http"), "endpoint"),
        (TOKEN + "endpoint_override = http://placement.test\n", "endpoint_override"),
        (TOKEN + "endpoint_override = https://u:canary@placement.test\n", "endpoint_override"),
        (PASSWORD.replace("https", "http"), "auth_url"),
    ],
)
def test_http_is_refused_when_loading(read: Read, section: str, option: str) -> None:
    with pytest.raises(InsecureEndpoint, match=rf"option {option} in \[placement\]") as caught:
        client_from(read(section))
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("section", [TOKEN, NONE, BASIC], ids=["admin_token", "none", "http_basic"])
def test_a_login_that_proves_nothing_is_refused_unless_it_is_allowed(read: Read, section: str) -> None:
    with pytest.raises(ValueError, match=r"^\[placement\] this auth_type .*set allow_insecure_auth = true") as caught:
        client_from(read(section.replace(INSECURE, "")))
    assert "canary" not in str(caught.value)
    client_from(read(section))


def test_noauth_is_no_auth_type_of_keystoneauth(read: Read) -> None:
    """Whatever is installed under that name, it is not accepted silently."""
    with pytest.raises(ValueError, match="auth_type names no auth plugin"):
        client_from(read("auth_type = noauth\nendpoint = https://placement.test\n"))


def test_an_insecure_login_is_warned_of_at_every_start(read: Read) -> None:
    (warning,) = warnings_of(read(INSECURE), {})
    assert "allow_insecure_auth" in warning
    assert warnings_of(read(PASSWORD), {"PATH": "/bin"}) == ()


def test_variables_that_are_ignored_are_warned_of_without_their_values(read: Read) -> None:
    environ = dict.fromkeys(("https_proxy", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "SSLKEYLOGFILE", "HOME"), "canary")
    warnings = warnings_of(read(PASSWORD), environ)
    assert [name for name in environ if any(name in warning for warning in warnings)] == list(environ)[:-1]
    assert "canary" not in "".join(warnings)


@pytest.mark.parametrize(
    ("allowed", "option"),
    [
        ("https://other.test", "endpoint_override"),
        ("https://placement.test:8778", "endpoint_override"),
        ("https://placement.test/placement", "endpoint_override"),
        ("https://placement.test", "auth_url"),
        ("http://placement.test", "allowed_endpoints"),
        ("placement.test", "allowed_endpoints"),
        ("https://u:canary@placement.test", "allowed_endpoints"),
    ],
)
def test_a_url_outside_the_allowed_endpoints_is_refused_when_loading(read: Read, allowed: str, option: str) -> None:
    section = f"{PASSWORD}endpoint_override = https://placement.test\nallowed_endpoints = {allowed}\n"
    if option == "endpoint_override":
        section = section.replace("allowed_endpoints = ", "allowed_endpoints = https://keystone.test,")
    with pytest.raises(InsecureEndpoint, match=rf"option {option} in \[placement\]") as caught:
        client_from(read(section))
    assert "canary" not in str(caught.value)


def test_urls_inside_the_allowed_endpoints_are_accepted(read: Read) -> None:
    allowed = "allowed_endpoints = https://keystone.test/v3,https://.test/placement\n"
    client_from(read(f"{PASSWORD}endpoint_override = https://placement.test/placement\n{allowed}"))


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o610, 0o602])
def test_a_key_that_others_could_read_or_write_is_refused(
    read: Read, authority: Authority, tmp_path: Path, mode: int
) -> None:
    with pytest.raises(ValueError, match=r"^\[placement\] keyfile .*closed to others"):
        client_from(read(PASSWORD + with_key(authority, tmp_path, mode)))


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o440])
def test_a_key_of_its_owner_and_a_reading_group_is_accepted(
    read: Read, authority: Authority, tmp_path: Path, mode: int
) -> None:
    client_from(read(PASSWORD + with_key(authority, tmp_path, mode)))


def with_key(authority: Authority, directory: Path, mode: int) -> str:
    issued = authority.ca.issue_cert("client.test")
    issued.cert_chain_pems[0].write_to_path(directory / "client.pem")
    issued.private_key_pem.write_to_path(directory / "client.key")
    (directory / "client.key").chmod(mode)
    return f"certfile = {directory / 'client.pem'}\nkeyfile = {directory / 'client.key'}\n"


def test_an_encrypted_key_is_refused_without_a_question_on_the_terminal(
    read: Read, authority: Authority, tmp_path: Path
) -> None:
    section = with_key(authority, tmp_path, 0o600)
    key = serialization.load_pem_private_key((tmp_path / "client.key").read_bytes(), None)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    (tmp_path / "client.key").write_bytes(key.private_bytes(*form, serialization.BestAvailableEncryption(b"x")))
    with pytest.raises(ValueError, match="cafile, certfile or keyfile"):
        client_from(read(PASSWORD + section))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("", "auth_type is not set"),
        ("auth_type = nonsense\n", "auth_type names no auth plugin"),
        ("auth_type = password\n", "auth_url must be set"),
        (
            "auth_type = v3applicationcredential\nauth_url = https://k.test\n",
            "options of this auth_type are not complete",
        ),
        (TOKEN + "keyfile = x\n", "keyfile needs certfile"),
        (TOKEN + "cafile = /nowhere/ca.pem\n", "cafile, certfile or keyfile cannot be read"),
    ],
)
def test_a_wrong_section_is_named(read: Read, section: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"^\[placement\] .*{message}") as caught:
        client_from(read(section))
    assert caught.value.__context__ is None


def test_a_cafile_that_is_no_certificate_is_named(read: Read, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ValueError, match="cafile, certfile or keyfile"):
        client_from(read(f"{TOKEN}cafile = {tmp_path / 'ca.pem'}\n"))


def test_a_cafile_is_read(read: Read, authority: Authority) -> None:
    client_from(read(f"{TOKEN}cafile = {authority.cafile}\n"))


def test_the_sample_shows_what_has_an_effect_and_nothing_else() -> None:
    [(section, options)] = list_opts()
    names = [option.dest for option in options]
    assert section == "placement"
    assert len(names) == len(set(names))
    assert {"cafile", "endpoint_override", "auth_type", "password", "application_credential_secret"} <= set(names)
    assert not set(names) & set(REFUSED)
