"""Requests to Placement through keystoneauth1, and the translation of everything that can go wrong there.

The question that matters is whether a failed request may have reached Placement. Our own sockets know exactly; where
another adapter stands in their place, the exception tells, and "perhaps" counts as yes.
"""

import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from keystoneauth1 import exceptions
from keystoneauth1.adapter import Adapter
from keystoneauth1.plugin import BaseAuthPlugin
from keystoneauth1.session import Session
from requests.adapters import BaseAdapter

from placement_client.clock import Deadline
from placement_client.decode import REQUEST_ID
from placement_client.errors import (
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
from placement_client.transport.exchange import Exchange, exchanging
from placement_client.transport.http import MARK, UnacceptableAnswer, make_http_session

NEVER_CONNECTED = (
    requests.ConnectTimeout,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.NameResolutionError,
    ssl.SSLCertVerificationError,
)
BAD_CREDENTIALS = (
    exceptions.Unauthorized,
    exceptions.Forbidden,
    exceptions.MissingAuthPlugin,
    exceptions.AuthorizationFailure,
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where Placement is: ``override``, or what the catalog says about this service, in order of interfaces."""

    override: str | None = None
    service_type: str = "placement"
    service_name: str | None = None
    region_name: str | None = None
    interfaces: tuple[str, ...] = ("internal", "public")


class KeystoneTransport:
    """Sends requests with a token of the auth plugin to the endpoint its catalog (or the override) names."""

    def __init__(self, adapter: Adapter, settings: PlacementSettings) -> None:
        self._adapter = adapter
        self._settings = settings

    def send(self, request: Request, deadline: Deadline) -> Answer:
        """Return the complete answer, whatever its status. Raises PlacementError, nothing else."""
        exchange = Exchange(deadline, self._settings, request.max_bytes)
        headers = _headers(request)
        with exchanging(exchange):
            try:
                return _answer(self._request(request, headers))
            except Exception as error:  # noqa: BLE001 - plugins and adapters may raise anything; none of it may escape
                failure = _failure(error, exchange, request)
        # Outside the except block: the foreign error, which holds URLs and tokens, must not become the context.
        raise failure

    def _request(self, request: Request, headers: dict[str, str]) -> requests.Response:
        return self._adapter.session.request(
            self._url(request),
            request.method,
            auth=self._adapter.auth,
            authenticated=True,
            redirect=False,
            raise_exc=False,
            log=False,
            connect_retries=0,
            headers=headers,
            data=request.body,
        )

    def _url(self, request: Request) -> str:
        endpoint = self._adapter.get_endpoint(skip_discovery=True)
        if not endpoint:
            raise exceptions.EndpointNotFound
        check_endpoint(endpoint)
        return endpoint.rstrip("/") + request.path


def make_transport(
    auth: BaseAuthPlugin, endpoint: Endpoint, settings: PlacementSettings, http_adapter: BaseAdapter | None = None
) -> KeystoneTransport:
    """Return a transport that authenticates with ``auth``; ``http_adapter`` replaces our own below https.

    Raises OSError when a certificate file cannot be used.
    """
    http = make_http_session(settings, http_adapter)
    session = Session(auth=auth, session=http, redirect=False, app_name="placement-scheduler")
    adapter = Adapter(
        session,
        auth=auth,
        service_type=endpoint.service_type,
        service_name=endpoint.service_name,
        region_name=endpoint.region_name,
        interface=list(endpoint.interfaces),
        endpoint_override=endpoint.override,
    )
    return KeystoneTransport(adapter, settings)


def check_endpoint(url: str) -> None:
    """Raise InsecureEndpoint unless the URL is plain https: no credentials, no query, no fragment."""
    if not url.lower().startswith("https://") or not _host(url):
        raise InsecureEndpoint
    if "@" in url or "?" in url or "#" in url:
        raise InsecureEndpoint(hint="an endpoint has no credentials, query or fragment")


def _host(url: str) -> str | None:
    """Return the host of a URL, or None when there is none or the URL is malformed."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        return parts.hostname if parts.port != 0 else None
    return None


def _headers(request: Request) -> dict[str, str]:
    """Return the headers of a request. Raises InvalidQuery for a request id of any other form than req-<uuid>."""
    headers = {"Accept": "application/json", MARK: ""}
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
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, response.content)


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
        return DeadlineExceeded, ""
    if any(isinstance(cause, UnacceptableAnswer) for cause in causes):
        return BadAnswer, "the body is encoded or too long"
    return OutcomeUnknown, ""


def _nothing_sent(causes: list[BaseException], exchange: Exchange) -> tuple[type[PlacementError], str]:
    """Tell why no request reached Placement; credentials and catalog do not mend by repeating."""
    if exchange.is_over():
        return DeadlineExceeded, ""
    if any(isinstance(cause, BAD_CREDENTIALS) for cause in causes):
        return NotAuthorized, "the identity service refused the credentials"
    if any(isinstance(cause, exceptions.CatalogException) for cause in causes):
        return NotSent, "no endpoint of Placement was found, check service_type, region_name and valid_interfaces"
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return NotSent, "the certificate was not accepted, check cafile and the host name"
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
