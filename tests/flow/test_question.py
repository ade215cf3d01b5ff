"""How a request becomes the question to Placement, in the whole flow: zones, leniency, and the second question."""

from uuid import UUID, uuid4

import pytest

from placement_client.models import Inventory
from placement_client.testing import MockPlacement
from scheduler import Flavor, InvalidRequest, NoValidHost, RequestSpec
from scheduler.explain import in_words
from scheduler.hosts import snapshot_of
from scheduler.model import AggregateFact, HostFact
from scheduler.prefilters import Refusal
from tests.flow.fleet import CONTEXT, scheduler_on

ZONE = UUID(int=77)
PINNED = {"hw:cpu_policy": "dedicated"}


@pytest.fixture
def mock():
    """Give a Placement with h0, which has PCPU and is in the zone, and h1, which has VCPU only."""
    placement = MockPlacement()
    client = placement.client()
    for number, cpus in enumerate(({"PCPU": 8, "VCPU": 8}, {"VCPU": 8})):
        host = UUID(int=number + 1)
        client.create_resource_provider(f"h{number}", host)
        amounts = {name: Inventory(total=total) for name, total in {**cpus, "MEMORY_MB": 8192}.items()}
        generation = client.set_inventories(host, 0, amounts).resource_provider_generation
        client.set_aggregates(host, generation, [ZONE] if number == 0 else [])
    return placement


class Zoned:
    """Knows both hosts, and that the aggregate of the first is a zone."""

    def snapshot(self, wanted=(), deadline=None):
        facts = [HostFact(name=f"h{number}", provider_uuid=UUID(int=number + 1)) for number in range(2)]
        zone = AggregateFact(uuid=ZONE, name="zone", metadata={"availability_zone": "az1"})
        return snapshot_of(facts, aggregates=[zone])


def spec(extra_specs: dict[str, str] | None = None, **change) -> RequestSpec:
    flavor = Flavor(vcpus=2, memory_mb=64, extra_specs=extra_specs or {})
    return RequestSpec(flavor=flavor, project_id="tenant", user_id="somebody", **change)


def placed(scheduler, request: RequestSpec, count: int = 1) -> set[str]:
    answer = scheduler.select_destinations(CONTEXT, request, [uuid4() for _ in range(count)])
    return {selections[0].service_host for selections in answer}


def test_a_zone_is_where_its_aggregate_is_and_an_unknown_one_is_nowhere(mock):
    with scheduler_on(mock, hosts=Zoned()) as scheduler:
        assert placed(scheduler, spec(availability_zone="az1"), 3) == {"h0"}
        assert placed(scheduler, spec(availability_zone="nova"), 3) == {"h1"}
        with pytest.raises(NoValidHost):
            placed(scheduler, spec(availability_zone="az9"))
        record = scheduler.record()
    assert (record.outcome, record.reason, record.placement_calls) == ("no_valid_host", "unknown_availability_zone", 0)
    assert "no aggregate is in the availability zone" in in_words(record)


def test_dedicated_cpus_are_pcpu_and_vcpu_too_only_where_the_workaround_is_not_disabled(mock):
    """Five pairs of CPUs do not fit on the PCPU of h0; the second question adds the VCPU of both hosts."""
    with scheduler_on(mock) as scheduler:
        assert placed(scheduler, spec(PINNED), 4) == {"h0"}
        with pytest.raises(NoValidHost):
            placed(scheduler, spec(PINNED))
    with scheduler_on(mock, "[workarounds]\ndisable_fallback_pcpu_query = false\n") as scheduler:
        assert placed(scheduler, spec(PINNED), 8) == {"h0", "h1"}
        record = scheduler.record()
    assert record.inputs.rules.workarounds.disable_fallback_pcpu_query is False
    held = {
        name
        for one in record.rounds[-1].instances
        for held in one.allocation.allocations.values()
        for name in held.resources
    }
    assert held == {"VCPU", "MEMORY_MB"}


MISFITS = {"resources:VGPU": "many", "made:up": "1", "trait:HW_CPU_X86_AVX": "maybe"}


def test_an_extra_spec_that_nova_would_drop_is_refused_or_dropped_with_a_warning(mock):
    with scheduler_on(mock) as scheduler, pytest.raises(InvalidRequest, match="resources:VGPU"):
        placed(scheduler, spec(MISFITS))
    with scheduler_on(mock, "[filter_scheduler]\nlenient_extra_specs = true\n") as scheduler:
        assert placed(scheduler, spec(MISFITS))
        record = scheduler.record()
        with pytest.raises(InvalidRequest, match="hw:numa_nodes"):
            placed(scheduler, spec({"hw:numa_nodes": "2"}))
    assert [warning.split(";")[0] for warning in record.warnings] == [
        f"flavor.extra_specs['{key}']: dropped" for key in sorted(MISFITS)
    ]
    assert record.inputs.request.flavor.extra_specs == {}
    assert in_words(record).count("Warning: flavor.extra_specs[") == 3


def test_a_request_that_a_prefilter_of_others_refuses_costs_no_call_and_names_its_reason(mock):
    class FullMoon:
        name = "FullMoon"

        def narrow(self, *_):
            return Refusal("full_moon")

    from dataclasses import replace

    with scheduler_on(mock) as scheduler:
        moonlit = replace(scheduler, prefilters=(*scheduler.prefilters, FullMoon()))
        with pytest.raises(NoValidHost):
            placed(moonlit, spec())
        assert moonlit.record().reason == "full_moon"
