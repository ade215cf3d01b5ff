"""Scheduler hints are a tenant's words: bounded, read by a plugin that says so, and no way to steer the scheduler."""

import dataclasses
from uuid import uuid4

import numpy as np
import pytest

from placement_client.testing import RealPlacement
from scheduler import InvalidRequest, InvalidSettings, RequestSpec
from scheduler.filters import Filter
from scheduler.hosts import HostTable
from scheduler.hosts.arrays import BoolArray
from scheduler.plugins import Registry
from scheduler.weighers import Weighed
from tests.flow.fleet import CONTEXT, SPEC, add_hosts, reservations, scheduler_on


def hinted(hints: dict[str, object]) -> RequestSpec:
    return RequestSpec(flavor=SPEC.flavor, project_id="tenant", user_id="somebody", scheduler_hints=hints)


class NameFilter:
    """Lets only the host pass whose name a hint gives."""

    name = "NameFilter"
    reason = "other_name"
    hints = frozenset({"name"})

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        wanted = request.scheduler_hints.get("name")
        return np.array([wanted in (None, name) for name in hosts.names], dtype=np.bool_)


class NameWeigher:
    """Likes every host, and says that it reads a hint."""

    name = "NameWeigher"
    hints = frozenset({"liked"})

    def score(self, request: RequestSpec, hosts: HostTable) -> np.ndarray:
        return np.zeros(len(hosts))


@pytest.mark.parametrize("name", ["_nova_check_type", "_nova_host", "_", "_anything"])
def test_hint_cannot_change_operation(name: str) -> None:
    """Nova tells a rebuild, which claims nothing, by such a hint; here it is refused."""
    with RealPlacement() as real:
        client = real.client(wrap=lambda adapter: adapter)
        add_hosts(client, 1)
        with scheduler_on(real) as scheduler:
            with pytest.raises(InvalidRequest) as caught:
                scheduler.select_destinations(CONTEXT, hinted({name: ("rebuild",)}), [uuid4()])
            assert caught.value.problems == (f"scheduler_hints['{name}']: names that begin with _ are reserved",)
        assert reservations(client) == 0


def test_a_hint_that_is_read_changes_the_choice_and_still_claims() -> None:
    """Whatever hint is accepted, the request stays a claim: the instance holds what was selected."""
    with RealPlacement() as real:
        client = real.client(wrap=lambda adapter: adapter)
        hosts = add_hosts(client, 4)
        with scheduler_on(real) as scheduler:
            plugins = scheduler.plugins
            hinting = dataclasses.replace(plugins, filters=(*plugins.filters, NameFilter()))
            steered = dataclasses.replace(scheduler, plugins=hinting)
            instance = uuid4()
            ((selection,),) = steered.select_destinations(CONTEXT, hinted({"name": "h2"}), [instance])
            assert selection.service_host == "h2"
            assert set(client.get_allocations(instance).amounts()) == {hosts[2]}


def test_a_hint_that_nothing_reads_is_refused_by_name() -> None:
    """Invariant I10; a weigher's word counts as a filter's."""
    with RealPlacement() as real:
        add_hosts(real.client(wrap=lambda adapter: adapter), 1)
        with scheduler_on(real) as scheduler:
            request = hinted({"liked": "x", "same_host": ("y",), "nane": "z"})
            with pytest.raises(InvalidRequest) as caught:
                scheduler.select_destinations(CONTEXT, request, [uuid4()])
            refused = "not read by any enabled filter or weigher"
            assert caught.value.problems == tuple(
                f"scheduler_hints['{name}']: {refused}" for name in ("liked", "same_host", "nane")
            )
            plugins = scheduler.plugins
            liking = dataclasses.replace(plugins, weighers=(*plugins.weighers, Weighed(NameWeigher(), 1.0)))
            dataclasses.replace(scheduler, plugins=liking).select_destinations(
                CONTEXT, hinted({"liked": "x"}), [uuid4()]
            )


@pytest.mark.parametrize(
    ("hints", "problem"),
    [
        ({"": "x"}, "scheduler_hints: each key must be 1 to 255 characters"),
        ({"n" * 256: "x"}, "scheduler_hints: each key must be 1 to 255 characters"),
        ({"name": "x" * 1025}, "scheduler_hints: each value must be at most 1024 characters"),
        ({"name": ("x" * 1025,)}, "scheduler_hints"),
        ({f"n{number}": "x" for number in range(65)}, "scheduler_hints: must be at most 64 hints"),
        ({"name": ("x",) * 65}, "scheduler_hints"),
        ({"name": 1}, "scheduler_hints: each value expected"),
        ({"name": None}, "scheduler_hints: each value expected"),
        ({"name": {"a": "b"}}, "scheduler_hints: each value expected"),
    ],
)
def test_hints_are_bounded_and_of_text(hints: dict, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        hinted(hints).checked()


def test_as_many_and_as_long_hints_as_are_allowed() -> None:
    most = {f"{number:0255}": ("x" * 1024,) * 64 for number in range(64)}
    assert hinted(most).checked().scheduler_hints == most


def test_a_plugin_whose_hints_are_not_a_set_of_names_cannot_be_loaded() -> None:
    """A text would be taken for its letters."""

    class Careless(NameFilter):
        hints = "name"

    registry: Registry[Filter] = Registry("enabled_filters", "no.such.group", {}, ("name",))
    problems: list[str] = []
    registry._made("NameFilter", Offering(Careless), problems)  # type: ignore[arg-type]
    assert problems == ["NameFilter declares hints that are not a frozenset of names"]
    with pytest.raises(InvalidSettings, match="NoSuchFilter is unknown"):
        registry.load(["NoSuchFilter"])


@dataclasses.dataclass
class Offering:
    """Entry points that offer one factory."""

    factory: type

    @property
    def factories(self) -> dict[str, type]:
        return {"NameFilter": self.factory}
