"""Hosts with many like devices, of which a request takes several: 40,320 ways a host, tried by Placement one by one."""

import time
from uuid import uuid4

import pytest
from msgspec import structs

from placement_client.client import PlacementClient
from placement_client.models import Inventory
from placement_client.testing import PlacementServer, RealPlacement
from scheduler import FilterScheduler, Flavor, SchedulingUnavailable, build, load_config
from scheduler.explain import in_words
from tests.flow.fleet import CONTEXT, FAST_CLAIMS, SPEC, reservations, scheduler_on

DEVICES = 8
BOUNDED = {
    "placement": {
        "max_allocation_candidates": "300",
        "allocation_candidates_generation_strategy": "breadth-first",
    },
    "workarounds": {"optimize_for_wide_provider_trees": "true"},
}


def add_wide_hosts(client: PlacementClient, count: int) -> None:
    """Create hosts with eight devices each, every device a provider of its own."""
    client.create_resource_class("CUSTOM_GPU")
    for number in range(count):
        root = uuid4()
        client.create_resource_provider(f"wide{number}", root)
        client.set_inventories(root, 0, {"VCPU": Inventory(total=64), "MEMORY_MB": Inventory(total=65536)})
        for device in range(DEVICES):
            below = uuid4()
            client.create_resource_provider(f"wide{number}-{device}", below, root)
            client.set_inventories(below, 0, {"CUSTOM_GPU": Inventory(total=1)})


GROUPS = {f"resources{number}:CUSTOM_GPU": "1" for number in range(1, DEVICES + 1)}
EIGHT = structs.replace(SPEC, flavor=Flavor(vcpus=2, memory_mb=512, extra_specs={**GROUPS, "group_policy": "none"}))


def test_a_server_that_is_bounded_answers_and_every_host_is_offered():
    with RealPlacement(BOUNDED) as real:
        add_wide_hosts(real.client(), 3)
        with scheduler_on(real) as scheduler:
            taken = {scheduler.select_destinations(CONTEXT, EIGHT, [uuid4()])[0][0].service_host for _ in range(3)}
            assert taken == {"wide0", "wide1", "wide2"}
            assert scheduler.record().rounds[0].candidates == 300


@pytest.fixture
def unbounded(postgres_server):
    """Give a Placement with default options and three processes, which are killed while they still compute."""
    url = postgres_server.create_database(f"wide_{uuid4().hex}", driver="psycopg2")
    with PlacementServer(url, workers=3) as server:
        add_wide_hosts(server.client(), 2)
        yield server


def scheduler_of(server: PlacementServer, tmp_path, placement: str = "") -> FilterScheduler:
    ini = tmp_path / "scheduler.ini"
    ini.write_text(f"{server.ini()}{placement}\n{FAST_CLAIMS}")
    scheduler = build(load_config(str(ini)))
    scheduler.placement.negotiate()
    scheduler.hosts.snapshot()
    return scheduler


def unavailable(scheduler: FilterScheduler, deadline: float) -> tuple[SchedulingUnavailable, float]:
    began = time.monotonic()
    with pytest.raises(SchedulingUnavailable) as caught:
        scheduler.select_destinations(CONTEXT, EIGHT, [uuid4()], deadline=deadline)
    return caught.value, time.monotonic() - began


def test_a_server_that_is_not_bounded_costs_a_request_its_deadline_and_says_what_to_set(unbounded, tmp_path):
    with scheduler_of(unbounded, tmp_path) as scheduler:
        error, took = unavailable(scheduler, 2.0)
        record = scheduler.record()
    assert 1.9 < took < 5.0
    assert (error.reason, record.reason) == ("deadline_exceeded", "deadline_exceeded")
    assert "max_allocation_candidates and optimize_for_wide_provider_trees" in record.detail
    assert record.detail in in_words(record)
    assert "max_allocation_candidates" not in str(error)


def test_a_question_that_takes_long_is_not_asked_a_third_time(unbounded, tmp_path):
    with scheduler_of(unbounded, tmp_path, "read_timeout = 1\n") as scheduler:
        error, took = unavailable(scheduler, 30.0)
        record = scheduler.record()
    assert took < 15.0
    assert (error.reason, record.placement_calls) == ("answer_too_slow", 2)
    assert "max_allocation_candidates" in record.detail


def test_an_answer_that_is_too_long_is_not_read_to_its_end_and_says_so():
    with RealPlacement(BOUNDED) as real:
        add_wide_hosts(real.client(), 3)
        with scheduler_on(real, placement="max_candidates_bytes = 100000\n") as scheduler:
            with pytest.raises(SchedulingUnavailable) as caught:
                scheduler.select_destinations(CONTEXT, EIGHT, [uuid4()])
            assert caught.value.reason == "bad_answer"
            assert "longer than max_candidates_bytes" in scheduler.record().detail
        assert reservations(real.client()) == 0
