"""Every scenario, at the public face: what is selected, what Placement holds then, and what the record says."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import scheduler
from scheduler import DecisionRecord, Selection
from tests.hosts.fleets import uid
from tests.scenarios.fleet import CONTEXT, Expectation, Scenario, Stage, scenarios, stage

ALL = list(scenarios())


def test_there_are_many_scenarios_and_none_twice() -> None:
    names = [scenario.name for scenario in ALL]
    assert len(names) >= 30
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
def test_scenario(scenario: Scenario, tmp_path: Path) -> None:
    set_up = stage(scenario, tmp_path)
    with set_up.scheduler:
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


def record_of(set_up: Stage) -> DecisionRecord:
    """Return the record of the request."""
    record = set_up.scheduler.records.get(str(CONTEXT.request_id))
    assert record is not None
    return record


def uuids(scenario: Scenario) -> list[Any]:
    """Return the instances to place."""
    return [uid(name) for name in scenario.instances]
