"""How plugins are found by name, and what happens when one misbehaves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stevedore import ExtensionManager

from scheduler.bootstrap import plugins_of
from scheduler.errors import InvalidRequest, InvalidSettings, PluginFailed
from scheduler.filters import load_filters
from scheduler.model import Rules
from scheduler.selection import weigh_hosts
from scheduler.selection.plugins import judged, scored
from scheduler.settings import DEFAULT_FILTERS, DEFAULT_WEIGHERS, FilterSettings, WeigherSettings
from scheduler.weighers import ColumnWeigher, Weighed, load_weighers
from tests.hosts.fleets import Node, spec, table

HOSTS = table(Node("a"), Node("b"))

MODULE = """
import numpy as np

class EvenFilter:
    name = "EvenFilter"
    reason = "odd"
    def passes(self, request, hosts):
        return np.arange(len(hosts)) % 2 == 0

class Nameless:
    reason = "none"

class Misnamed(EvenFilter):
    name = "AnotherFilter"

def broken():
    raise RuntimeError("secret")

class HeavyWeigher:
    name = "HeavyWeigher"
    multiplier = 2.5
    multiplier_key = "heavy_weight_multiplier"
    def score(self, request, hosts):
        return np.ones(len(hosts))

class EndlessWeigher(HeavyWeigher):
    name = "EndlessWeigher"
    multiplier = float("inf")
"""

ENTRY_POINTS = """
[placement_scheduler.filters]
EvenFilter = outside_plugins:EvenFilter
ComputeFilter = outside_plugins:EvenFilter
NamelessFilter = outside_plugins:Nameless
MisnamedFilter = outside_plugins:Misnamed
BrokenFilter = outside_plugins:broken
LostFilter = outside_plugins:gone
[placement_scheduler.weighers]
HeavyWeigher = outside_plugins:HeavyWeigher
EndlessWeigher = outside_plugins:EndlessWeigher
"""


def install(folder: Path, package: str, entry_points: str) -> None:
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a package with plugins, for this test."""
    monkeypatch.setattr(ExtensionManager, "ENTRY_POINT_CACHE", {})  # stevedore looks once a process
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "outside_plugins.py").write_text(MODULE)
    install(tmp_path / "site", "outside_plugins", ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path / "site")
    return tmp_path / "site"


def filters_named(*names: str) -> list[str]:
    return [plugin.name for plugin in load_filters(FilterSettings(enabled_filters=names))]


def refused(*names: str) -> tuple[str, ...]:
    with pytest.raises(InvalidSettings) as caught:
        filters_named(*names)
    assert caught.value.__context__ is None
    return caught.value.problems


def test_the_defaults_load_in_their_order() -> None:
    assert filters_named(*DEFAULT_FILTERS) == list(DEFAULT_FILTERS)
    assert [one.weigher.name for one in load_weighers(WeigherSettings())] == list(DEFAULT_WEIGHERS)
    assert filters_named() == []


def test_settings_reach_the_plugins() -> None:
    settings = WeigherSettings(enabled_weighers=("DiskWeigher", "RAMWeigher"), ram_weight_multiplier=-3.0)
    assert [one.multiplier for one in load_weighers(settings)] == [1.0, -3.0]


def test_unknown_and_doubled_names_are_all_told_with_what_was_meant() -> None:
    problems = refused("ComputeFiltr", "ComputeCapabilitiesFilter", "ComputeCapabilitiesFilter", "xyzzy")
    assert problems == (
        "[filter_scheduler] enabled_filters: ComputeCapabilitiesFilter is given 2 times",
        "[filter_scheduler] enabled_filters: ComputeFiltr is unknown; did you mean ComputeFilter?",
        "[filter_scheduler] enabled_filters: xyzzy is unknown",
    )


@pytest.mark.usefixtures("outside")
def test_entry_points_are_used_when_named_but_never_instead_of_a_built_in() -> None:
    loaded = load_filters(FilterSettings(enabled_filters=("EvenFilter", "ComputeFilter")))
    assert [(type(plugin).__module__, plugin.name) for plugin in loaded] == [
        ("outside_plugins", "EvenFilter"),
        ("scheduler.filters.status", "ComputeFilter"),
    ]


@pytest.mark.usefixtures("outside")
def test_a_record_tells_the_version_of_the_package_of_a_plugin_that_is_used() -> None:
    """The entry point ComputeFilter of that package is not: the built-in one comes first."""
    used = plugins_of(Rules(filters=FilterSettings(enabled_filters=("ComputeFilter", "EvenFilter"))))
    assert used.rules.versions["outside_plugins"] == "1.0"
    unused = plugins_of(Rules(filters=FilterSettings(enabled_filters=("ComputeFilter",))))
    assert set(unused.rules.versions) == {"placement-scheduler", "numpy"}


