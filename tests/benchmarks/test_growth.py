"""The curves that are measured, how they are fitted, and what the page says of the last run."""

import re

import pytest

from benchmarks.growth import curves, memory, ours, results
from benchmarks.growth.parts import measured
from benchmarks.growth.whole import service
from scheduler.filters.registry import BUILT_IN
from tests.architecture.source import ROOT

TINY = curves.Sizes(hosts=(8, 16), batches=(1, 4), fleets=(16, 32), filters=(1, 22))
SIZES = curves.Sizes()
COSTS_PER_HOST = {
    "take a snapshot of the facts",
    "decode the answer",
    "make the host table",
    "put down what a replay needs",
    "rank the hosts for one instance",
    "a whole request",
    "peak memory of a whole request",
}


def curve(power: float, fixed: float = 0.0, unit: str = "ms") -> results.Curve:
    costs = tuple(fixed + 0.001 * size**power for size in SIZES.hosts)
    return results.Curve(name="it", against="hosts", unit=unit, sizes=SIZES.hosts, costs=costs)


@pytest.mark.parametrize("power", [0.5, 1.0, 1.3, 2.0])
def test_the_exponent_of_a_power_is_that_power(power: float) -> None:
    assert curve(power).exponent == pytest.approx(power, abs=0.001)


def test_what_every_request_costs_does_not_hide_that_the_rest_grows_too_fast() -> None:
    assert curve(1.5, fixed=50.0).exponent > results.LIMIT


def test_what_grows_faster_than_linear_is_told() -> None:
    flat, steep = curve(1.0), curve(1.3)
    growth = results.Growth(samples=7, machine="m", curves=(flat, steep))
    assert growth.too_steep == [steep]
    assert [row.split(" | ")[-1] for row in results.table(growth).splitlines()[4:6]] == ["yes |", "NO |"]


@pytest.mark.parametrize(("part", "many"), [("hosts", 6), ("instances", 7), ("filters", 2), ("memory", 1)])
def test_every_part_is_measured(part: str, many: int) -> None:
    found = measured(part, TINY, 1, lambda _: None)
    assert len({one.name for one in found}) == len(found) == many
    assert all(cost > 0 for one in found for cost in one.costs)


def test_the_figures_that_are_kept_are_of_every_curve_and_on_the_page() -> None:
    kept = results.kept()
    assert {one.name for one in kept.curves if one.against == "hosts"} == COSTS_PER_HOST
    assert len(kept.curves) == 16
    assert {one.sizes for one in kept.curves if one.against == "hosts"} == {SIZES.hosts}
    assert {one.sizes for one in kept.curves if one.against == "instances"} == {SIZES.batches}
    assert {one.sizes[-1] for one in kept.curves if one.against == "filters"} == {len(BUILT_IN)}
    assert kept.samples >= 7
    page = results.PAGE.read_text(encoding="utf-8")
    assert results.within(page, kept) == page


def test_a_curve_that_is_too_steep_is_named_with_the_reason() -> None:
    page = results.PAGE.read_text(encoding="utf-8")
    steeper = page.partition("## Steeper\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\* \*\*(.+?)\*\*", steeper, re.M)) == {one.name for one in results.kept().too_steep}


def test_the_picture_is_small_and_on_the_page() -> None:
    assert results.IMAGE.stat().st_size < 80 << 10
    assert f"({results.IMAGE.relative_to(ROOT / 'docs')})" in results.PAGE.read_text(encoding="utf-8")


def test_what_is_kept_of_requests_that_are_over_is_bounded() -> None:
    kept = memory.kept((100, 300), 4, bound=5)
    assert round(kept.mib[1] - kept.mib[0], 2) <= 0.05  # a quarter of a KiB a request; what is in flight comes and goes


@pytest.mark.parametrize("instances", [1, 40])
@pytest.mark.parametrize("hosts", [20, 200])
def test_a_request_costs_three_calls_whatever_its_size(hosts: int, instances: int) -> None:
    with service(ours.fleet_of(hosts)) as running:
        running.place(ours.request(), instances)
        assert running.placement.calls == 3
