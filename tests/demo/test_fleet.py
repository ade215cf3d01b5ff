"""The fleet is the cluster's, one host in ten."""

import csv
import os
from collections import Counter
from pathlib import Path

import pytest

from demo.fleet import HOSTS, fleet, gpu_trait, sample
from demo.shapes import NodeShape, node_shapes, request_shapes
from tests.architecture.source import ROOT

TRACES = Path(os.environ.get("PLACEMENT_SCHEDULER_TRACES", ROOT / "../shared/traces")) / "openb"


def test_the_cluster_has_1523_machines_of_27_shapes() -> None:
    assert len(node_shapes()) == 27
    assert sum(shape.count for shape in node_shapes()) == 1523


def test_the_trace_has_8152_requests_of_151_shapes() -> None:
    assert len(request_shapes()) == 151
    assert sum(shape.count for shape in request_shapes()) == 8152


@pytest.mark.parametrize(("file", "trace"), [("node_shapes.csv", "nodes.csv"), ("request_shapes.csv", "pods.csv")])
def test_the_shapes_are_those_of_the_trace(file: str, trace: str) -> None:
    if not (TRACES / trace).exists():
        pytest.skip(f"no trace: {trace} is not below PLACEMENT_SCHEDULER_TRACES")
    ours = list(csv.DictReader((ROOT / "demo" / file).read_text().splitlines()))
    columns = [name for name in ours[0] if name != "count"]
    theirs = Counter(tuple(row[name] for name in columns) for row in csv.DictReader((TRACES / trace).open()))
    assert {tuple(row[name] for name in columns): int(row["count"]) for row in ours} == theirs


def test_the_fleet_has_152_hosts_and_every_shape() -> None:
    hosts = fleet()
    shapes = {(tuple(host.inventory.items()), host.traits) for host in hosts}
    assert len(hosts) == HOSTS == 152
    assert len(shapes) == 27
    assert len({host.uuid for host in hosts}) == len({host.name for host in hosts}) == 152


def test_the_fleet_is_the_same_every_time() -> None:
    assert fleet() == fleet()


def test_shapes_are_sampled_in_proportion() -> None:
    """No shape with a whole share gets more than one host away from it."""
    for shape, hosts in sample(node_shapes(), HOSTS):
        share = shape.count * HOSTS / 1523
        assert abs(hosts - share) < 1 or (share < 1 and hosts == 1)


def test_the_largest_remainders_get_what_is_left() -> None:
    shapes = [NodeShape(count, 1000, 1, 0, "") for count in (50, 27, 23)]
    assert [hosts for _, hosts in sample(shapes, 9)] == [5, 2, 2]


def test_hosts_with_gpus_carry_their_model_and_the_others_nothing() -> None:
    for host in fleet():
        model = host.name.rpartition("-")[0].upper()
        assert host.traits == ((gpu_trait(model),) if "PGPU" in host.inventory else ())


def test_racks_are_full_and_mixed() -> None:
    hosts_of = Counter(host.rack.uuid for host in fleet())
    models = {rack: {host.traits for host in fleet() if host.rack.uuid == rack} for rack in hosts_of}
    assert len(hosts_of) == 10
    assert set(hosts_of.values()) == {15, 16}
    assert all(len(kinds) > 2 for kinds in models.values())