@pytest.mark.usefixtures("outside")
def test_an_outside_weigher_brings_its_multiplier() -> None:
    loaded = load_weighers(WeigherSettings(enabled_weighers=("HeavyWeigher",)))
    assert [(one.multiplier, one.key) for one in loaded] == [(2.5, "heavy_weight_multiplier")]


@pytest.mark.usefixtures("outside")
def test_a_multiplier_must_be_finite() -> None:
    with pytest.raises(InvalidSettings, match="EndlessWeigher"):
        load_weighers(WeigherSettings(enabled_weighers=("EndlessWeigher",)))


@pytest.mark.usefixtures("outside")
def test_a_weigher_without_bounded_form_cannot_be_normalised_by_it() -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_weighers(WeigherSettings(enabled_weighers=("HeavyWeigher",), weight_normalization="bounded"))
    assert caught.value.problems == ("[filter_scheduler] weight_normalization: HeavyWeigher has no bounded form",)


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("NamelessFilter", "NamelessFilter has no name and no passes"),
        ("MisnamedFilter", "MisnamedFilter calls itself differently"),
        ("BrokenFilter", "BrokenFilter cannot be made (RuntimeError)"),
        ("LostFilter", "LostFilter cannot be loaded (AttributeError)"),
        ("EvnFilter", "EvnFilter is unknown; did you mean EvenFilter"),
    ],
)
def test_what_is_wrong_with_an_entry_point_is_told(name: str, problem: str) -> None:
    (told,) = refused(name)
    assert problem in told
    assert "secret" not in told


def test_a_name_offered_twice_is_refused(outside: Path) -> None:
    install(outside, "rival", "[placement_scheduler.filters]\nEvenFilter = outside_plugins:Misnamed\n")
    assert refused("EvenFilter") == ("[filter_scheduler] enabled_filters: EvenFilter is offered by several packages",)


class Answering:
    """A filter and weigher that does as told."""

    name = "Answering"
    reason = "because"

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer

    def passes(self, request: Any, hosts: Any) -> Any:
        return self.answer()

    score = passes


def fail() -> None:
    raise RuntimeError("a secret")


@pytest.mark.parametrize(
    "answer",
    [
        fail,
        lambda: None,
        lambda: [True, True],
        lambda: np.array([True]),
        lambda: np.array([[True, True]]),
        lambda: np.array([1, 0]),
        lambda: np.array(["a", "b"]),
    ],
)
def test_a_filter_that_does_anything_but_answer_stops_the_request(answer: Callable[[], Any]) -> None:
    with pytest.raises(PluginFailed) as caught:
        judged(Answering(answer), spec(), HOSTS)
    assert caught.value.plugin == "Answering"
    assert caught.value.__context__ is None
    assert "secret" not in f"{caught.value} {vars(caught.value)}"


@pytest.mark.parametrize(
    "answer",
    [
        fail,
        lambda: None,
        lambda: np.array([1.0]),
        lambda: np.array([1, 2]),
        lambda: np.array([1.0, np.nan]),
        lambda: np.array([1.0, np.inf]),
    ],
)
def test_a_weigher_that_does_anything_but_answer_stops_the_request(answer: Callable[[], Any]) -> None:
    with pytest.raises(PluginFailed) as caught:
        scored([Answering(answer)], spec(), HOSTS)
    assert caught.value.__context__ is None


class OfAColumn(ColumnWeigher):
    name = "OfAColumn"

    def __init__(self, *column: str) -> None:
        self.column = column


def test_a_weigher_of_a_column_is_not_asked_and_one_of_a_column_that_is_not_there_stops_the_request() -> None:
    there = OfAColumn("free", "VCPU")
    assert weigh_hosts([Weighed(there, 1.0)], spec(), HOSTS).raw[0].tolist() == HOSTS.free("VCPU").tolist()
    assert there.score(spec(), HOSTS).tolist() == HOSTS.free("VCPU").tolist()
    with pytest.raises(PluginFailed) as caught:
        weigh_hosts([Weighed(OfAColumn("fact", "no_such_fact"), 1.0)], spec(), HOSTS)
    assert caught.value.plugin == "OfAColumn"
    assert caught.value.__context__ is None


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_ends_the_process_passes_through(error: type[BaseException]) -> None:
    def stop() -> None:
        raise error

    with pytest.raises(error):
        judged(Answering(stop), spec(), HOSTS)


def test_a_filter_may_find_the_request_wrong() -> None:
    def refuse() -> None:
        raise InvalidRequest("flavor: no")

    with pytest.raises(InvalidRequest):
        judged(Answering(refuse), spec(), HOSTS)
