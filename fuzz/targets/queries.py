"""What goes to Placement: query strings, paths and the request id. Whatever is given, their shape stays ours."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from fuzz.target import Target
from fuzz.targets.answers import HOST, SHARING, WORDS
from fuzz.wording import SENTENCES
from placement_client.client import PlacementClient, path_of
from placement_client.clock import Deadline
from placement_client.errors import BadAnswer, InsecureEndpoint, InvalidQuery, NotSent, OutcomeUnknown
from placement_client.models import Answer, Request
from placement_client.query import (
    CandidateQuery,
    ProviderFilter,
    RequestGroup,
    provider_query_string,
    to_query_string,
    traits_query_string,
)
from placement_client.transport import Reach, check_endpoint

SAFE = re.compile(r"[A-Za-z0-9_.~:,!%=&-]*")
KEY = re.compile(r"((resources|required|member_of|in_tree)[A-Za-z0-9_-]{0,64}|group_policy|limit|root_required|"
                 r"same_subtree|name|uuid)")  # fmt: skip
TEMPLATES = ("/traits/{name}", "/resource_classes/{name}", "/allocations/{name}", "/resource_providers/{name}/traits")
PATH = re.compile(r"(/traits|/resource_classes|/allocations|/resource_providers)/[A-Z0-9_]{1,255}(/traits)?")
SENT = re.compile(r"/(traits/[A-Z0-9_]{1,255}|resource_classes/[A-Z0-9_]{1,255}|traits\?name=in:[A-Z0-9_,]+|"
                  r"resource_providers(\?name=[A-Za-z0-9_.~:,!%-]+)?|"
                  r"usages\?project_id=[A-Za-z0-9_.~:,!%-]*)?")  # fmt: skip


ENDPOINTS = (b"https://placement.example.org/placement https://placement.example.org/placement/x 192.0.2.1",)
ENDPOINT_WORDS = (
    b"http://", b"https://", b"HTTPS://", b"@", b"user:pw@", b"#", b"?", b"\\", b"%2f", b"/..", b"/./", b"//", b":0",
    b":443", b":99999", b"[::1]", b"[::ffff:127.0.0.1]", b"127.1", b"0x7f000001", b"169.254.169.254",
    b"fe80::1%25eth0", b"localhost", b".example.org", b"https://.example.org", b"\t", b"\r\n", b"\xe2\x80\xae",
    b"\x00", b"[", b"]", b":", b"xn--", b"64:ff9b::7f00:1",
)  # fmt: skip


class _Group(msgspec.Struct, frozen=True):
    resources: dict[str, int] = {}
    required: list[list[str]] = []
    forbidden: list[str] = []
    member_of: list[list[UUID]] = []
    forbidden_aggregates: list[UUID] = []
    in_tree: UUID | None = None


class _Asked(msgspec.Struct, frozen=True):
    groups: dict[str, _Group]
    group_policy: str | None = None
    root_required: list[str] = []
    root_forbidden: list[str] = []
    same_subtree: list[list[str]] = []
    limit: int | None = None
    minor: int = 39
    name: str | None = None


def targets() -> Iterator[Target]:
    """Yield the targets of this module."""
    yield Target(name="query", run=_query, raises=(InvalidQuery,), seeds=QUERIES, words=QUERY_WORDS, place=SENTENCES)
    yield Target(
        name="endpoint",
        run=_endpoint,
        raises=(InsecureEndpoint,),
        seeds=ENDPOINTS,
        shape="words",
        words=ENDPOINT_WORDS,
        place=SENTENCES,
    )
    yield Target(
        name="path",
        run=_Paths(),
        raises=(InvalidQuery,),
        seeds=(b"HW_CPU_X86_VMX", b"CUSTOM_RACK_7"),
        shape="words",
        words=PATH_WORDS,
        place=SENTENCES,
    )


def _endpoint(data: bytes) -> None:
    """Read an entry of the list of endpoints, a URL to judge by it, and an address that its host may have."""
    entry, url, address = [*data.decode("utf-8", "surrogateescape").split(" "), "", ""][:3]
    refusals = []
    for act in (
        lambda: Reach.of([entry], [url]),
        lambda: Reach.of([], [entry]).check_url(url),
        lambda: check_endpoint(url),
        lambda: Reach.of([], [url]).check_address("placement.example.org", _address(address)),
    ):
        try:
            act()
        except InsecureEndpoint as error:
            refusals.append(error)
    if refusals:
        raise refusals[-1]


def _address(text: str) -> str:
    """Return an address in a form that a resolver gives."""
    try:
        return str(ip_address(text))
    except ValueError:
        return "192.0.2.1"


def _query(data: bytes) -> None:
    """Write the query that a document describes, and read it back: every key must be one of Placement's."""
    try:
        asked = msgspec.json.decode(data, type=_Asked)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return
    minor = f"1.{asked.minor % 40}"
    groups = {suffix: _group(group) for suffix, group in asked.groups.items()}
    refusals = [
        refusal
        for write in (
            lambda: to_query_string(_candidate_query(asked, groups), minor),
            lambda: provider_query_string(_provider_filter(asked, groups), minor),
            lambda: traits_query_string(asked.root_required),
        )
        if (refusal := _refused(write))
    ]
    if refusals:
        raise refusals[-1]


