"""Requests to Placement through keystoneauth1, and the translation of everything that can go wrong there.

The question that matters is whether a failed request may have reached Placement. Our own sockets know exactly; where
another adapter stands in their place, the exception tells, and "perhaps" counts as yes.
"""

import re
import ssl
from collections.abc import Iterator
from typing import Final, cast

import requests
import urllib3.exceptions
from keystoneauth1 import exceptions
from keystoneauth1.adapter import Adapter
from keystoneauth1.plugin import BaseAuthPlugin
from keystoneauth1.session import DEFAULT_USER_AGENT, Session
from msgspec import Struct
from requests.adapters import BaseAdapter

from placement_client.clock import Deadline
from placement_client.decode import REQUEST_ID
from placement_client.errors import (
    AnswerTooSlow,
    BadAnswer,
    DeadlineExceeded,
    InsecureEndpoint,
    InvalidQuery,
    NotAuthorized,
    NotSent,
    OutcomeUnknown,
    PlacementError,
)
from placement_client.models import Answer, Request
from placement_client.settings import PlacementSettings
from placement_client.transport.endpoints import Reach
from placement_client.transport.exchange import Exchange, TooLong, UnacceptableAnswer, exchanging
from placement_client.transport.http import BoundedSession, make_http_session, prepared
from placement_client.transport.login import Login
from placement_client.transport.lookup import Resolver

NEVER_CONNECTED = (
    requests.ConnectTimeout,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.NameResolutionError,
    ssl.SSLCertVerificationError,
)
SILENCE = (TimeoutError, requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)
BAD_CREDENTIALS = (
    exceptions.Unauthorized,
    exceptions.Forbidden,
    exceptions.MissingAuthPlugin,
    exceptions.AuthorizationFailure,
)
# What it means that nothing was sent to Placement; the first line that fits.
NOTHING_SENT: Final[tuple[tuple[type | tuple[type, ...], type[PlacementError], str], ...]] = (
    (BAD_CREDENTIALS, NotAuthorized, "the identity service refused the credentials"),
    # What Keystone says of a deleted application credential.
    (exceptions.NotFound, NotAuthorized, "the identity service knows no such credentials, or auth_url is wrong"),
    (
        exceptions.CatalogException,
        NotSent,
        "no endpoint of Placement was found, check service_type, region_name and valid_interfaces",
    ),
    (ssl.SSLCertVerificationError, NotSent, "the certificate was not accepted, check cafile and the host name"),
)
# Why the answer to a read was not read to its end; the first line that fits.
NOT_READ: Final[tuple[tuple[type | tuple[type, ...], type[PlacementError], str], ...]] = (
    (TooLong, BadAnswer, "the answer is longer than max_candidates_bytes, or max_answer_bytes where that bounds it"),
    (UnacceptableAnswer, BadAnswer, "the answer is encoded or framed in two ways"),
    (SILENCE, AnswerTooSlow, ""),
)

NAME: Final = "placement-scheduler"
ALWAYS: Final = {
    "User-Agent": f"{NAME} {DEFAULT_USER_AGENT}",
    "Accept-Encoding": "identity",
    "Accept": "application/json",
    "Connection": "keep-alive",
}

# What the client writes into a path and a query. Anything else requests would write in another way.
TARGET: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*+)*+/?(?:\?(?:[A-Za-z0-9._~:,!&=-]++|%[0-9A-F]{2})*+)?")


class Endpoint(Struct, frozen=True):
    """Where Placement is: ``override``, or what the catalog says about this service, in order of interfaces."""

    override: str | None = None
    service_type: str = "placement"
    service_name: str | None = None
    region_name: str | None = None
    interfaces: tuple[str, ...] = ("internal", "public")


class KeystoneTransport:
    """Sends requests with a token of the auth plugin to the endpoint its catalog (or the override) names."""

    def __init__(self, adapter: Adapter, settings: PlacementSettings, reach: Reach, resolver: Resolver) -> None:
        self._adapter = adapter
        self._login = Login(adapter)
        self._settings = settings
        self._reach = reach
        self._resolver = resolver

    def send(self, request: Request, deadline: Deadline) -> Answer:
        """Return the complete answer, whatever its status. Raises PlacementError, nothing else."""
        exchange = Exchange(deadline, self._settings, request.max_bytes, self._reach, self._resolver)
        headers = _headers(request)
        with exchanging(exchange):
            try:
                return _answer(self._request(request, headers, exchange))
            except Exception as error:  # noqa: BLE001 - plugins and adapters may raise anything; none of it may escape
                failure = _failure(error, exchange, request)
            except BaseException as interruption:
                interruption.__traceback__ = None  # the frames below hold token and password, and locals may be printed
                raise
        # Outside the except block: the foreign error, which holds URLs and tokens, must not become the context.
        raise failure

    def _request(self, request: Request, headers: dict[str, str], exchange: Exchange) -> requests.Response:
        """Send with the token at hand, and once more with a new one when that is not accepted."""
        token, base = self._login.headers_and_base(exchange)
        url = base + request.path
        response = self._send(url, request, {**headers, **token})
        if response.status_code == 401 and self._login.renew(token, exchange):
            response = self._send(url, request, {**headers, **self._login.headers(exchange)})
        if response.status_code != 401:
            self._login.accepted()
        return response

    def _send(self, url: str, request: Request, headers: dict[str, str]) -> requests.Response:
        """Send past keystoneauth's session: what it would add (redirects, repeating, logs) is not wanted here."""
        http = cast("BoundedSession", self._adapter.session.session)
        return http.send_to_placement(prepared(request.method, url, headers, request.body))


