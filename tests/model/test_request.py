"""A request that does not fit is refused with its field and what to write; one that fits comes through unchanged."""

import json
import time
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.errors import InvalidRequest
from scheduler.model import Flavor, Image, RequestContext, RequestSpec, ServerGroup
from scheduler.model.request import refuse_doubled_fields

MINIMAL = {"flavor": {"vcpus": 1, "memory_mb": 512}, "project_id": "p", "user_id": "u"}


def refusal(document: object) -> InvalidRequest:
    text = document if isinstance(document, bytes | str) else json.dumps(document)
    with pytest.raises(InvalidRequest) as caught:
        RequestSpec.from_json(text)
    return caught.value


def test_the_smallest_request_is_accepted():
    spec = RequestSpec.from_json(json.dumps(MINIMAL))
    assert spec == RequestSpec(flavor=Flavor(vcpus=1, memory_mb=512), project_id="p", user_id="u")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flavor": {"vcpus": "x", "memory_mb": 1}}, "flavor.vcpus: expected an integer, got a string"),
        ({"flavor": {"vcpus": True, "memory_mb": 1}}, "flavor.vcpus: expected an integer, got a boolean"),
        ({"flavor": {"vcpus": 1.5, "memory_mb": 1}}, "flavor.vcpus: expected an integer, got a number"),
        ({"flavor": {"vcpus": -1, "memory_mb": 1}}, "flavor.vcpus: must be an integer from 0 to 2147483647"),
        ({"flavor": {"vcpus": 2**70, "memory_mb": 1}}, "flavor.vcpus: must be an integer from 0 to 2147483647"),
        ({"flavor": {"vcpus": 1}}, "flavor.memory_mb: is required"),
        ({"flavor": None}, "flavor: expected an object, got null"),
        ({"flavr": 1}, "request: unknown field 'flavr', did you mean flavor?"),
        (
            {"image": {"propertys": {}}},
            "image: unknown field 'propertys', did you mean properties?",
        ),
        (
            {"requested_resources": [{"requester_id": "a", "color": 1}]},
            (
                "requested_resources[0]: unknown field 'color', known ones are requester_id, resources, "
                "required_traits, forbidden_traits, any_of_traits, aggregates, forbidden_aggregates, in_tree"
            ),
        ),
        *(
            (
                {"topology_spread": [{"key": key}]},
                (
                    "topology_spread[0].key: must be an aggregate metadata key of 1 to 255 characters, or 'trait:' and "
                    "the beginning of trait names"
                ),
            )
            for key in ("", "trait:", "trait:rack", "a\nb", "k" * 256)
        ),
        ({"topology_spread": [{"key": "rack"}] * 9}, "topology_spread: must be a list of at most 8 spreads"),
        ({"preferred_traits": ["hw_a"]}, "preferred_traits[0]: must be an upper-case trait name"),
        (
            {"instance_group": {"policy": "legacy"}},
            "instance_group.policy: 'legacy' is not one of affinity, anti-affinity, soft-affinity, soft-anti-affinity",
        ),
        ({"group_policy": "some"}, "group_policy: 'some' is not one of isolate, none"),
        ({"group_policy": 1}, "group_policy: expected a string or null, got an integer"),
        ({"num_instances": 0}, "num_instances: must be an integer from 1 to 2147483647"),
        ({"root_required": ["ok"]}, "root_required[0]: must be an upper-case trait name"),
        ({"root_required": ["OK\n"]}, "root_required[0]: must be an upper-case trait name"),
        ({"image": {"traits_required": ["A", "b"]}}, "image.traits_required[1]: must be an upper-case trait name"),
        ({"force_hosts": "h1"}, "force_hosts: expected an array, got a string"),
        ({"force_hosts": [""]}, "force_hosts[0]: must be 1 to 255 characters"),
        (
            {"scheduler_hints": {"query": "x" * 1025}},
            "scheduler_hints: each value must be at most 1024 characters",
        ),
        ({"instance_uuid": "abc"}, "instance_uuid: must be a UUID"),
        (
            {"requested_destination": {"aggregates": [["x"]]}},
            "requested_destination.aggregates[0][0]: must be a UUID",
        ),
        (
            {"requested_resources": [{"requester_id": "a b"}]},
            "requested_resources[0].requester_id: must be at most 64 letters, digits, '_' or '-'",
        ),
        (
            {"requested_resources": [{"requester_id": "a", "resources": {"vcpu": 1}}]},
            "requested_resources[0].resources: each key must be an upper-case resource class name",
        ),
        (
            {"requested_resources": [{"requester_id": "a", "resources": {"VCPU": 0}}]},
            "requested_resources[0].resources: each value must be an integer from 1 to 2147483647",
        ),
        (
            {"flavor": {"vcpus": 1, "memory_mb": 1, "extra_specs": {"a": 1}}},
            "flavor.extra_specs: each value expected a string, got an integer",
        ),
        ({"project_id": ""}, "project_id: must be 1 to 255 characters"),
        ({"consumer_type": "vm"}, "consumer_type: must be an upper-case consumer type"),
    ],
)
def test_a_misfit_is_named_with_its_field(change, message):
    error = refusal(MINIMAL | change)
    assert error.problems == (message,)
    assert error.__context__ is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "request: ends before it is complete"),
        ('{"flavor": ', "request: ends before it is complete"),
        ("{]", "request: not valid JSON at byte 1"),
        (json.dumps(MINIMAL) + "x", "request: not valid JSON at byte 78"),
        ("[]", "request: expected an object, got an array"),
        ('{"flavor": NaN}', "request: not valid JSON at byte 11"),
        ('{"project_id": "\ud800"}', "request: holds something that is not JSON"),
        (b'{"project_id": "\xff\xfe"}', "request: holds something that is not JSON"),
        ('{"flavor": ' + "[" * 100_000, "flavor: expected an object, got an array"),
    ],
)
def test_text_that_is_no_request_is_refused(text, message):
    assert refusal(text).problems == (message,)


