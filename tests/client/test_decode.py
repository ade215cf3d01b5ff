"""What an answer means: every refusal as its error, anything doubtful as doubt, bodies strictly as documented."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement_client.decode import check, decode, error_of, request_id_of
from placement_client.errors import (
    BadAnswer,
    BadRequest,
    CapacityExceeded,
    ConsumerConflict,
    NotAuthorized,
    NotFound,
    OutcomeUnknown,
    PlacementError,
    ProviderConflict,
    Refused,
    UnknownProvider,
    VersionRefused,
)
from placement_client.models import AllocationCandidates, Answer, ConsumerAllocations, Request

CONSUMER = "/allocations/{consumer}"
READ = Request("GET", "/allocations/x", CONSUMER, microversion="1.39")
WRITE = Request("PUT", "/allocations/x", CONSUMER, b"{}", microversion="1.39")
BATCH = Request("POST", "/allocations", "/allocations", b"{}", microversion="1.39")
INVENTORIES = Request("PUT", "/x", "/resource_providers/{provider}/inventories", b"{}", microversion="1.39")
CREATE = Request("POST", "/resource_providers", "/resource_providers", b"{}", microversion="1.39")

REQUEST_ID = "req-6a3f1a51-9c0f-4f5e-8a4a-2b7f3c0de111"
AUTHENTIC = {
    "content-type": "application/json",
    "openstack-api-version": "placement 1.39",
    "x-openstack-request-id": REQUEST_ID,
}
UPDATE, OTHER = "placement.concurrent_update", "placement.undefined_code"
PREAMBLE = "There was a conflict when trying to complete your request.\n\n "
CHANGED = "Inventory and/or allocations changed while attempting to allocate: "
CANARY = "CANARY-9d2e"


def refusal(status: int, detail: str = "", code: str | None = OTHER, **more: Any) -> Answer:
    problem = {"status": status, "title": CANARY, "detail": detail, "request_id": CANARY, **more}
    body = {"errors": [problem | ({"code": code} if code else {})]}
    return Answer(status, dict(AUTHENTIC), json.dumps(body).encode())


def proxy(status: int) -> Answer:
    return Answer(status, {"content-type": "text/html"}, b"<html>" + CANARY.encode())


def named(*values: Any) -> str:
    return " ".join(value.__name__ if isinstance(value, type) else str(value)[:60] for value in values)


CONFLICTS = [
    (WRITE, UPDATE, "consumer generation conflict - expected null but got 1", ConsumerConflict),
    (WRITE, UPDATE, "consumer generation conflict - expected 0 but got None", ConsumerConflict),
    (BATCH, UPDATE, "consumer generation conflict - expected 2 but got 1", ConsumerConflict),
    (
        WRITE,
        UPDATE,
        CHANGED + "Another thread concurrently updated the data. Please retry your update",
        ConsumerConflict,
    ),
    (
        WRITE,
        UPDATE,
        CHANGED + "Another thread concurrently updated the resource provider data. Please retry your update",
        ProviderConflict,
    ),
    (BATCH, UPDATE, "some wording of a later release", ConsumerConflict),
    (WRITE, OTHER, "Unable to allocate inventory: Unable to create allocation for 'VCPU' ...", CapacityExceeded),
    (
        BATCH,
        OTHER,
        "Unable to allocate inventory: Inventory for 'VCPU' on resource provider 'x' invalid.",
        CapacityExceeded,
    ),
    (WRITE, OTHER, "some wording of a later release", Refused),
    (INVENTORIES, UPDATE, "resource provider generation conflict", ProviderConflict),
    (INVENTORIES, "placement.inventory.inuse", "update conflict: Inventory for 'VCPU' in use", Refused),
    (CREATE, "placement.duplicate_name", "Conflicting resource provider name: x already exists.", Refused),
]


@pytest.mark.parametrize(("request_", "code", "detail", "kind"), CONFLICTS, ids=named)
@pytest.mark.parametrize("preamble", [PREAMBLE, ""], ids=["as sent", "bare"])
def test_each_conflict_has_its_own_error(
    request_: Request, code: str, detail: str, kind: type[PlacementError], preamble: str
) -> None:
    error = error_of(request_, refusal(409, f"{preamble}{detail}  ", code))
    assert type(error) is kind
    assert (error.status, error.request_id, error.operation) == (409, REQUEST_ID, request_.operation)


@pytest.mark.parametrize(
    ("request_", "status", "detail", "kind"),
    [
        (WRITE, 400, "Allocation for resource provider 'x' that does not exist.", UnknownProvider),
        (BATCH, 400, "Allocation for resource provider 'x' that does not exist.", UnknownProvider),
        (WRITE, 400, "Unable to allocate inventory for consumer x: No such resource class CUSTOM_X.", BadRequest),
        (WRITE, 400, "JSON does not validate: 'x' is too long", BadRequest),
        (
            WRITE,
            400,
            "JSON does not validate: 'Allocation for resource provider x that does not exist' is too long",
            BadRequest,
        ),
        (READ, 400, "Allocation for resource provider 'x' that does not exist.", BadRequest),
        (CREATE, 400, "Allocation for resource provider 'x' that does not exist.", BadRequest),
        (WRITE, 403, "Policy does not allow", NotAuthorized),
        (READ, 403, "Policy does not allow", NotAuthorized),
        (READ, 404, "No resource provider", NotFound),
        (INVENTORIES, 404, "No resource provider", NotFound),
        (WRITE, 405, "The method is not allowed", BadRequest),
        (WRITE, 415, "The media type text/plain is not supported", BadRequest),
    ],
    ids=named,
)
def test_each_refusal_has_its_own_error(
    request_: Request, status: int, detail: str, kind: type[PlacementError]
) -> None:
    assert type(error_of(request_, refusal(status, detail))) is kind


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 507])
@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
def test_a_server_error_leaves_the_outcome_open(request_: Request, status: int) -> None:
    for answer in (proxy(status), refusal(status)):
        error = error_of(request_, answer)
        assert (type(error), error.status) == (OutcomeUnknown, status)


@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
def test_401_needs_no_proof(request_: Request) -> None:
    """The middleware in front of Placement answers it, without version and code."""
    assert type(error_of(request_, proxy(401))) is NotAuthorized


def test_406_comes_without_version_and_code() -> None:
    answer = refusal(406, code=None, min_version="1.0", max_version="1.27")
    del answer.headers["openstack-api-version"]
    assert type(error_of(WRITE, answer)) is VersionRefused


def forged(status: int) -> dict[str, Answer]:
    """Return refusals that are not Placement's own, by what gives them away."""
    other = refusal(status, "consumer generation conflict", UPDATE)
    lying = json.dumps({"errors": [{"status": 200, "code": UPDATE, "detail": ""}]}).encode()
    return {
        "html": proxy(status),
        "no version": Answer(status, {"content-type": "application/json"}, other.body),
        "other version": Answer(status, AUTHENTIC | {"openstack-api-version": "placement 1.38"}, other.body),
        "other service": Answer(status, AUTHENTIC | {"openstack-api-version": "compute 1.39"}, other.body),
        "no code": refusal(status, "consumer generation conflict", None),
        "other type": Answer(status, AUTHENTIC | {"content-type": "text/plain"}, other.body),
        "other status": Answer(status, dict(AUTHENTIC), lying),
        "empty": Answer(status, dict(AUTHENTIC), b""),
        "no errors": Answer(status, dict(AUTHENTIC), b'{"errors": []}'),
        "list": Answer(status, dict(AUTHENTIC), b"[]"),
        "garbage": Answer(status, dict(AUTHENTIC), b"\xff\x00"),
        "deep": Answer(status, dict(AUTHENTIC), b'{"x":' + b"[" * 100_000),
    }


