"""The client above a transport that answers from a list: negotiation, requests as sent, counting, repeating."""

import contextlib
import json
import threading
import time
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement_client.client import PlacementClient, encode_write, highest_common
from placement_client.clock import Deadline
from placement_client.errors import (
    BadAnswer,
    DeadlineExceeded,
    InvalidQuery,
    NotSent,
    OutcomeUnknown,
    PlacementError,
    ProviderConflict,
    VersionRefused,
)
from placement_client.models import Answer, ConsumerWrite, Request, Resources, Version
from placement_client.query import CandidateQuery, ProviderFilter, RequestGroup
from placement_client.settings import PlacementSettings, RetrySettings

A = UUID("aaaaaaaa-0000-4000-8000-000000000000")
B = UUID("bbbbbbbb-0000-4000-8000-000000000000")
REQUEST_ID = "req-6a3f1a51-9c0f-4f5e-8a4a-2b7f3c0de111"
FAST = PlacementSettings(retry=RetrySettings(attempts=3, base_s=0.0))
WRITE = ConsumerWrite({A: Resources({"VCPU": 1})}, "p", "u", mappings={"": [A]})


def root(low: str = "1.0", high: str = "1.39") -> Answer:
    body = {"versions": [{"id": "v1.0", "min_version": low, "max_version": high, "status": "CURRENT", "links": []}]}
    return Answer(200, {"content-type": "application/json"}, json.dumps(body).encode())


def ok(body: Any = None, status: int = 200, version: str = "1.39") -> Answer:
    headers = {"content-type": "application/json", "openstack-api-version": f"placement {version}"}
    return Answer(status, headers, b"" if body is None else json.dumps(body).encode())


class Script:
    """A transport that gives these answers in turn, and remembers requests and deadlines."""

    def __init__(self, *answers: Answer | BaseException) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.deadlines: list[Deadline] = []

    def send(self, request: Request, deadline: Deadline) -> Answer:
        self.requests.append(request)
        self.deadlines.append(deadline)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def client(*answers: Answer | BaseException, version: str = "1.39") -> tuple[PlacementClient, Script]:
    script = Script(root(high=version), *answers)
    return PlacementClient(script, FAST), script


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ("1.0", "1.39", "1.39"),
        ("1.0", "1.28", "1.28"),
        ("1.0", "1.33", "1.33"),
        ("1.30", "1.45", "1.39"),
        ("1.39", "1.99", "1.39"),
        ("1.0", "1.27", None),
        ("1.40", "1.45", None),
        ("2.0", "2.39", None),
        ("1.0", "2.39", None),
        ("", "", None),
        ("1.0", "1.x", None),
        ("1.0", "latest", None),
        ("1.0", "1.²", None),
        ("1.0", "1." + "9" * 5000, None),
    ],
)
def test_the_highest_common_microversion_is_chosen(low: str, high: str, expected: str | None) -> None:
    assert highest_common([Version("v1.0", low, high)]) == expected


def test_no_version_at_all_is_refused() -> None:
    script = Script(Answer(200, {"content-type": "application/json"}, b'{"versions": []}'))
    with pytest.raises(VersionRefused):
        PlacementClient(script, FAST).negotiate()


@given(st.text(), st.text())
def test_no_version_text_breaks_negotiation(low: str, high: str) -> None:
    highest_common([Version("v1.0", low, high)])


def test_negotiation_happens_once_for_all_views() -> None:
    there, script = client(ok({"allocations": {}}), ok({"allocations": {}}))
    first, second = there.within(Deadline.after(5)), there.within(Deadline.after(5))
    first.get_allocations(A)
    second.get_allocations(A)
    assert [request.path for request in script.requests] == ["/", f"/allocations/{A}", f"/allocations/{A}"]
    assert (there.calls, first.calls, second.calls) == (0, 2, 1)