def test_a_field_given_twice_is_refused():
    text = '{"flavor": {"vcpus": 1, "memory_mb": 1, "vcpus": 2}, "project_id": "p", "user_id": "u"}'
    assert refusal(text).problems == ("request: field 'vcpus' is given more than once",)


def test_many_fields_are_looked_through_in_no_time():
    """A search of each name among all the others takes minutes for so many."""
    many = json.dumps({f"field{number}": 1 for number in range(200_000)})
    started = time.process_time()
    refuse_doubled_fields(many)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
def test_what_nests_too_deeply_to_be_looked_through_is_refused(opening, closing):
    with pytest.raises(InvalidRequest) as refused:
        refuse_doubled_fields('{"a":' + opening * 100_000 + "1" + closing * 100_000 + "}")
    assert refused.value.problems == ("request: nested too deeply",)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("request_id", "req-1", "context.request_id: must be 'req-' and a UUID in lower case"),
        ("request_id", f"req-{UUID(int=1)}\n", "context.request_id: must be 'req-' and a UUID in lower case"),
        ("request_id", "\ud800", "context: holds something that is not JSON"),
        ("project_id", "p" * 256, "context.project_id: must be at most 255 characters"),
        ("user_id", None, "context.user_id: expected a string, got null"),
        ("is_elevated", "yes", "context.is_elevated: expected a boolean, got a string"),
        ("roles", ("a", 1), "context.roles[1]: expected a string, got an integer"),
    ],
)
def test_a_context_of_other_values_is_refused(field, value, problem):
    good = {"project_id": "p", "user_id": "u", "request_id": f"req-{UUID(int=1)}"}
    assert RequestContext(**good).checked() == RequestContext(**good)
    with pytest.raises(InvalidRequest) as refused:
        RequestContext(**good | {field: value}).checked()
    assert refused.value.problems == (problem,)


def test_a_message_of_many_problems_ends():
    error = InvalidRequest(*(f"field{number}: is wrong" for number in range(1000)))
    assert str(error).endswith("; field19: is wrong; and 980 more")
    assert len(error.problems) == 1000


def test_text_of_the_tenant_is_escaped_and_cut():
    error = refusal(MINIMAL | {"x" * 500 + "\x1b[2J": 1})
    assert "x" * 38 not in str(error)
    assert "\x1b" not in str(refusal(MINIMAL | {"\x1b[2J\u2028": 1}))


@given(st.text(max_size=80))
def test_no_field_name_breaks_the_message(name):
    """Whatever an unknown field is called, even like a message of the decoder, it is refused as a request error."""
    if name in MINIMAL or name in RequestSpec.__struct_fields__:
        return
    problem = refusal(MINIMAL | {name: 1}).problems[0]
    assert len(problem) < 420
    assert problem.isprintable()


def test_a_field_name_cannot_forge_another_place():
    problem = refusal(MINIMAL | {"x` - at `$.flavor.vcpus": 1}).problems[0]
    assert not problem.startswith("flavor.vcpus: expected")


def test_python_values_get_the_checks_of_json():
    spec = RequestSpec(flavor=Flavor(vcpus="4", memory_mb=1), project_id="p", user_id="u")
    with pytest.raises(InvalidRequest, match=r"\Aflavor\.vcpus: expected an integer, got a string\Z"):
        spec.checked()


def test_a_python_value_that_is_not_json_is_refused():
    spec = RequestSpec(flavor=object(), project_id="p", user_id="u")
    with pytest.raises(InvalidRequest, match=r"\Arequest: holds something that is not JSON\Z"):
        spec.checked()


def test_checked_returns_an_equal_request():
    group = ServerGroup(policy="anti-affinity", members=(UUID(int=1),), hosts=("h1",), max_server_per_host=2)
    spec = RequestSpec(
        flavor=Flavor(vcpus=1, memory_mb=1, extra_specs={"trait:A": "required"}),
        image=Image(properties={"hw_architecture": "x86_64"}),
        instance_group=group,
        project_id="p",
        user_id="u",
    )
    assert spec.checked() == spec
    assert RequestSpec.from_json(msgspec.json.encode(spec)) == spec


def test_a_group_grows_by_each_instance_once_and_by_its_host_each_time():
    first, second = uuid4(), uuid4()
    group = ServerGroup(policy="affinity", members=(first,))
    spec = RequestSpec(flavor=Flavor(vcpus=1, memory_mb=1), project_id="p", user_id="u", instance_group=group)
    grown = spec.with_members([first, second]).with_member_on("h1").with_member_on("h1")
    assert grown.instance_group == ServerGroup(policy="affinity", members=(first, second), hosts=("h1", "h1"))
    assert spec.instance_group == group


def test_a_request_without_group_has_nothing_that_grows():
    spec = RequestSpec(flavor=Flavor(vcpus=1, memory_mb=1), project_id="p", user_id="u")
    assert spec.with_members([uuid4()]) is spec.with_member_on("h1") is spec
