"""The tables of rules are those of the registries, and the registries say the truth about options."""

import re
from inspect import getsource

import pytest
from msgspec import structs

from scheduler import rules_table
from scheduler.filters.registry import BUILT_IN as FILTERS
from scheduler.filters.requested import ALWAYS, filters_for
from scheduler.model import Destination
from scheduler.prefilters import BUILT_IN as PREFILTERS
from scheduler.settings import FilterSettings, MetricsSettings, PrefilterSettings, WeigherSettings
from scheduler.weighers.registry import BUILT_IN as WEIGHERS
from tests.architecture.source import ROOT
from tests.hosts.fleets import spec

README = (ROOT / "README.md").read_text(encoding="utf-8")


def names(kind: type) -> set[str]:
    return {one.name for one in structs.fields(kind)}


def test_the_page_of_rules_is_not_stale() -> None:
    """``make sample`` writes it again."""
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == rules_table.text()


def test_the_table_of_the_readme_is_not_stale() -> None:
    assert README.count(rules_table.BEGIN) == README.count(rules_table.END) == 1
    assert rules_table.within(README) == README


def test_a_page_keeps_everything_but_its_table() -> None:
    page = f"before\n{rules_table.BEGIN}\nold\n{rules_table.END}\nafter\n"
    written = rules_table.within(page)
    assert written.startswith("before\n")
    assert written.endswith("\nafter\n")
    assert "old" not in written
    assert "| `RAMWeigher` | weigher |" in written


@pytest.mark.parametrize("one", PREFILTERS, ids=lambda one: one.name)
def test_a_prefilter_reads_the_settings_that_the_registry_names(one) -> None:
    assert set(re.findall(r"\bsettings\.(\w+)", getsource(one.rule))) == set(one.settings)


def test_every_setting_belongs_to_a_rule() -> None:
    assert names(FilterSettings) == {name for one in FILTERS for name in one.settings} - names(MetricsSettings)
    assert names(PrefilterSettings) == {name for one in PREFILTERS for name in (one.switch, *one.settings) if name}
    of_weighers = {name for one in WEIGHERS for name in (one.multiplier, *one.settings)}
    of_all = {"enabled_weighers", "weight_normalization"}
    assert names(WeigherSettings) | names(MetricsSettings) == of_weighers | of_all


def test_the_filters_that_always_run_are_those_of_the_table() -> None:
    asked = spec(force_hosts=("h",), ignore_hosts=("i",), requested_destination=Destination(host="h"))
    assert tuple(type(one) for one in filters_for((), asked)) == ALWAYS
