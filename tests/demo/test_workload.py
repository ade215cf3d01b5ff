"""The requests are a repeatable mixture of the real shapes."""

from collections import Counter
from itertools import islice

import pytest

from demo.fleet import fleet, gpu_trait
from demo.shapes import node_shapes, request_shapes
from demo.workload import Job, workload

HOSTS = fleet()
RACKS = {host.rack.uuid for host in HOSTS}


@pytest.fixture(scope="module")
def jobs() -> list[Job]:
    return list(islice(workload(1, HOSTS), 500))


def test_the_same_seed_draws_the_same_jobs(jobs: list[Job]) -> None:
    assert list(islice(workload(1, HOSTS), 500)) == jobs


def test_another_seed_draws_other_jobs(jobs: list[Job]) -> None:
    assert next(workload(2, HOSTS)) != jobs[0]


def test_every_kind_is_among_500(jobs: list[Job]) -> None:
    kinds = Counter(job.kind for job in jobs)
    assert set(kinds) == {"single", "batch", "anti-affinity", "affinity", "joins a group"}
    assert kinds["single"] > 350


def test_instances_and_requests_are_never_drawn_twice(jobs: list[Job]) -> None:
    instances = [instance for job in jobs for instance in job.instances]
    assert len(set(instances)) == len(instances)
    assert len({job.request_id for job in jobs}) == len(jobs)


def test_a_request_is_for_as_many_instances_as_it_names(jobs: list[Job]) -> None:
    assert all(job.spec.num_instances == len(job.instances) for job in jobs)


def test_batches_are_of_2_to_16() -> None:
    sizes = {len(job.instances) for job in islice(workload(1, HOSTS), 3000) if job.kind == "batch"}
    assert sizes == set(range(2, 17))


def test_flavors_have_the_size_of_real_requests(jobs: list[Job]) -> None:
    real = {(shape.vcpus, shape.memory_mib, shape.num_gpu) for shape in request_shapes()}
    drawn = {(job.spec.flavor.vcpus, job.spec.flavor.memory_mb, _gpus(job)) for job in jobs}
    assert drawn <= real


def test_shapes_come_as_often_as_in_the_trace(jobs: list[Job]) -> None:
    """The most frequent of 151 shapes is 1047 of 8152 requests, 13 in a hundred."""
    commonest, times = Counter(job.spec.flavor.memory_mb for job in jobs).most_common(1)[0]
    assert commonest == request_shapes()[0].memory_mib
    assert 0.1 < times / len(jobs) < 0.3


def test_a_wanted_model_exists_with_as_many_gpus(jobs: list[Job]) -> None:
    most = {gpu_trait(shape.model): shape.gpu for shape in sorted(node_shapes(), key=lambda shape: shape.gpu)}
    wanted = [(trait, _gpus(job)) for job in jobs for trait in _traits(job)]
    assert wanted
    assert all(gpus <= most[trait] for trait, gpus in wanted)


def test_wanted_racks_exist(jobs: list[Job]) -> None:
    destinations = [job.spec.requested_destination for job in jobs if job.spec.requested_destination]
    racks = {rack for destination in destinations for alternatives in destination.aggregates for rack in alternatives}
    assert racks
    assert racks <= RACKS


def test_a_new_group_holds_its_own_instances(jobs: list[Job]) -> None:
    for job in jobs:
        if job.kind in ("affinity", "anti-affinity"):
            assert (job.spec.instance_group.policy, job.spec.instance_group.members) == (job.kind, job.instances)


def test_who_joins_a_group_finds_everybody_who_came_before(jobs: list[Job]) -> None:
    members: set = set()
    for job in jobs:
        if job.kind == "joins a group":
            assert set(job.spec.instance_group.members) - set(job.instances) <= members
            assert len(job.spec.instance_group.members) > 2
        members.update(job.instances if job.spec.instance_group else ())


def test_a_job_learns_the_hosts_of_its_group(jobs: list[Job]) -> None:
    joining = next(job for job in jobs if job.kind == "joins a group")
    first, second, *_ = joining.spec.instance_group.members
    known = joining.knowing({first: "g2-000", second: "t4-060"})
    assert known.spec.instance_group.hosts == ("g2-000", "t4-060")


def test_a_job_without_a_group_stays_as_it_is(jobs: list[Job]) -> None:
    single = next(job for job in jobs if job.kind == "single")
    assert single.knowing({}) is single


def _gpus(job: Job) -> int:
    return int(job.spec.flavor.extra_specs.get("resources:PGPU", 0))


def _traits(job: Job) -> list[str]:
    return [key.partition(":")[2] for key, value in job.spec.flavor.extra_specs.items() if value == "required"]
