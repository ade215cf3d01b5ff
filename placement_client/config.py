"""The ``[placement]`` section: keystoneauth's own options where they have a meaning here, and ours."""

import os
from collections.abc import Callable, Container, Mapping
from functools import partial
from itertools import chain
from typing import TypeVar

from keystoneauth1 import exceptions, loading
from keystoneauth1.plugin import BaseAuthPlugin, FixedEndpointPlugin
from keystoneauth1.token_endpoint import Token
from oslo_config import cfg
from requests.adapters import BaseAdapter

from placement_client.client import PlacementClient
from placement_client.clock import SYSTEM_CLOCK, Clock
from placement_client.errors import InsecureEndpoint
from placement_client.settings import PlacementSettings, RetrySettings
from placement_client.transport import (
    Endpoint,
    ExposedKey,
    Reach,
    Transport,
    check_endpoint,
    make_transport,
    urls_of,
)

SECTION = "placement"

DEFAULTS = PlacementSettings()

T = TypeVar("T")

OPTIONS = (
    cfg.FloatOpt(
        "connect_timeout",
        default=DEFAULTS.connect_timeout_s,
        min=0.001,
        help="Seconds that one step of connecting may take.",
    ),
    cfg.FloatOpt(
        "read_timeout", default=DEFAULTS.read_timeout_s, min=0.001, help="Seconds without a byte from the server."
    ),
    cfg.FloatOpt(
        "timeout",
        default=DEFAULTS.timeout_s,
        min=0.001,
        help="Seconds that a whole call may take, a token included, unless a request brings its own deadline.",
    ),
    cfg.IntOpt(
        "max_candidates_bytes",
        default=DEFAULTS.max_candidates_bytes,
        min=1 << 10,
        help="A longer list of candidates or providers is refused.",
    ),
    cfg.IntOpt(
        "max_answer_bytes", default=DEFAULTS.max_answer_bytes, min=1 << 10, help="Any other longer answer is refused."
    ),
    cfg.IntOpt("pool_size", default=DEFAULTS.pool_size, min=1, help="Connections to a server that are kept open."),
    cfg.IntOpt(
        "retry_attempts",
        default=DEFAULTS.retry.attempts,
        min=1,
        help="How often a call is made that is safe to repeat: a read, or a write that was not sent.",
    ),
    cfg.FloatOpt(
        "retry_base", default=DEFAULTS.retry.base_s, min=0.0, help="The longest first pause, in seconds; it doubles."
    ),
    cfg.FloatOpt("retry_cap", default=DEFAULTS.retry.cap_s, min=0.0, help="The longest pause, in seconds."),
    cfg.ListOpt(
        "allowed_endpoints",
        default=[],
        help="When set, the only URLs that requests go to, those for a token included: https://host:port/path for "
        "this host and port and everything below the path, https://.domain for every host below a domain. Without "
        "it, any https endpoint of the catalog is used whose address is not link-local, multicast or unspecified.",
    ),
    cfg.BoolOpt(
        "allow_insecure_auth",
        default=False,
        help="Accept the auth types none, http_basic and admin_token, which prove nothing or hold a secret that "
        "never expires. For tests only; warned of at every start.",
    ),
)

KEYSTONEAUTH = ("cafile", "certfile", "keyfile", "service_type", "service_name", "valid_interfaces", "region_name",
                "endpoint_override")  # fmt: skip

# Options that operators know from other services: each is refused unless it says what is done anyway, never ignored.
REFUSED: dict[str, tuple[object, str]] = {
    "insecure": (False, "certificates are always verified"),
    "collect_timing": (False, "calls are timed by the scheduler's decision record"),
    "split_loggers": (False, "requests are not logged"),
    "tls_ciphers": (None, "the ciphers are those of OpenSSL's policy"),
    "tls_min_version": ("1.2", "TLS 1.2 and later is used"),
    "version": ("1", "the path of Placement has no version"),
    "min_version": (None, "the path of Placement has no version"),
    "max_version": (None, "the path of Placement has no version"),
    "connect_retries": (0, "use retry_attempts, which never repeats a write that may have arrived"),
    "connect_retry_delay": (None, "use retry_base and retry_cap"),
    "status_code_retries": (0, "use retry_attempts, which never repeats a write that may have arrived"),
    "status_code_retry_delay": (None, "use retry_base and retry_cap"),
    "retriable_status_codes": (None, "502, 503 and 504 are repeated for reads"),
}

# What these variables ask other HTTP libraries for is not done here; an operator who set one may think it is.
IGNORED_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE",
                     "SSL_CERT_DIR", "SSLKEYLOGFILE", "NETRC")  # fmt: skip

# none and http_basic; admin_token.
INSECURE_PLUGINS = (FixedEndpointPlugin, Token)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register everything that ``[placement]`` may hold; options of the auth plugin follow when it is loaded."""
    conf.register_opts([*OPTIONS, *_keystoneauth_options(KEYSTONEAUTH), *_keystoneauth_options(REFUSED)], SECTION)
    loading.register_auth_conf_options(conf, SECTION)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return the options for the sample ini, with those of the two most used auth plugins."""
    auth = loading.get_auth_common_conf_options()
    plugins = chain(*(loading.get_auth_plugin_conf_options(name) for name in ("password", "v3applicationcredential")))
    unique = {option.dest: option for option in chain(auth, plugins)}
    return [(SECTION, [*OPTIONS, *_keystoneauth_options(KEYSTONEAUTH), *unique.values()])]