def test_a_failed_negotiation_is_tried_again() -> None:
    script = Script(ok({}, 500), root())
    there = PlacementClient(script, FAST)
    with pytest.raises(OutcomeUnknown):
        there.negotiate()
    assert there.negotiate() == "1.39"


class Slow(Script):
    """A transport that says when it is asked, and answers when it is let."""

    def __init__(self, *answers: Answer | BaseException) -> None:
        super().__init__(*answers)
        self.entered, self.release = threading.Event(), threading.Event()

    def send(self, request: Request, deadline: Deadline) -> Answer:
        self.entered.set()
        self.release.wait(5)
        return super().send(request, deadline)


def test_threads_negotiate_once() -> None:
    """The others wait for the first, then find what it found."""
    script = Slow(*[root() for _ in range(8)])
    there = PlacementClient(script, FAST)
    threads = [threading.Thread(target=there.negotiate) for _ in range(8)]
    for thread in threads:
        thread.start()
    script.entered.wait(5)
    time.sleep(0.1)
    script.release.set()
    for thread in threads:
        thread.join()
    assert len(script.requests) == 1


def test_waiting_for_another_negotiation_ends_at_the_deadline() -> None:
    """A view with little time does not wait for a thread that negotiates with much."""
    script = Slow(root())
    there = PlacementClient(script, FAST)
    thread = threading.Thread(target=there.negotiate)
    thread.start()
    script.entered.wait(5)
    with pytest.raises(DeadlineExceeded):
        there.within(Deadline.after(0.1)).negotiate()
    script.release.set()
    thread.join()


def test_a_view_gives_its_deadline_and_id_to_every_call() -> None:
    there, script = client(ok({"allocations": {}}), ok(status=204))
    deadline = Deadline.after(5)
    view = there.within(deadline, REQUEST_ID)
    view.get_allocations(A)
    view.put_allocations(A, WRITE)
    assert {id(each) for each in script.deadlines} == {id(deadline)}
    assert {request.request_id for request in script.requests} == {REQUEST_ID}


def test_every_call_carries_the_negotiated_microversion() -> None:
    there, script = client(ok(status=204, version="1.36"), version="1.36")
    there.put_allocations(A, WRITE)
    assert [request.microversion for request in script.requests] == [None, "1.36"]


BODY = {
    "allocations": {str(A): {"resources": {"VCPU": 1}}},
    "project_id": "p",
    "user_id": "u",
    "consumer_generation": None,
}


@pytest.mark.parametrize(
    ("version", "more"),
    [
        ("1.28", {}),
        ("1.33", {}),
        ("1.34", {"mappings": {"": [str(A)]}}),
        ("1.38", {"mappings": {"": [str(A)]}, "consumer_type": "INSTANCE"}),
    ],
)
def test_a_write_is_encoded_for_its_microversion(version: str, more: dict[str, Any]) -> None:
    there, script = client(ok(status=204, version=version), ok(status=204, version=version), version=version)
    there.put_allocations(B, WRITE)
    there.post_allocations({B: WRITE})
    put, post = script.requests[1:]
    assert (put.operation, put.path) == ("PUT /allocations/{consumer}", f"/allocations/{B}")
    assert json.loads(put.body or b"") == BODY | more
    assert (post.operation, json.loads(post.body or b"")) == ("POST /allocations", {str(B): BODY | more})


def test_empty_mappings_are_left_out() -> None:
    assert "mappings" not in encode_write(ConsumerWrite({}, "p", "u", 1), "1.39")


def test_candidates_are_asked_for_with_their_own_bound() -> None:
    there, script = client(ok({"allocation_requests": [], "provider_summaries": {}}))
    there.get_allocation_candidates(CandidateQuery({"": RequestGroup({"VCPU": 1})}, limit=5))
    asked = script.requests[1]
    assert asked.path == "/allocation_candidates?limit=5&resources=VCPU:1"
    assert asked.operation == "GET /allocation_candidates"
    assert asked.max_bytes == FAST.max_candidates_bytes


