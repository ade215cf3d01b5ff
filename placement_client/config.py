"""The ``[placement]`` section: keystoneauth's own options where they have a meaning here, and ours."""

from collections.abc import Container
from itertools import chain

from keystoneauth1 import exceptions, loading
from keystoneauth1.plugin import BaseAuthPlugin
from oslo_config import cfg
from requests.adapters import BaseAdapter

from placement_client.client import PlacementClient
from placement_client.clock import SYSTEM_CLOCK, Clock
from placement_client.errors import InsecureEndpoint
from placement_client.settings import PlacementSettings, RetrySettings
from placement_client.transport import Endpoint, check_endpoint, make_transport

SECTION = "placement"

DEFAULTS = PlacementSettings()

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
    )


def client_from(
    conf: cfg.ConfigOpts, http_adapter: BaseAdapter | None = None, clock: Clock = SYSTEM_CLOCK
) -> PlacementClient:
    """Return the client that the configuration describes; ``http_adapter`` replaces the network in tests.

    Raises ValueError naming section and option, or InsecureEndpoint for a URL that is not https.
    """
    settings = settings_from(conf)
    auth = _auth_from(conf)
    endpoint = _endpoint_from(conf)
    try:
        transport = make_transport(auth, endpoint, settings, http_adapter)
    except OSError:
        transport = None
    if transport is None:
        raise ValueError(f"[{SECTION}] cafile, certfile or keyfile cannot be read or is not a PEM file")
    return PlacementClient(transport, settings, clock)


def _endpoint_from(conf: cfg.ConfigOpts) -> Endpoint:
    section = conf[SECTION]
    if section.endpoint_override:
        _check_url(section.endpoint_override, "endpoint_override")
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
    for attribute in ("auth_url", "endpoint"):
        url = getattr(auth, attribute, None)
        if url:
            _check_url(url, attribute)
    return auth


def _check_url(url: str, option: str) -> None:
    """Raise InsecureEndpoint naming the option unless the URL is plain https."""
    try:
        check_endpoint(url)
    except InsecureEndpoint:
        secure = False
    else:
        secure = True
    if not secure:
        raise InsecureEndpoint(hint=f"the option {option} in [{SECTION}] is not a plain https URL")


def _keystoneauth_options(names: Container[str]) -> list[cfg.Opt]:
    """Return keystoneauth's options of these names, with the defaults that Placement has."""
    options = chain(loading.get_session_conf_options(), loading.get_adapter_conf_options(include_deprecated=False))
    chosen = [option for option in options if option.dest in names]
    cfg.set_defaults(chosen, service_type="placement", valid_interfaces=["internal", "public"])
    return chosen