def settings_from(conf: cfg.ConfigOpts) -> PlacementSettings:
    """Return the settings of the client. Raises ValueError naming section and option for one that is refused."""
    section = conf[SECTION]
    for option, (harmless, reason) in REFUSED.items():
        if section[option] not in (None, harmless):
            raise ValueError(f"[{SECTION}] {option} cannot be set: {reason}")
    if section.keyfile and not section.certfile:
        raise ValueError(f"[{SECTION}] keyfile needs certfile")
    return PlacementSettings(
        cafile=section.cafile,
        certfile=section.certfile,
        keyfile=section.keyfile,
        connect_timeout_s=section.connect_timeout,
        read_timeout_s=section.read_timeout,
        timeout_s=section.timeout,
        max_candidates_bytes=section.max_candidates_bytes,
        max_answer_bytes=section.max_answer_bytes,
        pool_size=section.pool_size,
        retry=RetrySettings(section.retry_attempts, section.retry_base, section.retry_cap),
        allowed_endpoints=tuple(section.allowed_endpoints),
    )


def warnings_of(conf: cfg.ConfigOpts, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return what an operator is to be warned of at every start; names of variables, never their values."""
    warnings = [f"the environment sets {name}, which is ignored" for name in environ if _is_ignored(name)]
    if conf[SECTION].allow_insecure_auth:
        warnings.append(f"[{SECTION}] allow_insecure_auth is set: who asks need not be proved, which is for tests only")
    return tuple(sorted(warnings))


def _is_ignored(variable: str) -> bool:
    return variable.upper() in IGNORED_VARIABLES


def client_from(
    conf: cfg.ConfigOpts, http_adapter: BaseAdapter | None = None, clock: Clock = SYSTEM_CLOCK
) -> PlacementClient:
    """Return the client that the configuration describes; ``http_adapter`` replaces the network in tests.

    Raises ValueError naming section and option, or InsecureEndpoint for a URL that may not be used.
    """
    settings = settings_from(conf)
    auth = _auth_from(conf)
    endpoint = _endpoint_from(conf)
    _check_urls(urls_of(auth, endpoint), settings)
    transport = _transport_of(lambda: make_transport(auth, endpoint, settings, http_adapter))
    return PlacementClient(transport, settings, clock)


def _transport_of(make: Callable[[], Transport]) -> Transport:
    """Return what ``make`` makes. Raises ValueError saying which file is wrong."""
    try:
        return make()
    except ExposedKey:
        problem = "keyfile (or certfile, if it holds the key) must belong to this user or root, and be closed to others"
    except OSError:
        problem = "cafile, certfile or keyfile cannot be read or is not a PEM file"
    raise ValueError(f"[{SECTION}] {problem}")


def _endpoint_from(conf: cfg.ConfigOpts) -> Endpoint:
    section = conf[SECTION]
    return Endpoint(
        override=section.endpoint_override,
        service_type=section.service_type,
        service_name=section.service_name,
        region_name=section.region_name,
        interfaces=tuple(section.valid_interfaces),
    )


def _auth_from(conf: cfg.ConfigOpts) -> BaseAuthPlugin:
    """Return the auth plugin. Raises ValueError when none is set or its options are not complete."""
    problem, auth = "auth_type is not set", None
    try:
        auth = loading.load_auth_from_conf_options(conf, SECTION)
    except exceptions.NoMatchingPlugin:
        problem = "auth_type names no auth plugin"
    except exceptions.MissingRequiredOptions as error:
        problem = f"{', '.join(option.dest for option in error.options)} must be set for this auth_type"
    except exceptions.OptionError:
        problem = "the options of this auth_type are not complete or contradict each other"
    if auth is None:
        raise ValueError(f"[{SECTION}] {problem}")
    if isinstance(auth, INSECURE_PLUGINS) and not conf[SECTION].allow_insecure_auth:
        raise ValueError(
            f"[{SECTION}] this auth_type proves nothing or holds a secret that never expires: use password or "
            "v3applicationcredential, or set allow_insecure_auth = true in a test"
        )
    return auth


def _check_urls(urls: Mapping[str, str], settings: PlacementSettings) -> None:
    """Raise InsecureEndpoint naming the option of a URL that may not be used."""
    reach = _checked("allowed_endpoints", lambda: Reach.of(settings.allowed_endpoints, urls.values()))
    for option, url in urls.items():
        _checked(option, partial(check_endpoint, url))
        _checked(option, partial(reach.check_url, url))


def _checked(option: str, check: Callable[[], T]) -> T:
    """Return what a check returns. Raises InsecureEndpoint naming the option when it does."""
    try:
        return check()
    except InsecureEndpoint as error:
        reason = error.hint
    raise InsecureEndpoint(hint=f"the option {option} in [{SECTION}] cannot be used: {reason}")


def _keystoneauth_options(names: Container[str]) -> list[cfg.Opt]:
    """Return keystoneauth's options of these names, with the defaults that Placement has."""
    options = chain(loading.get_session_conf_options(), loading.get_adapter_conf_options(include_deprecated=False))
    chosen = [option for option in options if option.dest in names]
    cfg.set_defaults(chosen, service_type="placement", valid_interfaces=["internal", "public"])
    return chosen