def test_usages_escape_what_they_ask_for() -> None:
    there, script = client(ok({"usages": {"INSTANCE": {"VCPU": 3, "consumer_count": 2}}}))
    assert there.get_project_usages("a&b=c/é", "u", "INSTANCE").consumers("INSTANCE") == 2
    assert script.requests[1].path == "/usages?consumer_type=INSTANCE&project_id=a%26b%3Dc%2F%C3%A9&user_id=u"


def test_usages_by_type_need_1_38() -> None:
    there, _ = client(version="1.37")
    with pytest.raises(InvalidQuery, match=r"1\.38"):
        there.get_project_usages("p")


def test_a_query_the_server_cannot_say_is_not_sent() -> None:
    there, script = client(version="1.28")
    with pytest.raises(InvalidQuery):
        there.list_resource_providers(ProviderFilter(forbidden_aggregates=frozenset({A})))
    assert len(script.requests) == 1


def test_allocations_without_a_generation_are_not_believed() -> None:
    """A server that fell back to an older microversion leaves it out; to write on that basis would be blind."""
    there, _ = client(ok({"allocations": {str(A): {"resources": {"VCPU": 1}}}}))
    with pytest.raises(BadAnswer):
        there.get_allocations(B)


@pytest.mark.parametrize(
    ("answers", "calls"),
    [
        ([NotSent(), NotSent(), ok(status=204)], 3),
        ([NotSent(), OutcomeUnknown()], 2),
        ([OutcomeUnknown()], 1),
        ([ok({}, 503)], 1),
        ([ok(status=204, version="1.38")], 1),
    ],
)
def test_a_write_is_repeated_only_when_it_was_not_sent(answers: list[Answer | BaseException], calls: int) -> None:
    there, _ = client(*answers)
    there.negotiate()
    view = there.within(Deadline.after(5))
    with contextlib.suppress(OutcomeUnknown):
        view.put_allocations(A, WRITE)
    assert view.calls == calls


def test_a_read_is_repeated_after_a_gateway_error() -> None:
    there, _ = client(ok({}, 502), OutcomeUnknown(), ok({"allocations": {}}))
    there.negotiate()
    view = there.within(Deadline.after(5))
    assert view.get_allocations(A).allocations == {}
    assert view.calls == 3


def test_a_refusal_is_not_repeated() -> None:
    problem = {"status": 409, "code": "placement.concurrent_update", "detail": "x the resource provider data"}
    refusal = ok({"errors": [problem | {"detail": "concurrently updated the resource provider data"}]}, 409)
    there, script = client(refusal)
    with pytest.raises(ProviderConflict):
        there.put_allocations(A, WRITE)
    assert len(script.requests) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), GeneratorExit()], ids=lambda e: type(e).__name__)
def test_interrupts_pass_untouched(error: BaseException) -> None:
    there, _ = client(error)
    with pytest.raises(type(error)) as caught:
        there.put_allocations(A, WRITE)
    assert caught.value is error


@pytest.mark.parametrize("bad", ["../resource_providers/x", "a/b", "", "x?y"])
def test_only_identifiers_reach_a_path(bad: str) -> None:
    there, script = client()
    with pytest.raises(InvalidQuery):
        there.get_allocations(bad)  # type: ignore[arg-type]
    assert script.requests == []


def test_there_is_no_way_to_delete() -> None:
    assert not [name for name in dir(PlacementClient) if "delete" in name]


def test_every_error_of_the_tree_has_its_own_code_and_one_line() -> None:
    def tree(kind: type[PlacementError]) -> list[type[PlacementError]]:
        return [kind, *(each for child in kind.__subclasses__() for each in tree(child))]

    kinds = tree(PlacementError)
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all("\n" not in str(kind("GET /", status=400, hint="why")) for kind in kinds)
