"""GET /allocation_candidates: who can serve, within provider trees."""

import pytest

from placement_client.errors import BadRequest
from placement_client.models import Inventory, ResourceSummary
from placement_client.testing import MockPlacement, RealPlacement
from tests.client.contract.fleet import Fleet, claim, group, id_of, older, traits


@pytest.fixture
def flat(fleet: Fleet) -> Fleet:
    """Three hosts without children: small, large and gpu, in two racks."""
    fleet.add("small", {"VCPU": 2, "MEMORY_MB": 1024}, ["CUSTOM_A"], ["rack1"])
    fleet.add("large", {"VCPU": 8, "MEMORY_MB": 8192}, ["CUSTOM_A", "CUSTOM_B"], ["rack1", "ssd"])
    fleet.add("gpu", {"VCPU": 8, "MEMORY_MB": 8192, "PGPU": 2}, ["CUSTOM_B", "CUSTOM_C"], ["rack2"])
    return fleet


@pytest.fixture
def tree(fleet: Fleet) -> Fleet:
    """Two hosts with children: numa0 and numa1 with CPUs below each, a NIC below numa0 of the first."""
    for host in ("h1", "h2"):
        fleet.add(host, {"MEMORY_MB": 4096, "DISK_GB": 100}, ["CUSTOM_HOST"], [f"rack-{host}"])
        fleet.add(f"{host}-numa0", {"VCPU": 4}, ["CUSTOM_FAST"], parent=host)
        fleet.add(f"{host}-numa1", {"VCPU": 4}, parent=host)
    fleet.add("h1-nic", {"SRIOV_NET_VF": 8}, ["CUSTOM_NET"], ["nics"], parent="h1-numa0")
    return fleet


def test_a_host_needs_room_for_every_class(flat: Fleet) -> None:
    """Only who has all that is asked for is a candidate."""
    assert flat.hosts(flat.find(group({"VCPU": 4, "MEMORY_MB": 2048}))) == ["gpu", "large"]
    assert flat.hosts(flat.find(group({"VCPU": 2, "PGPU": 1}))) == ["gpu"]


def test_nothing_fits(flat: Fleet) -> None:
    """That nothing fits is an answer, not an error."""
    found = flat.find(group({"VCPU": 100}))
    assert found.allocation_requests == []
    assert found.provider_summaries == {}


def test_what_is_used_is_not_there(flat: Fleet) -> None:
    """Room that others hold is not offered."""
    flat.client.put_allocations(id_of("c"), claim({"large": {"VCPU": 7}}))
    assert flat.hosts(flat.find(group({"VCPU": 2}))) == ["gpu", "small"]


def test_summaries_tell_capacity_and_use(fleet: Fleet) -> None:
    """Capacity is (total - reserved) * ratio, rounded down; every class of the provider is shown."""
    fleet.add("host", {"VCPU": Inventory(10, reserved=3, allocation_ratio=1.5), "DISK_GB": 5}, ["CUSTOM_A"])
    fleet.client.put_allocations(id_of("c"), claim({"host": {"VCPU": 4}}))
    summary = fleet.find(group()).provider_summaries[id_of("host")]
    assert summary.resources == {"VCPU": ResourceSummary(10, 4), "DISK_GB": ResourceSummary(5, 0)}
    assert summary.traits == ["CUSTOM_A"]
    assert summary.root_provider_uuid == id_of("host")
    assert summary.parent_provider_uuid is None


def test_a_capacity_that_is_not_whole_is_not_rounded_up(fleet: Fleet) -> None:
    """3 * 1.5 is 4.5: four fit, five do not."""
    fleet.add("host", {"VCPU": Inventory(3, allocation_ratio=1.5)})
    assert fleet.hosts(fleet.find(group({"VCPU": 4}))) == ["host"]
    assert fleet.hosts(fleet.find(group({"VCPU": 5}))) == []


@pytest.mark.parametrize(("amount", "fits"), [(1, False), (2, True), (3, False), (8, True), (10, False)])
def test_unit_constraints(fleet: Fleet, amount: int, fits: bool) -> None:
    """min_unit, max_unit and step_size hold for what is asked of one provider."""
    fleet.add("host", {"VCPU": Inventory(64, min_unit=2, max_unit=8, step_size=2)})
    assert bool(fleet.hosts(fleet.find(group({"VCPU": amount})))) is fits


