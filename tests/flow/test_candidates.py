"""What is asked of Placement, and which of its answers are believed."""

from uuid import UUID, uuid4

import pytest

from placement_client.errors import BadAnswer
from placement_client.models import AllocationCandidates, AllocationRequest, Inventory, ProviderSummary, Resources
from placement_client.testing import RealPlacement
from scheduler import Destination, Flavor, HostFact, RequestSpec, SchedulingUnavailable, snapshot_of
from scheduler.candidates import hosts_in, sound, targets_of
from tests.flow.fleet import CONTEXT, add_hosts, holders, scheduler_on

A, B, C = (UUID(int=number) for number in (1, 2, 3))


def request(**amounts) -> AllocationRequest:
    return AllocationRequest({UUID(int=int(name[1])): Resources({"VCPU": n}) for name, n in amounts.items()})


def test_only_candidates_that_give_exactly_what_was_asked_for_are_believed():
    exact, split, inflated = request(p1=4), request(p1=1, p2=3), request(p1=7)
    found = AllocationCandidates([exact, inflated, split], {})
    assert sound(found, {"VCPU": 4}).allocation_requests == [exact, split]
    with pytest.raises(BadAnswer, match="other amounts than were asked for"):
        sound(AllocationCandidates([inflated], {}), {"VCPU": 4})
    empty = AllocationCandidates([], {})
    assert sound(empty, {"VCPU": 4}) is empty


def test_amounts_that_nobody_asked_for_are_never_claimed():
    """Placement 16 adds up the amounts of isolated groups and the unsuffixed one when they ask for one class."""
    with RealPlacement() as real:
        client = real.client(wrap=lambda adapter: adapter)
        (root,) = add_hosts(client, 1, vcpus=64)
        for name in ("numa0", "numa1"):
            child = uuid4()
            client.create_resource_provider(name, child, root)
            client.set_inventories(child, 0, {"VCPU": Inventory(total=64)})
        extra = {"resources1:VCPU": "3", "resources2:VCPU": "4", "resources:VCPU": "2", "group_policy": "isolate"}
        spec = RequestSpec(
            flavor=Flavor(vcpus=2, memory_mb=64, extra_specs=extra), project_id="tenant", user_id="somebody"
        )
        with scheduler_on(real) as scheduler, pytest.raises(SchedulingUnavailable) as caught:
            scheduler.select_destinations(CONTEXT, spec, [uuid4()])
        assert caught.value.reason == "bad_answer"
        assert not holders(client, [provider.uuid for provider in client.list_resource_providers()])


def test_sharing_providers_are_not_counted_as_hosts():
    summaries = {
        A: ProviderSummary({}, root_provider_uuid=A),
        B: ProviderSummary({}, root_provider_uuid=A),
        C: ProviderSummary({}, traits=["MISC_SHARES_VIA_AGGREGATE"], root_provider_uuid=C),
    }
    assert hosts_in(AllocationCandidates([], summaries)) == 1


def test_targets_are_the_providers_of_the_hosts_that_a_request_names():
    facts = [HostFact(name="h1", provider_uuid=A), HostFact(name="h2", node="n2", provider_uuid=B)]
    snapshot = snapshot_of(facts)

    def targets(**changes):
        spec = RequestSpec(flavor=Flavor(vcpus=1, memory_mb=1), project_id="p", user_id="u", **changes)
        return targets_of(spec, snapshot)

    assert targets() is None
    assert targets(requested_destination=Destination(aggregates=((C,),))) is None
    assert targets(requested_destination=Destination(host="h1")) == (A,)
    assert targets(requested_destination=Destination(host="H1")) == ()
    assert targets(requested_destination=Destination(node="n2")) == (B,)
    assert targets(force_hosts=("H1", "h2")) == (A, B)
    assert targets(force_hosts=("h1", "h2"), force_nodes=("n2",)) == (B,)
    assert targets(force_hosts=("nope",)) == ()
