"""The mock of Placement behind TLS in a process of its own, where the real one would take too long."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import requests

from placement_client.client import PlacementClient
from placement_client.testing import MockPlacement
from placement_client.testing.connect import ENDPOINT, client_at
from placement_client.testing.tls_server import TlsServer

_MOCK = MockPlacement()


class MockServer(TlsServer):
    """Serves the mock; a context manager."""

    name = "Mock"
    packages = ("gunicorn", "trustme")
    application = f"{__name__}:application"

    def __init__(self) -> None:
        super().__init__(threads=4)

    def client(self, **options: str | float) -> PlacementClient:
        """Return a client of this server; ``options`` are those of ``[placement]`` in the ini."""
        return client_at(self.url, cafile=str(self.cafile), **options)


def application(environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request as the mock does (a WSGI application)."""
    headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    url = f"{ENDPOINT}{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
    request = requests.Request(environ["REQUEST_METHOD"], url, headers, data=body).prepare()
    answer = _MOCK._answer(request)  # not by its adapter, which remembers every request
    start_response(f"{answer.status_code} {answer.reason or '-'}", list(answer.headers.items()))
    return [answer.content]