def test_required_and_forbidden_traits(flat: Fleet) -> None:
    """All required traits are there, no forbidden one is."""
    assert flat.hosts(flat.find(group(required=traits("CUSTOM_A")))) == ["large", "small"]
    assert flat.hosts(flat.find(group(required=traits("CUSTOM_A", "CUSTOM_B")))) == ["large"]
    assert flat.hosts(flat.find(group(forbidden=frozenset({"CUSTOM_B"})))) == ["small"]
    found = flat.find(group(required=traits("CUSTOM_B"), forbidden=frozenset({"CUSTOM_A"})))
    assert flat.hosts(found) == ["gpu"]


def test_any_of_traits(flat: Fleet) -> None:
    """One of each set is enough."""
    choice = (frozenset({"CUSTOM_A", "CUSTOM_C"}), frozenset({"CUSTOM_B"}))
    assert flat.hosts(flat.find(group(required=choice))) == ["gpu", "large"]


def test_aggregates(flat: Fleet) -> None:
    """member_of is an AND of any-of sets; a negative one excludes."""
    rack1, rack2, ssd = (frozenset({id_of(name)}) for name in ("rack1", "rack2", "ssd"))
    assert flat.hosts(flat.find(group(member_of=(rack1,)))) == ["large", "small"]
    assert flat.hosts(flat.find(group(member_of=(rack1, ssd)))) == ["large"]
    assert flat.hosts(flat.find(group(member_of=(rack2 | ssd,)))) == ["gpu", "large"]
    assert flat.hosts(flat.find(group(forbidden_aggregates=rack1))) == ["gpu"]
    assert flat.hosts(flat.find(group(member_of=(rack1,), forbidden_aggregates=ssd | rack2))) == ["small"]


def test_an_unknown_aggregate_or_tree_is_an_empty_answer(flat: Fleet) -> None:
    """Nobody is a member of an aggregate that nobody named before, and no tree has an unknown provider."""
    assert flat.find(group(member_of=(frozenset({id_of("nobody")}),))).allocation_requests == []
    assert flat.find(group(in_tree=id_of("nobody"))).allocation_requests == []


def test_forbidding_an_unknown_aggregate_changes_nothing(flat: Fleet) -> None:
    """Nobody is excluded by an aggregate without members."""
    found = flat.find(group(forbidden_aggregates=frozenset({id_of("nobody")})))
    assert flat.hosts(found) == ["gpu", "large", "small"]


def test_in_tree(tree: Fleet) -> None:
    """Any provider of a tree names the tree."""
    for name in ("h2", "h2-numa1"):
        assert tree.hosts(tree.find(group(in_tree=id_of(name)))) == ["h2-numa0", "h2-numa1"]


def test_root_required(tree: Fleet) -> None:
    """What is required or forbidden of the root concerns the root alone."""
    root = tree.client.get_provider_traits(id_of("h2"))
    tree.client.create_trait("CUSTOM_SPECIAL")
    both = ["CUSTOM_HOST", "CUSTOM_SPECIAL"]
    tree.client.set_provider_traits(id_of("h2"), root.resource_provider_generation or 0, both)
    wanted = tree.find(group(), root_required=frozenset({"CUSTOM_SPECIAL"}))
    assert tree.hosts(wanted) == ["h2-numa0", "h2-numa1"]
    avoided = tree.find(group(), root_forbidden=frozenset({"CUSTOM_SPECIAL"}))
    assert tree.hosts(avoided) == ["h1-numa0", "h1-numa1"]
    assert tree.find(group(), root_required=frozenset({"CUSTOM_FAST"})).allocation_requests == []


def test_the_unsuffixed_group_spreads_over_a_tree(tree: Fleet) -> None:
    """One provider a class, any of the same tree."""
    found = tree.find(group({"VCPU": 2, "MEMORY_MB": 512}))
    assert tree.ways(found) == {
        frozenset({(f"{host}-{numa}", "VCPU", 2), (host, "MEMORY_MB", 512)})
        for host in ("h1", "h2")
        for numa in ("numa0", "numa1")
    }


