"""Forty leaks, planted in every sink and written in every way, are all found; so is what a careless plugin does."""

import logging
from collections import Counter
from dataclasses import replace

import pytest

from canaries import leaks, runs
from canaries.stage import Stage
from placement_client.redaction import GUARD, install_guards
from placement_client.testing import MockPlacement
from scheduler.model import DecisionRecord

LOG = logging.getLogger("scheduler.of.a.plugin")


@pytest.fixture
def stage():
    mock = MockPlacement()
    with Stage("careless", mock.adapter, mock.state.consumers.clear) as one:
        one.world.load(mock.client())
        yield one


def test_all_forty_planted_leaks_are_found():
    report = runs.of_plants(1)
    assert [failure.what for failure in report.failures] == []
    assert report.runs == len({(row["sink"], row["written"]) for row in report.rows}) == 40


def test_every_sink_and_every_way_of_writing_is_planted():
    planted = leaks.planted()
    assert set(Counter(plant.sink for plant in planted)) == set(leaks.SINKS)
    assert {plant.technique.name for plant in planted} == {technique.name for technique in leaks.WAYS}


def asked(stage: Stage, observer) -> set[tuple[str, str]]:
    """Ask for an instance while somebody is careless; return what leaked where."""
    with stage.world.scheduler() as sound:
        scheduler = replace(sound, observers=(*sound.observers, observer))
        context, instances = stage.world.context(), stage.world.instances(1)
        spec = stage.world.small_request()
        stage.play(
            "careless",
            lambda: scheduler.select_destinations(context, spec, instances),
            scheduler,
            context.request_id,
        )
    return {(leak.sink, leak.marker.kind) for _, leak in stage.found}


def test_an_observer_that_logs_identifiers_is_found(stage):
    found = asked(stage, lambda record: LOG.debug("placed %s", str(record.instances[0])[9:]))
    assert ("log, text", "instance") in found
    assert ("log, oslo JSON", "instance") in found
    assert {kind for _, kind in found} == {"instance"}


def test_a_host_name_in_capitals_is_found(stage):
    found = asked(stage, lambda record: LOG.info(record.rounds[0].instances[0].selected.upper()))
    assert {kind for _, kind in found} == {"host"}


def test_a_record_that_holds_a_secret_is_found(stage):
    """A decision record may hold identifiers, but not what is secret."""
    with stage.world.scheduler() as scheduler:
        request_id, secret = stage.world.context().request_id, stage.mint.word("password")
        scheduler.records(DecisionRecord(request_id=request_id, outcome="rejected", reason=secret))
        stage.play("careless", lambda: None, scheduler)
    assert {(leak.sink, leak.marker.kind) for _, leak in stage.found} == {("decision record", "password")}


def test_without_guards_the_same_request_leaks(stage):
    """The control for all paths: the libraries below do tell what the search looks for."""
    more = {"journal": {"connection": f"sqlite:///{stage.world.directory}/journal/claims.sqlite"}}
    context, instances = stage.world.context(), stage.world.instances(1)
    with stage.world.scheduler(more=more) as scheduler:
        take_guards_off()
        try:
            spec = stage.world.small_request()
            stage.play("unguarded", lambda: scheduler.select_destinations(context, spec, instances), scheduler)
        finally:
            install_guards()
    assert {"request", "project", "token"} <= {leak.marker.kind for _, leak in stage.found}


def take_guards_off() -> None:
    logging.setLogRecordFactory(logging.LogRecord)
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).removeFilter(GUARD)
