"""Extra specs about request groups mean what Nova and Placement mean by them."""

from uuid import UUID

import pytest

from scheduler.model.extra_specs import droppable, understand
from scheduler.model.group_specs import FlavorGroup

A1, A2, A3 = (UUID(int=number) for number in (1, 2, 3))


def sets(*groups: object) -> frozenset[frozenset[object]]:
    return frozenset(frozenset(group) for group in groups)


@pytest.mark.parametrize(
    ("key", "value", "suffix", "group"),
    [
        ("resources:VCPU", "2", "", FlavorGroup(resources={"VCPU": 2})),
        ("resources_N:VGPU", "0", "_N", FlavorGroup(resources={"VGPU": 0})),
        ("trait:A", "required", "", FlavorGroup(required=frozenset({"A"}))),
        ("trait1:A", "forbidden", "1", FlavorGroup(forbidden=frozenset({"A"}))),
        ("required", "in:A,B", "", FlavorGroup(any_of=sets("AB"))),
        ("required_N", "in:A,B  in:C", "_N", FlavorGroup(any_of=sets("AB", "C"))),
        ("member_of", str(A1), "", FlavorGroup(member_of=sets([A1]))),
        ("member_of", str(A1).upper(), "", FlavorGroup(member_of=sets([A1]))),
        ("member_of_N", f"in:{A1},{A2} {A3}", "_N", FlavorGroup(member_of=sets([A1, A2], [A3]))),
        ("member_of", f"!{A1} !in:{A2},{A3}", "", FlavorGroup(forbidden_aggregates=frozenset({A1, A2, A3}))),
        ("in_tree", str(A1), "", FlavorGroup(in_tree=A1)),
        ("in_tree-7", str(A1), "-7", FlavorGroup(in_tree=A1)),
    ],
)
def test_a_term_is_about_the_group_of_its_suffix(key, value, suffix, group):
    found = understand({key: value})
    assert found.problems == ()
    assert found.groups == {suffix: group}


def test_the_terms_of_a_group_come_together():
    found = understand({"resources1:VGPU": "1", "trait1:A": "required", "trait1:B": "required", "in_tree1": str(A1)})
    assert found.groups == {"1": FlavorGroup({"VGPU": 1}, required=frozenset("AB"), in_tree=A1)}


def test_what_holds_for_the_whole_request_is_understood():
    found = understand({"root_required": "A,!B,C,!D", "same_subtree": "_a,_b  _c,_d", "group_policy": "isolate"})
    assert found.problems == ()
    assert (found.root_required, found.root_forbidden) == ({"A", "C"}, {"B", "D"})
    assert found.same_subtree == (("_a", "_b"), ("_c", "_d"))
    assert (found.group_policy, found.groups) == ("isolate", {})


def test_a_misfit_says_nothing_about_its_group():
    found = understand({"resources:VCPU": "many", "trait:A": "required", "member_of": "rack"})
    assert found.groups == {"": FlavorGroup(required=frozenset("A"))}
    assert set(found.misfits) == {"resources:VCPU", "member_of"}


def test_only_what_nova_drops_too_may_be_dropped():
    """Nova ignores malformed and unknown extra specs; those it places by, and those it fails at, are no such ones."""
    dropped = {"resources:VCPU": "-1", "trait:A": "maybe", "group_policy": "some", "made:up": "1", "resource:X": "1"}
    kept = {"hw:numa_nodes": "2", "pci_passthrough:alias": "a", "hw:cpu_policy": "pinned", "hw:maxphysaddr_bits": "x"}
    assert set(droppable(dropped | kept | {"trait:B": "required"})) == set(dropped)