@pytest.mark.parametrize("how", forged(409))
@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 429])
def test_a_refusal_that_is_not_authentic_is_not_believed(status: int, how: str) -> None:
    assert type(error_of(WRITE, forged(status)[how])) is OutcomeUnknown
    assert type(error_of(READ, forged(status)[how])) is BadAnswer


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_believed(status: int) -> None:
    assert type(error_of(WRITE, proxy(status))) is OutcomeUnknown
    assert type(error_of(READ, proxy(status))) is BadAnswer


@pytest.mark.parametrize("version", ["placement 1.38", "placement 1.0", "compute 1.39", "1.39", "", None])
def test_a_success_of_another_microversion_is_not_believed(version: str | None) -> None:
    headers = {} if version is None else {"openstack-api-version": version}
    with pytest.raises(OutcomeUnknown):
        check(WRITE, Answer(204, headers, b""))
    with pytest.raises(BadAnswer):
        check(READ, Answer(200, headers, b"{}"))


def test_a_success_of_the_asked_microversion_passes() -> None:
    check(WRITE, Answer(204, dict(AUTHENTIC), b""))
    check(Request("GET", "/", "/"), Answer(200, {}, b"{}"))


@pytest.mark.parametrize(
    ("status", "body"), [(200, b""), (200, b"{}"), (200, b"<html>"), (201, b""), (202, b""), (204, b"{}")]
)
def test_a_write_of_allocations_is_believed_at_204_without_a_body(status: int, body: bytes) -> None:
    with pytest.raises(OutcomeUnknown, match="204"):
        check(WRITE, Answer(status, dict(AUTHENTIC), body))


@pytest.mark.parametrize("how", forged(409))
def test_no_server_text_reaches_an_error(how: str) -> None:
    for answer in (forged(409)[how], refusal(409, CANARY), refusal(400, CANARY), proxy(500), proxy(401)):
        for request in (READ, WRITE):
            error = error_of(request, answer)
            assert CANARY not in f"{error} {error!r} {vars(error)}"