def _refused(write: Callable[[], str]) -> InvalidQuery | None:
    try:
        text = write()
    except InvalidQuery as error:
        return error
    if not SAFE.fullmatch(text):
        raise AssertionError("the query has a character that is not escaped")
    if not all(KEY.fullmatch(key) for key, _ in parse_qsl(text, keep_blank_values=True)):
        raise AssertionError("the query has a key that is not Placement's")
    return None


def _candidate_query(asked: _Asked, groups: dict[str, RequestGroup]) -> CandidateQuery:
    return CandidateQuery(
        groups=groups,
        group_policy=asked.group_policy,
        root_required=frozenset(asked.root_required),
        root_forbidden=frozenset(asked.root_forbidden),
        same_subtree=tuple(frozenset(entry) for entry in asked.same_subtree),
        limit=asked.limit,
    )


def _provider_filter(asked: _Asked, groups: dict[str, RequestGroup]) -> ProviderFilter:
    group = next(iter(groups.values()), RequestGroup())
    return ProviderFilter(
        name=asked.name,
        member_of=group.member_of,
        resources=group.resources,
        in_tree=group.in_tree,
        required=group.required,
        forbidden=group.forbidden,
        forbidden_aggregates=group.forbidden_aggregates,
    )


def _group(group: _Group) -> RequestGroup:
    return RequestGroup(
        resources=group.resources,
        required=tuple(frozenset(any_of) for any_of in group.required),
        forbidden=frozenset(group.forbidden),
        member_of=tuple(frozenset(any_of) for any_of in group.member_of),
        forbidden_aggregates=frozenset(group.forbidden_aggregates),
        in_tree=group.in_tree,
    )


class _Paths:
    """Gives one text to everything that puts a text into a path, and looks at what would have been sent."""

    def __init__(self) -> None:
        self._client = PlacementClient(_Recorder())

    def __call__(self, data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        refusals = []
        for act in (*_path_makers(text), *self._calls(text)):
            try:
                act()
            except InvalidQuery as error:
                refusals.append(error)
            except (BadAnswer, OutcomeUnknown, NotSent):
                pass  # the recorder answers nothing of use
        if refusals:
            raise refusals[-1]

    def _calls(self, text: str) -> Iterator[Callable[[], Any]]:
        client = self._client
        yield lambda: client.create_trait(text)
        yield lambda: client.create_resource_class(text)
        yield lambda: client.list_traits([text])
        yield lambda: client.list_resource_providers(ProviderFilter(name=text))
        yield lambda: client.get_project_usages(text)


def _path_makers(text: str) -> Iterator[Callable[[], None]]:
    for template in TEMPLATES:
        yield partial(_check_path, template, text)


def _check_path(template: str, text: str) -> None:
    if not PATH.fullmatch(path_of(template, {"name": text})):
        raise AssertionError("the path is not one of the templates")


class _Recorder:
    """Stands in the place of the network: looks at the path of every request and sends nothing."""

    def send(self, request: Request, deadline: Deadline) -> Answer:
        """Answer version discovery, and refuse everything else."""
        if not SENT.fullmatch(request.path):
            raise AssertionError("a request would have gone to another path")
        headers = {"content-type": "application/json", "openstack-api-version": "placement 1.39"}
        return Answer(200, headers, b'{"versions":[{"id":"v1","min_version":"1.0","max_version":"1.39"}]}')


QUERIES = tuple(
    msgspec.json.encode(document)
    for document in (
        {"groups": {"": {"resources": {"VCPU": 1, "MEMORY_MB": 512}, "required": [["A"], ["B", "C"]]}}, "limit": 10},
        {
            "groups": {
                "": {"resources": {"VCPU": 1}, "forbidden": ["CUSTOM_X"], "member_of": [[HOST], [HOST, SHARING]]},
                "_PORT1": {"resources": {"SRIOV_NET_VF": 1}, "in_tree": HOST, "forbidden_aggregates": [SHARING]},
                "1": {"required": [["CUSTOM_SWITCH"]]},
            },
            "group_policy": "isolate", "root_required": ["A"], "root_forbidden": ["B"], "same_subtree": [["_PORT1",
            "1"]],
            "name": "cmp-1.example.org",
        },
    )
)  # fmt: skip
QUERY_WORDS = (
    *WORDS,
    b"isolate",
    b"none",
    b"same_subtree",
    b"group_policy",
    b"root_required",
    b"in:A,B",
    b"!A",
    b"&limit=1",
)
PATH_WORDS = (
    b"../", b"/../..", b"..%2f", b"%00", b"\x00", b"\r\nX: y", b"?", b"#", b"//", b"\\", b";", b"@", b"A" * 256, b".",
    b"*", b"{name}", b"{0}", b"{name.__class__}", b"\xe2\x80\xa8", b"\xff", b"in:", b"&project_id=x",
)  # fmt: skip