def make_transport(
    auth: BaseAuthPlugin,
    endpoint: Endpoint,
    settings: PlacementSettings,
    http_adapter: BaseAdapter | None = None,
    resolver: Resolver | None = None,
) -> KeystoneTransport:
    """Return a transport that authenticates with ``auth``; ``http_adapter`` replaces our own below https.

    Raises OSError when a certificate file cannot be used, InsecureEndpoint for a list of endpoints that is none.
    """
    http = make_http_session(settings, http_adapter)
    session = Session(auth=auth, session=http, redirect=False, app_name=NAME)
    adapter = Adapter(
        session,
        auth=auth,
        service_type=endpoint.service_type,
        service_name=endpoint.service_name,
        region_name=endpoint.region_name,
        interface=list(endpoint.interfaces),
        endpoint_override=endpoint.override,
    )
    reach = Reach.of(settings.allowed_endpoints, urls_of(auth, endpoint).values())
    return KeystoneTransport(adapter, settings, reach, resolver or Resolver())


def urls_of(auth: BaseAuthPlugin, endpoint: Endpoint) -> dict[str, str]:
    """Return the URLs that the operator wrote, by the name of their option."""
    written = {
        "auth_url": getattr(auth, "auth_url", None),
        "endpoint": getattr(auth, "endpoint", None),
        "oauth2_endpoint": getattr(auth, "oauth2_endpoint", None),
        "endpoint_override": endpoint.override,
    }
    return {option: url for option, url in written.items() if url}


def _headers(request: Request) -> dict[str, str]:
    """Return the headers of a request.

    Raises InvalidQuery for a request id of any other form than req-<uuid>, and for a path that would be rewritten.
    """
    if not TARGET.fullmatch(request.path):
        raise InvalidQuery(request.operation, hint="the path or the query is not written as the client writes them")
    headers = dict(ALWAYS)
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    if request.microversion is not None:
        headers["OpenStack-API-Version"] = f"placement {request.microversion}"
    if request.request_id is not None:
        if not REQUEST_ID.fullmatch(request.request_id):
            raise InvalidQuery(request.operation, hint="the request id is not req- and a UUID")
        headers["X-Openstack-Request-Id"] = request.request_id
    return headers


def _answer(response: requests.Response) -> Answer:
    return Answer(response.status_code, dict(response.headers.lower_items()), response.content)


def _failure(error: Exception, exchange: Exchange, request: Request) -> PlacementError:
    """Return the error of ours that says what may be concluded."""
    kind, hint = _conclusion(error, exchange, request)
    return kind(request.operation, hint=hint)


def _conclusion(error: Exception, exchange: Exchange, request: Request) -> tuple[type[PlacementError], str]:
    causes = list(_chain(error))
    if any(isinstance(cause, InsecureEndpoint) for cause in causes):
        return InsecureEndpoint, next(cause.hint for cause in causes if isinstance(cause, InsecureEndpoint))
    if not _may_have_arrived(causes, exchange):
        return _nothing_sent(causes, exchange)
    if request.changes:
        return OutcomeUnknown, ""
    if exchange.is_over():
        return DeadlineExceeded, request.when_slow
    for kinds, conclusion, hint in NOT_READ:
        if any(isinstance(cause, kinds) for cause in causes):
            return conclusion, hint or request.when_slow
    return OutcomeUnknown, ""


def _nothing_sent(causes: list[BaseException], exchange: Exchange) -> tuple[type[PlacementError], str]:
    """Tell why no request reached Placement; credentials and catalog do not mend by repeating."""
    if exchange.is_over():
        return DeadlineExceeded, ""
    for kinds, conclusion, hint in NOTHING_SENT:
        if any(isinstance(cause, kinds) for cause in causes):
            return conclusion, hint
    if exchange.at_placement:
        return NotSent, "no connection could be made"
    return NotSent, "no token could be got from the identity service, check auth_url"


def _may_have_arrived(causes: list[BaseException], exchange: Exchange) -> bool:
    if not exchange.at_placement:
        return False
    if exchange.observed:
        return exchange.written
    return not any(isinstance(cause, NEVER_CONNECTED) for cause in causes)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all errors it came from, however requests and urllib3 wrapped them."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        link = waiting.pop()
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [link.__cause__, link.__context__, vars(link).get("reason"), *link.args]