def test_traits_of_the_unsuffixed_group_are_found_together(tree: Fleet) -> None:
    """The providers of a candidate have the traits together, and none has a forbidden one."""
    resources = {"VCPU": 2, "MEMORY_MB": 512}
    together = tree.find(group(resources, required=traits("CUSTOM_HOST", "CUSTOM_FAST")))
    assert tree.hosts(together) == ["h1", "h1-numa0", "h2", "h2-numa0"]
    without = tree.find(group(resources, forbidden=frozenset({"CUSTOM_FAST"})))
    assert tree.hosts(without) == ["h1", "h1-numa1", "h2", "h2-numa1"]


def test_an_aggregate_of_the_root_spans_the_tree_of_the_unsuffixed_group(tree: Fleet) -> None:
    """The unsuffixed group takes a provider whose root is a member; a suffixed group does not."""
    rack = (frozenset({id_of("rack-h1")}),)
    assert tree.hosts(tree.find(group(member_of=rack))) == ["h1-numa0", "h1-numa1"]
    assert tree.find(group({}), group(member_of=rack)).allocation_requests == []
    elsewhere = tree.find(group(forbidden_aggregates=rack[0]))
    assert tree.hosts(elsewhere) == ["h2-numa0", "h2-numa1"]


def test_a_suffixed_group_is_one_provider(tree: Fleet) -> None:
    """Resources of a suffixed group never spread."""
    assert tree.find(group({}), group({"VCPU": 1, "MEMORY_MB": 1})).allocation_requests == []
    found = tree.find(group({"MEMORY_MB": 1}), group({"VCPU": 4}, required=traits("CUSTOM_FAST")))
    assert tree.hosts(found) == ["h1", "h1-numa0", "h2", "h2-numa0"]


def test_mappings_tell_who_serves_which_group(tree: Fleet) -> None:
    """Every group of the query is mapped to its providers."""
    found = tree.find(group({"MEMORY_MB": 1}), group({"SRIOV_NET_VF": 1}))
    assert [request.mappings for request in found.allocation_requests] == [
        {"": [id_of("h1")], "1": [id_of("h1-nic")]},
    ]


def test_group_policy(tree: Fleet) -> None:
    """With isolate every suffixed group has a provider of its own; with none they may share, if both fit."""
    nobody, one, three = group({}), group({"VCPU": 1}), group({"VCPU": 3})
    isolated = tree.find(nobody, one, one, group_policy="isolate")
    assert {len(way) for way in tree.ways(isolated)} == {2}
    assert len(isolated.allocation_requests) == 4
    shared = tree.find(nobody, one, one, group_policy="none")
    assert frozenset({("h1-numa0", "VCPU", 2)}) in tree.ways(shared)
    assert len(shared.allocation_requests) == 8
    too_much = tree.find(nobody, three, three, group_policy="none")
    assert {len(way) for way in tree.ways(too_much)} == {2}


def test_isolate_where_the_unsuffixed_group_shares_a_class(
    placement: MockPlacement | RealPlacement, tree: Fleet
) -> None:
    """A defect of Placement 16: its candidates then claim more than was asked for; the mock's claim exactly that.

    It adds the amounts of groups on one provider up in place, once for each candidate that has them.
    """
    found = tree.find(group({"VCPU": 1}), group({"VCPU": 1}), group_policy="isolate")
    most = max(sum(amount for _, _, amount in way) for way in tree.ways(found))
    if isinstance(placement, RealPlacement):
        assert most > 2
    else:
        assert most == 2


def test_the_sum_of_groups_on_one_provider_keeps_max_unit(fleet: Fleet) -> None:
    """Groups that share a provider are one allocation there."""
    fleet.add("host", {"VCPU": Inventory(8, max_unit=3)})
    assert fleet.find(group({}), group({"VCPU": 2}), group({"VCPU": 2}), group_policy="none").allocation_requests == []


def test_same_subtree(tree: Fleet) -> None:
    """One of the serving providers is above all the others."""
    near = (frozenset({"1", "2"}),)
    found = tree.find(
        group({}), group({"VCPU": 1}), group({"SRIOV_NET_VF": 1}), group_policy="isolate", same_subtree=near
    )
    assert tree.hosts(found) == ["h1-nic", "h1-numa0"]
    anywhere = tree.find(group({}), group({"VCPU": 1}), group({"SRIOV_NET_VF": 1}), group_policy="isolate")
    assert tree.hosts(anywhere) == ["h1-nic", "h1-numa0", "h1-numa1"]


