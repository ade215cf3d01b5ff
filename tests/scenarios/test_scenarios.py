"""Every scenario, at the public face: what is selected, what Placement holds then, and what the record says.

On the mock; those in which the question or the providers matter on the real Placement as well. Every rule has a
scenario.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import scheduler
from placement_client.models import AllocationCandidates
from placement_client.testing import MockPlacement, RealPlacement
from scheduler import DecisionRecord, Selection
from scheduler.errors import InvalidRequest
from scheduler.filters.registry import BUILT_IN as FILTERS
from scheduler.filters.requested import ALWAYS
from scheduler.prefilters import BUILT_IN as PREFILTERS
from scheduler.weighers.registry import BUILT_IN as WEIGHERS
from tests.hosts.fleets import uid
from tests.scenarios.fleet import CONTEXT, Expectation, Scenario, Stage, scenarios, stage

ALL = list(scenarios())
OF_RULES = [scenario for scenario in ALL if scenario.rule]
FOR_REAL = [scenario for scenario in ALL if scenario.expect.offered or any(host.providers for host in scenario.hosts)]


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
def test_scenario(scenario: Scenario, tmp_path: Path) -> None:
    set_up = stage(scenario, tmp_path, MockPlacement())
    with set_up.scheduler:
        expect(scenario, set_up)


@pytest.mark.parametrize("scenario", FOR_REAL, ids=lambda scenario: scenario.name)
def test_scenario_on_the_real_placement(scenario: Scenario, tmp_path: Path) -> None:
    with RealPlacement() as served:
        set_up = stage(scenario, tmp_path, served)
        with set_up.scheduler:
            expect(scenario, set_up)


@pytest.mark.parametrize("scenario", OF_RULES, ids=lambda scenario: scenario.rule)
def test_something_else_comes_out_without_the_rule(scenario: Scenario, tmp_path: Path) -> None:
    """The control: what a scenario expects is the doing of the rule that it shows."""
    set_up = stage(scenario, tmp_path, MockPlacement())
    with set_up.scheduler as whole, pytest.raises((AssertionError, InvalidRequest)):
        expect(scenario, replace(set_up, scheduler=without(whole, scenario.rule)))


def without(whole: scheduler.FilterScheduler, rule: str) -> scheduler.FilterScheduler:
    """Return the same scheduler without a weigher or a prefilter."""
    weighers = tuple(one for one in whole.plugins.weighers if one.weigher.name != rule)
    prefilters = tuple(one for one in whole.prefilters if one.name != rule)
    assert len(weighers) + len(prefilters) + 1 == len(whole.plugins.weighers) + len(whole.prefilters)
    return replace(whole, plugins=replace(whole.plugins, weighers=weighers), prefilters=prefilters)


def test_every_weigher_and_prefilter_has_a_scenario() -> None:
    rules = [*(one.kind.name for one in WEIGHERS), *(one.name for one in PREFILTERS)]
    assert sorted(scenario.rule for scenario in OF_RULES) == sorted(rules)
    assert [one.name for one in OF_RULES if not (one.expect.offered or one.expect.alternates)] == []


def test_every_filter_has_a_scenario_in_which_it_removes_hosts_for_its_reason() -> None:
    removed = {name: set(said) for scenario in ALL for name, said in (scenario.expect.removed or {}).items()}
    kinds = [*ALWAYS, *(one.kind for one in FILTERS)]
    assert removed == {kind.name: {kind.reason} for kind in kinds if kind.name != "AllHostsFilter"}


def expect(scenario: Scenario, set_up: Stage) -> None:
    """Expect what the scenario says."""
    if scenario.expect.error:
        expect_error(scenario, set_up)
    else:
        expect_selected(scenario, set_up)


def expect_error(scenario: Scenario, set_up: Stage) -> None:
    """Expect the error, its reason, and no allocation."""
    expected = scenario.expect
    with pytest.raises(getattr(scheduler, str(expected.error))) as caught:
        set_up.scheduler.select_destinations(CONTEXT, set_up.request, uuids(scenario))
    assert (expected.problem or "") in str(caught.value)
    for instance in uuids(scenario):
        assert not set_up.placement.get_allocations(instance).allocations
    if expected.reason:
        assert record_of(set_up).reason == expected.reason
    expect_removed(expected, set_up)


def expect_selected(scenario: Scenario, set_up: Stage) -> None:
    """Expect these hosts, held in Placement as the selections say."""
    expected = scenario.expect
    chosen = set_up.scheduler.select_destinations(CONTEXT, set_up.request, uuids(scenario), return_alternates=True)
    hosts = {name: found[0].service_host for name, found in zip(scenario.instances, chosen, strict=True)}
    expect_hosts(expected.selected, hosts)
    for selections in chosen:
        expect_held(selections[0], set_up)
    if expected.offered is not None:
        assert offered(set_up) == set(expected.offered)
    if expected.provider:
        assert {set_up.names[uuid] for uuid in chosen[0][0].allocation_request.allocations} == {expected.provider}
    if expected.alternates is not None:
        assert [one.service_host for one in chosen[0][1:]] == expected.alternates
    expect_removed(expected, set_up)


def expect_hosts(selected: Any, hosts: dict[str, str]) -> None:
    """Expect one host, a host for each instance, or hosts out of some."""
    if isinstance(selected, dict) and "any_of" in selected:
        counts = Counter(hosts.values())
        assert set(counts) <= set(selected["any_of"])
        assert max(counts.values()) <= selected.get("at_most", 1)
    else:
        assert hosts == (selected if isinstance(selected, dict) else dict.fromkeys(hosts, selected))


def expect_held(selection: Selection, set_up: Stage) -> None:
    """Expect that Placement holds exactly what the selection says."""
    held = set_up.placement.get_allocations(selection.instance_uuid).amounts()
    wanted = selection.allocation_request.allocations
    assert held == {provider: dict(amounts.resources) for provider, amounts in wanted.items()}


def expect_removed(expected: Expectation, set_up: Stage) -> None:
    """Expect these filters to have removed so many hosts, and all others none."""
    if expected.removed is None:
        return
    steps = record_of(set_up).rounds[-1].instances[-1].steps
    removed: dict[str, dict[str, int]] = {step.name: {step.reason: step.removed} for step in steps if step.removed}
    assert removed == expected.removed


def offered(set_up: Stage) -> set[str]:
    """Return the hosts that Placement offered."""
    inputs = record_of(set_up).inputs
    assert inputs is not None
    assert inputs.rounds[-1] is not None
    return {set_up.names[root] for root in AllocationCandidates.of(inputs.rounds[-1].candidates).roots}


def record_of(set_up: Stage) -> DecisionRecord:
    """Return the record of the request."""
    record = set_up.scheduler.records.get(str(CONTEXT.request_id))
    assert record is not None
    return record


def uuids(scenario: Scenario) -> list[Any]:
    """Return the instances to place."""
    return [uid(name) for name in scenario.instances]
