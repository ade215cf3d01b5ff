"""JSON that is almost right: refused wherever it is, and taken by the parsers that are usually used."""

import contextlib
import json
from uuid import UUID

import hypothesis
import jsonschema
import msgspec
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from placement.schemas import allocation as allocation_schemas

from placement_client.client import encode_write
from placement_client.decode import decode
from placement_client.errors import BadAnswer
from placement_client.models import (
    AllocationCandidates,
    Answer,
    ConsumerAllocations,
    ConsumerWrite,
    ProviderAllocations,
    Request,
    Resources,
)
from tests.client.conftest import Serve
from tests.client.hostile.corpus import BODY, CONSUMER
from tests.client.scripted import Authority, reply

READ = Request("GET", "/allocations/x", "/allocations/{consumer}", microversion="1.39")
HEADERS = {"content-type": "application/json", "openstack-api-version": "placement 1.39"}

NUMBERS = ["NaN", "Infinity", "-Infinity", "1.0", "1e0", "true", "null", '"1"', "01", "+1", "0x1", "-0.5",
           str(2**31), str(2**63), str(2**70), "9" * 5000]  # fmt: skip
KEYS = ["VCPU\\n", "VCPU\\u0000", "\\ud800", "vcpu", "", "VCPU ", "../VCPU", "V\\u0421PU", "V" * 256]
DEEP = "[" * 100_000
CLOSED = DEEP + "]" * 100_000

HOLDS = {CONSUMER: {"resources": {"VCPU": 1}, "consumer_generation": 1}}
PROVIDER = json.dumps({"resource_provider_generation": 3, "allocations": HOLDS}).encode()
ONE_WAY = {"allocations": {CONSUMER: {"resources": {"VCPU": 1}}}, "mappings": {"": [CONSUMER]}}
SUMMARY = {"resources": {"VCPU": {"capacity": 8, "used": 1}}, "traits": ["HW_CPU_X86_AVX"]}
CANDIDATES = json.dumps({"allocation_requests": [ONE_WAY], "provider_summaries": {CONSUMER: SUMMARY}}).encode()

MODELS = {
    "allocations": (ConsumerAllocations, BODY),
    "provider": (ProviderAllocations, PROVIDER),
    "candidates": (AllocationCandidates, CANDIDATES),
}


def believed(model: type, body: bytes) -> bool:
    """Tell whether a body is taken for an answer; any error but BadAnswer fails the test."""
    with contextlib.suppress(BadAnswer):
        decode(READ, Answer(200, HEADERS, body), model, unique=model is not AllocationCandidates)
        return True
    return False


@pytest.mark.parametrize("name", MODELS)
def test_the_bodies_that_are_changed_here_are_believed_as_they_are(name: str) -> None:
    assert believed(*MODELS[name])


@pytest.mark.parametrize("number", NUMBERS, ids=lambda text: text[:12])
@pytest.mark.parametrize("name", MODELS)
def test_an_amount_is_an_integer_that_placement_can_hold(name: str, number: str) -> None:
    model, body = MODELS[name]
    assert not believed(model, body.replace(b'"VCPU": 1', f'"VCPU": {number}'.encode()))


@pytest.mark.parametrize("key", KEYS, ids=lambda text: text[:12])
@pytest.mark.parametrize("name", MODELS)
def test_a_resource_class_has_the_form_of_one(name: str, key: str) -> None:
    model, body = MODELS[name]
    assert not believed(model, body.replace(b'"VCPU"', f'"{key}"'.encode()))


