"""The table of weighers in the documentation is that of the code."""

import re
from collections.abc import Iterator
from inspect import getdoc
from typing import Any

from scheduler.hosts.offers import FREE
from scheduler.settings import MetricsSettings, WeigherSettings
from scheduler.weighers import ColumnWeigher, Weighed, load_weighers
from scheduler.weighers.registry import built_in
from tests.architecture.source import ROOT

TEXT = (ROOT / "docs" / "weighers.md").read_text()


def said(method: Any) -> str:
    """Return what a method returns, in the words of the first sentence of its docstring."""
    return (getdoc(method) or "").split("\n")[0].removeprefix("Return ").removesuffix(".")


def counted(weigher: Any) -> str:
    """Return what a weigher counts: its column, or what its score says."""
    if isinstance(weigher, ColumnWeigher):
        kind, name = weigher.column
        return f"the free {name}" if kind == FREE else f"the fact `{name}`, 0 where there are no facts"
    return said(weigher.score)


def rows() -> Iterator[str]:
    """Yield the rows of the table, in the order in which the weighers are enabled."""
    for one in load_weighers(WeigherSettings(), MetricsSettings()):
        yield row(one)


def row(one: Weighed) -> str:
    weigher: Any = one.weigher
    option = one.key if one.key != "metrics_weight_multiplier" else "[metrics] weight_multiplier"
    cells = (f"`{weigher.name}`", f"`{option}`", f"{one.multiplier}", counted(weigher), said(weigher.bounded))
    return f"| {' | '.join(cells)} |"


def test_the_table_is_that_of_the_code() -> None:
    assert re.findall(r"^\| `.*Weigher`.*\|$", TEXT, re.MULTILINE) == list(rows())


def test_every_built_in_weigher_is_enabled_by_default_as_all_of_novas_are() -> None:
    settings = WeigherSettings()
    assert list(built_in(settings, MetricsSettings())) == list(settings.enabled_weighers)
