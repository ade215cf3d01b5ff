"""A Placement made of dictionaries, on requests-mock: for tests of a controller that need no server.

It answers as the real one does, which one contract suite proves on both. Left out: microversions before 1.28 (406),
sharing providers, the reshaper, single inventories, and the list of standard traits (any name in their namespaces is
known). One token is as good as another.

    mock = MockPlacement()
    client = mock.client()
    mock.faults.play(on_call(2, reset_after_apply))
"""

import json
import re
import threading
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
import requests_mock
from requests.adapters import BaseAdapter

from placement_client.client import PlacementClient
from placement_client.testing import mock_allocations as allocations
from placement_client.testing import mock_providers as providers
from placement_client.testing.connect import ENDPOINT, client_of
from placement_client.testing.faults import VERSION_HEADER, FaultAdapter, error_body
from placement_client.testing.ini import TOKEN, placement_section
from placement_client.testing.mock_candidates import list_candidates
from placement_client.testing.mock_http import Ask, Handler, HttpError, Reply
from placement_client.testing.mock_state import MockState
from placement_client.testing.wsgi import build_response

OLDEST = 28
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    415: "Unsupported Media Type",
}

_ROUTES: dict[str, dict[str, Handler]] = {
    "/allocations": {"POST": allocations.post_allocations},
    "/allocations/{consumer}": {
        "GET": allocations.get_allocations,
        "PUT": allocations.put_allocations,
        "DELETE": allocations.delete_allocations,
    },
    "/allocation_candidates": {"GET": list_candidates},
    "/usages": {"GET": providers.get_project_usages},
    "/resource_providers": {"GET": providers.list_providers, "POST": providers.create_provider},
    "/resource_providers/{uuid}": {"GET": providers.get_provider, "DELETE": providers.delete_provider},
    "/resource_providers/{uuid}/inventories": {
        "GET": providers.get_inventories,
        "PUT": providers.set_inventories,
    },
    "/resource_providers/{uuid}/traits": {"GET": providers.get_traits, "PUT": providers.set_traits},
    "/resource_providers/{uuid}/aggregates": {"GET": providers.get_aggregates, "PUT": providers.set_aggregates},
    "/resource_providers/{uuid}/usages": {"GET": providers.get_usages},
    "/resource_providers/{uuid}/allocations": {"GET": providers.get_provider_allocations},
    "/traits": {"GET": providers.list_traits},
    "/traits/{name}": {"GET": providers.get_trait, "PUT": providers.create_trait},
    "/resource_classes": {"GET": providers.list_resource_classes, "POST": providers.post_resource_class},
    "/resource_classes/{name}": {"PUT": providers.create_resource_class},
}
_PATTERNS = [
    (re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)), handlers) for template, handlers in _ROUTES.items()
]


class MockPlacement:
    """A stateful Placement for tests; ``min_version`` and ``max_version`` are minor microversions.

    ``adapter`` is a ``requests_mock.Adapter`` to mount; ``faults`` is on the way of every client that ``client`` makes;
    ``state`` may be looked at and changed between calls.
    """

    token = TOKEN
    endpoint = ENDPOINT

    def __init__(self, min_version: int = 0, max_version: int = 39) -> None:
        self.state = MockState()
        self.adapter = requests_mock.Adapter(case_sensitive=True)
        self.adapter.add_matcher(self._answer)
        self.faults = FaultAdapter(self.adapter)
        self._versions = (min_version, max_version)
        self._lock = threading.Lock()

    def client(
        self, wrap: Callable[[BaseAdapter], BaseAdapter] | None = None, **options: str | float
    ) -> PlacementClient:
        """Return a client of this mock; ``options`` are those of ``[placement]`` in the ini."""
        return client_of(wrap(self.adapter) if wrap else self.faults, **options)

    def ini(self) -> str:
        """Return the ``[placement]`` section of a scheduler that is given ``faults`` as its HTTP adapter."""
        return placement_section(self.endpoint)

    def _answer(self, proxy: Any) -> requests.Response:
        request: requests.PreparedRequest = proxy  # requests-mock's stand-in has all its attributes
        headers = {"x-openstack-request-id": f"req-{uuid.uuid4()}"}
        more: dict[str, str] = {}
        try:
            minor = self._minor(request, more)
            with self._lock:
                reply = self._handle(request, minor, headers)
            body = b"" if reply.content is None else json.dumps(reply.content).encode()
            status = reply.status
        except HttpError as error:
            status = error.status
            code = error.code if VERSION_HEADER in headers else None
            body = error_body(status, TITLES[status], error.detail, code, **more)
        headers |= {"content-type": "application/json"} if body else {}
        return build_response(request, status, headers.items(), body)

    def _minor(self, request: requests.PreparedRequest, more: dict[str, str]) -> int:
        """Return the minor microversion asked for; ``more`` gets what belongs into a refusal with 406."""
        low, high = self._versions
        asked = str(request.headers.get(VERSION_HEADER, f"placement 1.{low}")).removeprefix("placement ")
        match = re.fullmatch(r"1\.(\d+)", f"1.{high}" if asked == "latest" else asked)
        if not match:
            raise HttpError(400, "invalid version string")
        minor = int(match[1])
        if not low <= minor <= high or (minor < OLDEST and urlsplit(str(request.url)).path not in ("", "/")):
            more |= {"min_version": f"1.{low}", "max_version": f"1.{high}"}
            raise HttpError(406, f"Invalid microversion: Unacceptable version header: {asked}")
        return minor

    def _handle(self, request: requests.PreparedRequest, minor: int, headers: dict[str, str]) -> Reply:
        url = urlsplit(str(request.url))
        if url.path not in ("", "/") and "x-auth-token" not in request.headers:
            raise HttpError(401, "Authentication required")
        headers |= {VERSION_HEADER: f"placement 1.{minor}", "vary": VERSION_HEADER}
        if url.path in ("", "/") and request.method == "GET":
            return self._discovery()
        handler, arguments = _route(str(request.method), unquote(url.path), headers)
        content_type = str(request.headers.get("content-type", ""))
        body = request.body or b""
        query = parse_qsl(url.query, keep_blank_values=True)
        ask = Ask(minor, arguments, query, content_type, body.encode() if isinstance(body, str) else body)
        return handler(self.state, ask)

    def _discovery(self) -> Reply:
        low, high = (f"1.{minor}" for minor in self._versions)
        version = {"id": f"v{low}", "min_version": low, "max_version": high, "status": "CURRENT", "links": []}
        return Reply(200, {"versions": [version]})


def _route(method: str, path: str, headers: dict[str, str]) -> tuple[Handler, dict[str, str]]:
    """Return the handler and the named parts of the path. Raises HttpError 404 or 405."""
    for pattern, handlers in _PATTERNS:
        match = pattern.fullmatch(path)
        if match and method in handlers:
            return handlers[method], match.groupdict()
        if match:
            headers["allow"] = ", ".join(handlers)
            raise HttpError(405, "The method specified is not allowed for this resource.")
    raise HttpError(404, "")
