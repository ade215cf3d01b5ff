"""A requests transport adapter that runs a WSGI application in this process."""

import io
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Timeout = float | tuple[float, float] | tuple[float, None] | None
Certificate = bytes | str | tuple[bytes | str, bytes | str] | None


def build_response(
    request: requests.PreparedRequest, status: int, headers: Iterable[tuple[str, str]], body: bytes
) -> requests.Response:
    """Return the response that requests itself would build from these parts; its body can be streamed once."""
    raw = HTTPResponse(
        body=io.BytesIO(body),
        headers=HTTPHeaderDict(headers),
        status=status,
        preload_content=False,
        decode_content=False,
    )
    return HTTPAdapter().build_response(request, raw)


class InProcess(BaseAdapter, ABC):
    """A requests adapter for what is in this process, where timeouts and TLS options have no meaning."""

    @abstractmethod
    def answer(self, request: requests.PreparedRequest) -> requests.Response:
        """Return the answer to a request."""

    def send(  # the signature is that of requests
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Timeout = None,
        verify: bool | str = True,
        cert: Certificate = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Answer a request."""
        return self.answer(request)

    def close(self) -> None:
        """Do nothing; there is no connection."""


class WsgiAdapter(InProcess):
    """Runs one request at a time through ``app``, as a server with one worker and one thread would."""

    def __init__(self, app: WsgiApp) -> None:
        super().__init__()
        self._app = app
        self._lock = threading.Lock()

    def answer(self, request: requests.PreparedRequest) -> requests.Response:
        """Answer a request with what the application says."""
        with self._lock:
            status, headers, body = _run(self._app, _environ(request))
        return build_response(request, status, headers, body)


def _run(app: WsgiApp, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        started.append((status, headers))

    chunks = app(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close:
            close()
    status, headers = started[-1]
    return int(status.split(None, 1)[0]), headers, body


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    """Return the PEP 3333 environment of a prepared request."""
    url = urlsplit(request.url or "")
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else bytes(body)
    return {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(url.path, "latin-1"),
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port or 443),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **_header_variables(request.headers),
    }


def _header_variables(headers: Mapping[str, str | bytes]) -> dict[str, str]:
    variables = {}
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        prefix = "" if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_"
        variables[prefix + key] = value.decode("latin-1") if isinstance(value, bytes) else value
    return variables