@pytest.mark.parametrize(
    "request_id", ["", "6a3f1a51", CANARY, REQUEST_ID + "\n", REQUEST_ID.upper(), f"{REQUEST_ID} {CANARY}"]
)
def test_a_request_id_of_another_form_is_not_kept(request_id: str) -> None:
    assert request_id_of(Answer(200, {"x-openstack-request-id": request_id}, b"")) is None


PROVIDER = "6a3f1a51-9c0f-4f5e-8a4a-2b7f3c0de111"
HELD = {
    "allocations": {PROVIDER: {"resources": {"VCPU": 1}, "generation": 3}},
    "consumer_generation": 1,
    "project_id": "p",
    "user_id": "u",
    "consumer_type": "INSTANCE",
}


def answer(body: Any, content_type: str = "application/json") -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(200, {"content-type": content_type}, content)


def test_a_documented_body_becomes_a_model() -> None:
    held = decode(READ, answer(HELD), ConsumerAllocations, unique=True)
    assert held.amounts() == {UUID(PROVIDER): {"VCPU": 1}}
    assert (held.consumer_generation, held.project_id, held.consumer_type) == (1, "p", "INSTANCE")


def test_fields_of_later_releases_are_ignored() -> None:
    assert decode(READ, answer(HELD | {"new": [1]}), ConsumerAllocations, unique=True).consumer_generation == 1


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=UTF-8", "Application/JSON"])
def test_json_is_known_by_its_type(content_type: str) -> None:
    decode(READ, answer(HELD, content_type), ConsumerAllocations)


@pytest.mark.parametrize(
    "content_type",
    ["", "text/html", "text/json", "application/jsonx", "application/json; charset=latin-1", "application/json\n"],
)
def test_any_other_type_is_refused(content_type: str) -> None:
    with pytest.raises(BadAnswer):
        decode(READ, answer(HELD, content_type), ConsumerAllocations)


def with_amount(text: str) -> bytes:
    return json.dumps(HELD).replace('"VCPU": 1', f'"VCPU": {text}').encode()


WRONG_BODIES = {
    **{f"amount {text}": with_amount(text) for text in ("0", "-1", "1.0", "1e1", "true", "null", '"1"', "NaN")},
    "amount too big": with_amount(str(2**31)),
    "amount huge": with_amount(str(2**70)),
    "amount endless": with_amount("9" * 5000),
    "class lower": json.dumps(HELD).replace("VCPU", "vcpu").encode(),
    "class newline": json.dumps(HELD).replace("VCPU", "VCPU\\n").encode(),
    "provider not uuid": json.dumps(HELD).replace(PROVIDER, "../x").encode(),
    "generation text": json.dumps(HELD | {"consumer_generation": "1"}).encode(),
    "generation negative": json.dumps(HELD | {"consumer_generation": -1}).encode(),
    "no allocations": b"{}",
    "list": b"[]",
    "empty": b"",
    "null": b"null",
    "cut": json.dumps(HELD).encode()[:-1],
    "tail": json.dumps(HELD).encode() + b"x",
    "utf-16": json.dumps(HELD).encode("utf-16"),
    "latin-1": json.dumps(HELD | {"project_id": "é"}, ensure_ascii=False).encode("latin-1"),
    "bom": b"\xef\xbb\xbf" + json.dumps(HELD).encode(),
    "duplicate generation": json.dumps(HELD).encode()[:-1] + b', "consumer_generation": 2}',
    "duplicate class": with_amount('1, "VCPU": 2'),
    "deep known": b'{"allocations": ' + b"[" * 100_000,
    "deep unknown": b'{"x": ' + b"[" * 100_000,
    "deep closed": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("how", WRONG_BODIES)
def test_any_other_body_is_refused(how: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        decode(READ, answer(WRONG_BODIES[how]), ConsumerAllocations, unique=True)
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)


def test_a_wrong_body_of_a_write_leaves_the_outcome_open() -> None:
    with pytest.raises(OutcomeUnknown):
        decode(INVENTORIES, answer(b"{}"), ConsumerAllocations)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_raises_anything_else(body: bytes) -> None:
    for model in (ConsumerAllocations, AllocationCandidates):
        try:
            decode(READ, answer(body), model, unique=True)
        except BadAnswer:
            continue


@given(st.integers(300, 599), st.dictionaries(st.sampled_from(sorted(AUTHENTIC)), st.text(max_size=30)), st.binary())
def test_every_refusal_has_an_error(status: int, headers: dict[str, str], body: bytes) -> None:
    for request in (READ, WRITE):
        assert isinstance(error_of(request, Answer(status, headers, body)), PlacementError)
