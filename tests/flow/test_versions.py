"""The whole flow at every microversion that a server may be limited to."""

import tempfile
from pathlib import Path
from uuid import uuid4

import pytest

from placement_client.testing import MockPlacement
from scheduler import Flavor, InvalidRequest, RequestSpec, SchedulingUnavailable, build, load_config
from tests.flow.fleet import CONTEXT, FAST_CLAIMS, SPEC, add_hosts


def scheduler_at(mock: MockPlacement):
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "scheduler.ini"
        file.write_text(mock.ini() + FAST_CLAIMS)
        return build(load_config(str(file)), http_adapter=mock.faults)


@pytest.mark.parametrize("minor", range(28, 40))
def test_a_batch_is_placed_at_every_microversion_from_1_28(minor):
    mock = MockPlacement(max_version=minor)
    client = mock.client()
    hosts = add_hosts(client, 2, vcpus=4)
    instances = [uuid4() for _ in range(4)]
    with scheduler_at(mock) as scheduler:
        answer = scheduler.select_destinations(CONTEXT, SPEC, instances)
        assert scheduler.record().microversion == f"1.{minor}"
    assert {selections[0].allocation_request_version for selections in answer} == {f"1.{minor}"}
    for host in hosts:
        assert client.get_provider_usages(host).usages["VCPU"] == 4
    assert all(client.get_allocations(instance).project_id == "tenant" for instance in instances)


def test_a_server_below_1_28_is_an_outage_that_says_so():
    with scheduler_at(MockPlacement(max_version=27)) as scheduler:
        with pytest.raises(SchedulingUnavailable) as caught:
            scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
        assert caught.value.reason == "version_refused"


def test_what_an_old_server_cannot_be_asked_is_refused_by_name_and_never_dropped():
    mock = MockPlacement(max_version=30)
    add_hosts(mock.client(), 1)
    spec = RequestSpec(
        flavor=Flavor(vcpus=1, memory_mb=64), project_id="tenant", user_id="somebody", root_required=("HW_CPU_X86_AVX",)
    )
    with scheduler_at(mock) as scheduler, pytest.raises(InvalidRequest, match=r"needs microversion 1\.35, not 1\.30"):
        scheduler.select_destinations(CONTEXT, spec, [uuid4()])