def test_a_group_without_resources_anchors_a_subtree(tree: Fleet) -> None:
    """A bare group picks a provider by trait, which then spans the others."""
    groups = (group({}), group({"VCPU": 1}), group({}, required=traits("CUSTOM_HOST")))
    found = tree.find(*groups, group_policy="isolate", same_subtree=(frozenset({"1", "2"}),))
    assert len(found.allocation_requests) == 4
    assert all(len(request.mappings["2"]) == 1 for request in found.allocation_requests)


def test_summaries_describe_whole_trees(tree: Fleet) -> None:
    """All providers of a serving tree are summarised, those without inventory too; other trees are not."""
    tree.add("h1-empty", parent="h1")
    found = tree.find(group({"SRIOV_NET_VF": 1}))
    assert {tree.names[uuid] for uuid in found.provider_summaries} == {
        "h1", "h1-numa0", "h1-numa1", "h1-nic", "h1-empty",
    }  # fmt: skip
    assert found.provider_summaries[id_of("h1-nic")].parent_provider_uuid == id_of("h1-numa0")
    assert found.provider_summaries[id_of("h1-empty")].resources == {}


def test_limit_bounds_candidates_and_summaries(flat: Fleet) -> None:
    """With a limit, only what the kept candidates need is summarised."""
    found = flat.find(group(), limit=2)
    assert len(found.allocation_requests) == 2
    assert {flat.names[uuid] for uuid in found.provider_summaries} == set(flat.hosts(found))
    assert len(flat.find(group(), limit=50).allocation_requests) == 3


def test_the_answer_is_the_same_twice(tree: Fleet) -> None:
    """Order is deterministic while nothing changes."""
    assert tree.find(group({"VCPU": 1, "MEMORY_MB": 1})) == tree.find(group({"VCPU": 1, "MEMORY_MB": 1}))


@pytest.mark.parametrize(
    "bad",
    [
        group({"CUSTOM_UNKNOWN": 1}),
        group(required=traits("CUSTOM_UNKNOWN")),
        group(forbidden=frozenset({"CUSTOM_UNKNOWN"})),
    ],
    ids=["class", "required", "forbidden"],
)
def test_unknown_names_are_refused(flat: Fleet, bad: object) -> None:
    """A class or trait that does not exist is 400, also where it is forbidden."""
    with pytest.raises(BadRequest):
        flat.find(bad)  # type: ignore[arg-type]


def test_an_unknown_trait_of_the_root_is_refused(flat: Fleet) -> None:
    """Also for the root, an unknown trait is 400."""
    with pytest.raises(BadRequest):
        flat.find(group(), root_required=frozenset({"CUSTOM_UNKNOWN"}))


def test_1_28_knows_no_trees(placement: MockPlacement | RealPlacement, tree: Fleet) -> None:
    """Before 1.29 no candidate spans providers of a tree, and before 1.34 there are no mappings."""
    old = Fleet(placement.client(lambda adapter: older(adapter, "1.28")))
    old.names = tree.names
    assert old.client.microversion == "1.28"
    assert old.find(group({"VCPU": 1, "MEMORY_MB": 1})).allocation_requests == []
    found = old.find(group({"MEMORY_MB": 1}))
    assert old.hosts(found) == ["h1", "h2"]
    assert {old.names[uuid] for uuid in found.provider_summaries} == {"h1", "h2"}
    assert all(summary.root_provider_uuid is None for summary in found.provider_summaries.values())
    assert all(request.mappings == {} for request in found.allocation_requests)


def test_1_34_has_mappings(placement: MockPlacement | RealPlacement, flat: Fleet) -> None:
    """From 1.34 on the groups are mapped."""
    old = Fleet(placement.client(lambda adapter: older(adapter, "1.34")))
    assert old.client.microversion == "1.34"
    assert old.find(group({"PGPU": 1})).allocation_requests[0].mappings == {"": [id_of("gpu")]}
