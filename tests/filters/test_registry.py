"""Every filter can be named, says why it removes, and is on the page as it is."""

import re

import pytest

from scheduler.explain.reasons import FILTERS
from scheduler.filters import CandidateFilter, once_per_request, runs_on_rebuild
from scheduler.filters.registry import built_in
from scheduler.settings import FilterSettings
from tests.architecture.source import ROOT
from tests.filters.asking import made

PAGE = (ROOT / "docs" / "filters.md").read_text(encoding="utf-8")
NAMES = sorted(built_in(FilterSettings()))


def rows() -> list[tuple[str, list[str]]]:
    """Return the name and the other cells of each row of the page's table."""
    lines = [line.split(" | ") for line in re.findall(r"^\| (`.*) \|$", PAGE, re.M)]
    return [(name.strip("`"), cells) for name, *cells in lines]


def test_the_page_has_every_filter_and_no_other() -> None:
    assert sorted(name for name, _ in rows()) == NAMES


@pytest.mark.parametrize(("name", "cells"), rows())
def test_the_page_says_of_a_filter_what_it_is(name: str, cells: list[str]) -> None:
    plugin, (reads, once, rebuild, reason) = made(name), cells
    assert (once == "yes", rebuild == "yes") == (once_per_request(plugin), runs_on_rebuild(plugin))
    assert reason == f"`{plugin.reason}`"
    assert all(f"`{hint}`" in reads for hint in getattr(plugin, "hints", ()))
    assert ("judges candidates" in reads) is isinstance(plugin, CandidateFilter)


@pytest.mark.parametrize("name", NAMES)
def test_a_filter_bears_its_name_and_its_reason_has_words(name: str) -> None:
    plugin = made(name)
    assert plugin.name == name
    assert plugin.reason in FILTERS


def test_once_and_rebuild_are_those_of_nova() -> None:
    """From section 2 of Nova's filters: which run for the first instance only, and which when one is built again."""
    every_instance = {
        *("ServerGroupAntiAffinityFilter", "ServerGroupAffinityFilter", "JsonFilter", "NumInstancesFilter"),
        *("AggregateNumInstancesFilter", "IoOpsFilter", "AggregateIoOpsFilter", "MetricsFilter"),
        "TopologySpreadFilter",
    }
    rebuild = {"ImagePropertiesFilter", "AggregateImagePropertiesIsolation", "IsolatedHostsFilter"}
    assert {name for name in NAMES if not once_per_request(made(name))} == every_instance
    assert {name for name in NAMES if runs_on_rebuild(made(name))} == rebuild