@pytest.mark.parametrize("nested", [DEEP, CLOSED, DEEP.replace("[", '{"a":')], ids=["open", "closed", "objects"])
@pytest.mark.parametrize("name", MODELS)
def test_nesting_is_refused_in_every_position(name: str, nested: str) -> None:
    """Where the type is known, where it is not, in an unknown field, and around everything."""
    model, body = MODELS[name]
    text = body.decode()
    for changed in (text.replace(": 1", f": {nested}"), f'{{"unknown": {nested}, {text[1:]}', nested, nested + text):
        assert not believed(model, changed.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("name", MODELS)
def test_a_body_is_utf_8_without_a_mark(name: str, encoding: str) -> None:
    model, body = MODELS[name]
    assert not believed(model, body.decode().encode(encoding))


@pytest.mark.parametrize("tail", [b"\0", b"{}", b"]", b"//", b"\xff", b"\xed\xa0\x80"], ids=repr)
@pytest.mark.parametrize("name", MODELS)
def test_nothing_may_follow_a_body(name: str, tail: bytes) -> None:
    model, body = MODELS[name]
    assert not believed(model, body + tail)


@pytest.mark.parametrize(
    ("name", "once", "twice"),
    [
        ("allocations", '"consumer_generation": 1', '"consumer_generation": 1, "consumer_generation": 2'),
        ("allocations", '"VCPU": 1', '"VCPU": 1, "VCPU": 2'),
        ("allocations", '"VCPU": 1', '"VCPU": 1, "\\u0056CPU": 2'),
        ("provider", '"VCPU": 1', '"VCPU": 1, "VCPU": 2'),
        ("provider", '"consumer_generation": 1', '"consumer_generation": 1, "consumer_generation": 2'),
        ("provider", '"resource_provider_generation": 3', '"resource_provider_generation": 3, "x": {"a": 1, "a": 2}'),
    ],
)
def test_a_key_comes_once_where_a_claim_depends_on_it(name: str, once: str, twice: str) -> None:
    model, body = MODELS[name]
    assert once in body.decode()
    assert not believed(model, body.decode().replace(once, twice).encode())


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1.0", "true", str(2**70), '"VCPU\\n"', '"\\ud800"', '"\\u0000"'])
def test_control_json_takes_what_is_refused_here(text: str) -> None:
    json.loads(text)


def test_control_json_keeps_the_last_of_two_and_its_depth_is_no_value_error() -> None:
    assert json.loads('{"consumer_generation": 1, "consumer_generation": 2}') == {"consumer_generation": 2}
    with pytest.raises(RecursionError):
        json.loads(DEEP)


def test_control_msgspec_raises_recursion_errors_in_fields_that_it_skips() -> None:
    with pytest.raises(RecursionError):
        msgspec.json.decode(f'{{"unknown": {DEEP}'.encode(), type=ConsumerAllocations)


def test_control_requests_reads_json_out_of_anything(server: Serve, authority: Authority) -> None:
    there = server(reply(200, BODY, {"Content-Type": "text/html"}))
    assert requests.get(there.url, verify=authority.cafile).json()["consumer_generation"] == 1


AMOUNTS = st.dictionaries(st.from_regex(r"\A[A-Z0-9_]{1,20}\Z"), st.integers(1, 2**31 - 1), min_size=1, max_size=3)
WRITES = st.builds(
    ConsumerWrite,
    st.dictionaries(st.uuids(), AMOUNTS.map(Resources), max_size=3),
    st.text(min_size=1, max_size=255),
    st.text(min_size=1, max_size=255),
    st.none() | st.integers(0, 2**31 - 1),
    st.from_regex(r"\A[A-Z0-9_]{1,20}\Z"),
    st.just({}),
)


@hypothesis.settings(max_examples=40)
@given(WRITES, st.integers(28, 39))
def test_placement_itself_accepts_the_form_of_every_body_that_is_sent(write: ConsumerWrite, minor: int) -> None:
    """Judged by the JSON schemas of the installed Placement."""
    jsonschema.validate(json.loads(msgspec.json.encode(encode_write(write, f"1.{minor}"))), schema_of(minor))


def schema_of(minor: int) -> dict:
    """Return Placement's own schema of PUT /allocations at a microversion."""
    changed = max(each for each in (28, 34, 38) if each <= minor)
    return getattr(allocation_schemas, f"ALLOCATION_SCHEMA_V1_{changed}")


def test_control_the_schemas_of_placement_refuse_what_is_not_theirs() -> None:
    body = encode_write(ConsumerWrite({UUID(CONSUMER): Resources({"VCPU": 1})}, "p", "u"), "1.39")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(msgspec.json.encode(body | {"unknown": 1})), schema_of(39))
