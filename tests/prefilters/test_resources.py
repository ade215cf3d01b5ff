"""The query that a request becomes: what is asked, of whom, and what can never be dropped."""

from uuid import UUID

import pytest

from placement_client.query import CandidateQuery, RequestGroup, to_query_string
from scheduler.errors import InvalidRequest
from scheduler.model import Destination, Flavor, Image, RequestSpec, ServerGroup
from scheduler.model import RequestGroup as Requested
from scheduler.prefilters import asked, query_of

A1, A2, TREE = UUID(int=1), UUID(int=2), UUID(int=9)


def spec_of(extra_specs: dict[str, str] | None = None, **change: object) -> RequestSpec:
    flavor = Flavor(vcpus=2, memory_mb=4096, root_gb=20, extra_specs=extra_specs or {})
    return RequestSpec(**({"flavor": flavor, "project_id": "p", "user_id": "u"} | change))


def query(spec: RequestSpec, limit: int | None = 1000, in_tree: UUID | None = None) -> CandidateQuery:
    return query_of(spec, limit=limit, in_tree=in_tree)


def sent(spec: RequestSpec, **parts: object) -> str:
    return to_query_string(query(spec, **parts), "1.39")


def traits(*names: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset({name}) for name in names)


def test_a_plain_flavor_asks_for_three_classes_and_a_limit():
    assert sent(spec_of()) == "limit=1000&resources=DISK_GB:20,MEMORY_MB:4096,VCPU:2"


@pytest.mark.parametrize(
    ("parts", "is_bfv", "disk"),
    [
        ({"root_gb": 20, "ephemeral_gb": 5}, False, 25),
        ({"root_gb": 20, "ephemeral_gb": 5}, True, 5),
        ({"root_gb": 20, "swap": 1}, False, 21),
        ({"root_gb": 20, "swap": 1024}, False, 21),
        ({"root_gb": 20, "swap": 1025}, False, 22),
        ({"root_gb": 20}, True, None),
        ({}, False, None),
    ],
)
def test_disk_is_root_unless_on_a_volume_and_ephemeral_and_swap_rounded_up(parts, is_bfv, disk):
    spec = spec_of(flavor=Flavor(vcpus=1, memory_mb=1, **parts), is_bfv=is_bfv)
    assert query(spec).groups[""].resources.get("DISK_GB") == disk


