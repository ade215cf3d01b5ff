"""The benchmark measures every rule there is, and the pages say what it found."""

import re
from pathlib import Path

import pytest

from benchmarks import fleet, results
from benchmarks.ours import answered_anew, facts_anew, rules, table
from benchmarks.peer import peer
from benchmarks.rules import SIZES, measured
from scheduler.filters.registry import BUILT_IN as FILTERS
from scheduler.filters.requested import ALWAYS
from scheduler.weighers.registry import BUILT_IN as WEIGHERS
from tests.architecture.source import ROOT

HOSTS = 64
SLOW_MS = 1.0
PASS_ALL = {"AllHostsFilter", "RoomFilter", "NumInstancesFilter", "MetricsFilter"}
NAMES = [kind.name for kind in (*ALWAYS, *(one.kind for one in FILTERS), *(one.kind for one in WEIGHERS))]


@pytest.fixture(scope="module")
def hosts():
    return table(HOSTS)


def test_every_rule_is_measured() -> None:
    told: list[str] = []
    found = measured((8,), 1, None, lambda figure: told.append(figure.rule))
    assert told == [figure.rule for figure in found.figures] == NAMES
    assert all(figure.request > 0 and figure.nova is None for figure in found.figures)


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.kind == "filter"], ids=lambda rule: rule.name)
def test_a_filter_has_something_to_judge(rule, hosts) -> None:
    answer = rule.ask(hosts)
    assert answer.any()
    assert answer.all() == (rule.name in PASS_ALL)


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.kind == "weigher"], ids=lambda rule: rule.name)
def test_a_weigher_has_something_to_weigh(rule, hosts) -> None:
    """All of this fleet are weighed alike by properties of images, which are counted host by host all the same."""
    raw = rule.ask(hosts).raw
    assert raw.any()
    assert (raw.max() > raw.min()) == (rule.name not in {"ImagePropertiesWeigher", "NumInstancesWeigher"})


def test_another_answer_and_other_facts_say_the_same(hosts) -> None:
    for rule in rules():
        if rule.kind == "filter":
            told = rule.ask(hosts).tolist()
            assert rule.ask(answered_anew(hosts)).tolist() == told
            assert rule.ask(facts_anew(hosts)).tolist() == told


def test_another_answer_has_found_out_nothing(hosts) -> None:
    hosts.has_trait("X")
    assert "_trait_masks" in vars(hosts.offers)
    assert "_trait_masks" not in vars(answered_anew(hosts).offers)


def test_the_fleet_is_as_the_page_says() -> None:
    page = results.PAGE.read_text(encoding="utf-8")
    (host,) = fleet.hosts(1)
    assert len(fleet.TRAITS) == 40
    assert (len(host["instances"]), len(host["aggregates"]), fleet.CARDS) == (30, 3, 2)
    assert "40 traits and two cards a host, 30 instances a\nhost, three aggregates for each" in page


def test_without_nova_nothing_is_asked(tmp_path: Path) -> None:
    with peer(tmp_path / "python") as nobody:
        assert nobody is None


def test_a_rule_that_takes_nova_long_is_not_asked_again(tmp_path: Path) -> None:
    stub = tmp_path / "python"
    stub.write_text("""#!/bin/sh\necho noise; echo ready; while read line; do echo '{"seconds": 7.0}'; done\n""")
    stub.chmod(0o700)
    with peer(stub) as nova:
        assert nova is not None
        assert [nova.seconds(rule) for rule in ("SlowFilter", "SlowFilter", "OtherFilter")] == [7.0, None, 7.0]


def test_the_figures_that_are_kept_are_of_every_rule_and_on_the_page() -> None:
    kept = results.kept()
    assert [(one.rule, one.hosts) for one in kept.figures] == [(name, size) for size in SIZES for name in NAMES]
    assert kept.samples >= 7
    page = results.PAGE.read_text(encoding="utf-8")
    assert results.within(page, kept) == page


@pytest.mark.parametrize("figure", results.kept().figures, ids=lambda figure: f"{figure.rule}-{figure.hosts}")
def test_a_rule_that_is_slow_is_named_with_the_reason(figure) -> None:
    page = (ROOT / "docs" / f"{figure.kind}s.md").read_text(encoding="utf-8")
    cost = page.partition("## Cost\n")[2].partition("\n## ")[0]
    named = re.findall(r"^\* `(\w+)`", cost, re.M)
    assert figure.hosts < 10_000 or figure.request < SLOW_MS or figure.rule in named
