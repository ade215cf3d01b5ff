"""The filters of how busy a host is, of isolation, of metrics, and the one that removes nothing."""

from typing import Any

import pytest

from scheduler.hosts import HostTable
from scheduler.model import Image
from scheduler.settings import MetricsSettings
from tests.filters.asking import made, passing
from tests.hosts.fleets import Node, row_of, table, uid

BUSY = (
    Node("idle"),
    Node("busy", facts={"instances": (uid("1"), uid("2")), "num_io_ops": 2}),
    Node("stranger", known=False),
)


def with_one_more(hosts: HostTable, name: str) -> HostTable:
    row = row_of(hosts, name)
    return hosts.with_claim(row, int(hosts.fitting(row)[0]), uid("new"))


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("NumInstancesFilter", "max_instances_per_host"),
        ("AggregateNumInstancesFilter", "max_instances_per_host"),
        ("IoOpsFilter", "max_io_ops_per_host"),
        ("AggregateIoOpsFilter", "max_io_ops_per_host"),
    ],
)
def test_a_host_at_its_limit_is_out_and_the_batch_counts(name: str, option: str) -> None:
    hosts = table(*BUSY, provider_names={uid("stranger"): "stranger"})
    assert passing(made(name, **{option: 3}), hosts) == {"idle", "busy", "stranger"}
    assert passing(made(name, **{option: 2}), hosts) == {"idle", "stranger"}
    assert passing(made(name, **{option: 3}), with_one_more(hosts, "busy")) == {"idle", "stranger"}
    assert passing(made(name, **{option: 1}), with_one_more(hosts, "stranger")) == {"idle"}


def test_no_host_passes_a_limit_of_nothing() -> None:
    assert passing(made("IoOpsFilter", max_io_ops_per_host=0), table(*BUSY)) == set()


ISOLATED, OPEN = {"kept"}, {"open", "KEPT"}


@pytest.mark.parametrize(
    ("image", "settings", "names"),
    [
        (None, {}, ISOLATED | OPEN),
        (Image(id="i"), {"isolated_hosts": ("kept",)}, OPEN),
        (Image(id="i"), {"isolated_hosts": ("kept",), "restrict": False}, ISOLATED | OPEN),
        (Image(id="i"), {"isolated_hosts": ("kept",), "isolated_images": ("i",)}, ISOLATED),
        (Image(id="j"), {"isolated_hosts": ("kept",), "isolated_images": ("i",)}, OPEN),
        (None, {"isolated_hosts": ("kept",), "isolated_images": ("i",)}, OPEN),
        (Image(), {"isolated_hosts": ("kept",), "isolated_images": ("i",)}, OPEN),
        (Image(id="i"), {"isolated_images": ("i",)}, set()),
        (Image(id="i"), {"isolated_hosts": ("kept",), "isolated_images": ("i",), "restrict": False}, ISOLATED),
        (Image(id="j"), {"isolated_hosts": ("kept",), "isolated_images": ("i",), "restrict": False}, ISOLATED | OPEN),
        (None, {"isolated_hosts": ("kept",), "isolated_images": ("i",), "restrict": False}, ISOLATED | OPEN),
    ],
)
def test_isolation(image: Image | None, settings: dict[str, Any], names: set[str]) -> None:
    """Nova's matrix; host names are compared exactly, and no image is no isolated image."""
    given = {**settings, "restrict_isolated_hosts_to_isolated_images": settings.get("restrict", True)}
    given.pop("restrict", None)
    hosts = table(Node("kept"), Node("open"), Node("KEPT"))
    assert passing(made("IsolatedHostsFilter", **given), hosts, image=image) == names


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ((), {"none", "one", "two", "stranger"}),
        (("m1",), {"one", "two"}),
        (("m1", "m2"), {"two"}),
        (("m2", "m1"), {"two"}),
        (("m3",), set()),
    ],
)
def test_a_host_reports_every_metric_that_weighs(wanted: tuple[str, ...], names: set[str]) -> None:
    """Whatever its value is; 0 is a value."""
    hosts = table(
        Node("none"),
        Node("one", facts={"metrics": {"m1": 0.0}}),
        Node("two", facts={"metrics": {"m1": -1.0, "m2": 2.0}}),
        Node("stranger", known=False),
        provider_names={uid("stranger"): "stranger"},
    )
    settings = MetricsSettings(weight_setting=tuple((name, 0.0) for name in wanted))
    assert passing(made("MetricsFilter", settings), hosts) == names


def test_all_hosts() -> None:
    assert passing(made("AllHostsFilter"), table(*BUSY)) == {"idle", "busy", str(uid("stranger"))}