@pytest.mark.parametrize(
    ("extra_specs", "expected"),
    [
        ({"resources:VCPU": "8"}, {"VCPU": 8, "MEMORY_MB": 4096, "DISK_GB": 20}),
        ({"resources:VCPU": "0"}, {"MEMORY_MB": 4096, "DISK_GB": 20}),
        ({"resources:PCPU": "2"}, {"PCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 20}),
        ({"resources:MEMORY_MB": "0", "resources:DISK_GB": "0"}, {"VCPU": 2}),
        ({"resources:PGPU": "1"}, {"PGPU": 1, "VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 20}),
    ],
)
def test_extra_specs_override_the_flavor_and_zero_takes_away(extra_specs, expected):
    assert query(spec_of(extra_specs)).groups == {"": RequestGroup(resources=expected)}


def test_a_class_named_by_a_suffixed_group_is_not_asked_for_again():
    found = query(spec_of({"resources_NUMA0:MEMORY_MB": "4096", "resources_NUMA0:PCPU": "2"}))
    assert found.groups == {
        "": RequestGroup(resources={"DISK_GB": 20}),
        "_NUMA0": RequestGroup(resources={"MEMORY_MB": 4096, "PCPU": 2}),
    }


def test_traits_go_to_the_group_of_their_suffix_and_those_of_the_image_to_the_unsuffixed():
    spec = spec_of(
        {"trait:A": "required", "trait:B": "forbidden", "resources1:VGPU": "1", "trait1:C": "required"},
        image=Image(traits_required=("Z", "A")),
    )
    groups = query(spec).groups
    assert groups[""].required == traits("A", "Z")
    assert groups[""].forbidden == {"B"}
    assert groups["1"] == RequestGroup(resources={"VGPU": 1}, required=traits("C"))


def test_a_group_with_only_zero_amounts_disappears():
    assert set(query(spec_of({"resources1:VGPU": "0"})).groups) == {""}


def test_requested_resources_become_groups_under_their_requester():
    port = Requested(
        requester_id="port-1",
        resources={"NET_BW_EGR_KILOBIT_PER_SEC": 5},
        required_traits=("P",),
        forbidden_traits=("Q",),
        aggregates=((A1, A2),),
        in_tree=TREE,
    )
    assert query(spec_of(requested_resources=(port,))).groups["port-1"] == RequestGroup(
        resources={"NET_BW_EGR_KILOBIT_PER_SEC": 5},
        required=traits("P"),
        forbidden=frozenset({"Q"}),
        member_of=(frozenset({A1, A2}),),
        in_tree=TREE,
    )


def test_aggregates_of_the_destination_apply_to_the_host():
    destination = Destination(aggregates=((A1, A2), (A1,)), forbidden_aggregates=(A2,))
    group = query(spec_of(requested_destination=destination)).groups[""]
    assert group.member_of == (frozenset({A1, A2}), frozenset({A1}))
    assert group.forbidden_aggregates == {A2}


def test_root_traits_and_subtrees_are_handed_on():
    ports = (Requested(requester_id="a", resources={"X": 1}), Requested(requester_id="b", required_traits=("T",)))
    found = query(
        spec_of(requested_resources=ports, root_required=("R",), root_forbidden=("F",), same_subtree=(("a", "b"),))
    )
    assert (found.root_required, found.root_forbidden) == ({"R"}, {"F"})
    assert found.same_subtree == (frozenset({"a", "b"}),)
    assert "same_subtree=a%2Cb" in to_query_string(found, "1.39") or "same_subtree=a,b" in to_query_string(
        found, "1.39"
    )


@pytest.mark.parametrize(
    ("extra_specs", "ports", "given", "policy"),
    [
        ({}, 0, None, None),
        ({}, 1, None, None),
        ({}, 2, None, "none"),
        ({"resources1:VGPU": "1"}, 0, None, None),
        ({"resources1:VGPU": "1"}, 1, None, "none"),
        ({"resources1:VGPU": "1", "resources2:VGPU": "1", "group_policy": "isolate"}, 0, None, "isolate"),
        ({"resources1:VGPU": "1", "resources2:VGPU": "1"}, 0, "isolate", "isolate"),
        ({"resources1:VGPU": "1", "resources2:VGPU": "0"}, 1, None, "none"),
    ],
)
def test_the_group_policy_defaults_to_none_only_where_the_flavor_has_one_group(extra_specs, ports, given, policy):
    requested = tuple(Requested(requester_id=f"p{n}", resources={"X": 1}) for n in range(ports))
    assert query(spec_of(extra_specs, requested_resources=requested, group_policy=given)).group_policy == policy


def test_two_groups_of_the_flavor_need_a_policy():
    with pytest.raises(InvalidRequest, match="group_policy: needed"):
        query(spec_of({"resources1:VGPU": "1", "resources2:VGPU": "1"}))


@pytest.mark.parametrize("policy", ["affinity", "anti-affinity"])
def test_a_server_group_takes_the_limit_away(policy):
    """With a limit, the hosts of the group may be the ones cut off."""
    assert query(spec_of(instance_group=ServerGroup(policy=policy)), limit=5).limit is None


def test_the_one_host_asked_for_narrows_the_query_to_its_tree():
    assert query(spec_of(), in_tree=TREE).groups[""].in_tree == TREE


def test_a_request_for_nothing_is_refused():
    with pytest.raises(InvalidRequest, match=r"\Aflavor: asks for no resources\Z"):
        query(spec_of(flavor=Flavor(vcpus=0, memory_mb=0)))


@pytest.mark.parametrize(
    "change", [{"image": Image(traits_required=("T",))}, {"requested_destination": Destination(aggregates=((A1,),))}]
)
def test_traits_and_aggregates_without_a_resource_to_apply_to_are_refused(change):
    ports = (Requested(requester_id="a", resources={"X": 1}),)
    with pytest.raises(InvalidRequest, match="flavor: needs a resource outside its groups"):
        query(spec_of(flavor=Flavor(vcpus=0, memory_mb=0), requested_resources=ports, **change))


def test_a_flavor_may_live_in_groups_alone():
    ports = (Requested(requester_id="a", resources={"X": 1}),)
    assert set(query(spec_of(flavor=Flavor(vcpus=0, memory_mb=0), requested_resources=ports)).groups) == {"a"}


def test_every_problem_is_reported_even_when_nobody_checked_the_request_before():
    spec = spec_of({"hw:numa_nodes": "2", "trait:X": "wanted"}, force_hosts=("h",), ignore_hosts=("h",))
    with pytest.raises(InvalidRequest) as caught:
        query(spec)
    assert len(caught.value.problems) == 3


def test_asked_sums_a_class_over_all_groups():
    ports = tuple(Requested(requester_id=name, resources={"X": 3}) for name in "ab")
    assert asked(query(spec_of(requested_resources=ports))) == {"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 20, "X": 6}
