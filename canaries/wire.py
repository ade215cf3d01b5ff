"""Servers whose every answer carries markers: an identity service, and what a Placement or a proxy may add to answers.

Placement itself is the mock or the real one; ``marked`` changes what a fault or the server answers.
"""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

from canaries.markers import Mint
from placement_client.testing.faults import Fault, Forward
from placement_client.testing.wsgi import InProcess, build_response

IDENTITY_HOST = "keystone.test"
SERVER_THREAD = "server of the stage"


class Identity(InProcess):
    """A Keystone that accepts everybody, and answers with markers wherever an answer has text.

    A Placement without Keystone takes the beginning of a token for the role of whoever brings it.
    """

    def __init__(self, mint: Mint, role: str = "") -> None:
        super().__init__()
        self._headers = {
            "Content-Type": "application/json",
            "X-Subject-Token": f"{role}{mint.word('token')}",
            "Set-Cookie": f"session={mint.word('cookie')}; Path=/",
            "Openstack-Auth-Receipt": mint.word("receipt"),
            "X-Openstack-Request-Id": f"req-{mint.uuid('server text')}",
        }
        self._body = json.dumps({"token": _token(mint)}).encode()

    def answer(self, request: requests.PreparedRequest) -> requests.Response:
        """Give out a token."""
        return build_response(request, 201, self._headers.items(), self._body)


class Wire(InProcess):
    """Brings calls to the identity service or to Placement, by the host of the URL."""

    def __init__(self, identity: BaseAdapter, placement: BaseAdapter) -> None:
        super().__init__()
        self._identity, self._placement = identity, placement

    def answer(self, request: requests.PreparedRequest) -> requests.Response:
        """Pass the call on."""
        at_identity = urlsplit(request.url or "").hostname == IDENTITY_HOST
        return (self._identity if at_identity else self._placement).send(request, stream=True)

    def close(self) -> None:
        """Close both."""
        self._identity.close()
        self._placement.close()


class Apart(InProcess):
    """Lets a server that is in this process work in a thread of its own, where it leaves its request's context."""

    def __init__(self, inner: BaseAdapter) -> None:
        super().__init__()
        self._inner = inner
        self._thread = ThreadPoolExecutor(1, SERVER_THREAD)

    def answer(self, request: requests.PreparedRequest) -> requests.Response:
        """Wait for the answer."""
        return self._thread.submit(self._inner.send, request, stream=True).result()

    def close(self) -> None:
        """Keep the thread, which other sessions use, too."""


def marked(fault: Fault | None, mint: Mint) -> Fault:
    """Return a fault (None: an undisturbed call) whose answer, or error, says more than it should."""
    text, cookie, token = mint.word("server text"), mint.word("cookie"), mint.word("token")
    headers = {
        "Set-Cookie": f"session={cookie}; Secure",
        "X-Subject-Token": token,
        "WWW-Authenticate": f"Bearer realm={text}",
        "Link": f"<https://x:{mint.word('URL password')}@{text}.test/>",
        "Warning": f"299 - {text}",
        "Retry-After": text,
    }

    def disturbed(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
        try:
            answer = fault(request, forward) if fault else forward()
        except Exception as error:
            error.__notes__ = [f"{text} {token}"]
            error.__cause__ = OSError(f"{text} {request.url} {dict(request.headers)}")
            raise
        return _told_more(request, answer, headers.items(), text)

    return disturbed


def _told_more(
    request: requests.PreparedRequest, answer: requests.Response, headers: Iterable[tuple[str, str]], text: str
) -> requests.Response:
    """Return an answer with more headers and, where it is no success, more text in its body."""
    kept = [(name, value) for name, value in answer.headers.items() if name.lower() != "content-length"]
    body = answer.content if answer.status_code < 400 else _wordier(answer.content, text)
    return build_response(request, answer.status_code, [*kept, *headers], body)


def _wordier(body: bytes, text: str) -> bytes:
    """Put text where a server puts its own: behind title and detail, or into the page of a proxy."""
    try:
        content = json.loads(body)
    except ValueError:
        return body.replace(b"</body>", f" {text}</body>".encode())
    for error in content.get("errors", ()):
        error["title"] = f"{error.get('title', '')} {text}"
        error["detail"] = f"{error.get('detail', '')} {text}"
        error["help"] = text
    return json.dumps(content).encode()


def _token(mint: Mint) -> Mapping[str, object]:
    endpoint = {"interface": "internal", "region": mint.word("catalog"), "url": f"https://{mint.word('catalog')}.test/"}
    entry = {"type": "placement", "name": mint.word("catalog"), "id": mint.word("catalog"), "endpoints": [endpoint]}
    domain = {"id": mint.word("catalog"), "name": mint.word("catalog")}
    return {
        "methods": ["password"],
        "issued_at": "2026-01-01T00:00:00.000000Z",
        "expires_at": "2999-01-01T00:00:00.000000Z",
        "audit_ids": [mint.word("token")],
        "user": {"id": mint.word("service user"), "name": mint.word("service user"), "domain": domain},
        "project": {"id": mint.word("project"), "name": mint.word("project"), "domain": domain},
        "roles": [{"id": mint.word("catalog"), "name": "service"}],
        "catalog": [entry],
    }
