"""Randomness of whole requests: an unusable source claims nothing, and only the decision comes from its seed."""

import logging
from uuid import uuid4

import pytest

from placement_client.testing import MockPlacement
from scheduler import SchedulingUnavailable, SeededRandomSource
from scheduler.bootstrap import build, random_source_of, warnings_of
from scheduler.config import load_config
from scheduler.errors import InvalidSettings
from scheduler.randomness import SystemRandomSource
from tests.flow.fleet import CONTEXT, FAST_CLAIMS, SPEC, add_hosts, holders, scheduler_on
from tests.randomness.test_sources import BAD_SEEDS, Giving

SEEDED = "[randomness]\nsource = seeded\nseed = s\n"


@pytest.fixture
def mock() -> MockPlacement:
    return MockPlacement()


@pytest.mark.parametrize("seed", BAD_SEEDS, ids=repr)
def test_a_source_that_gives_no_seed_stops_the_request_and_claims_nothing(mock, seed):
    hosts = add_hosts(mock.client(), 1)
    with scheduler_on(mock, random_source=Giving(seed)) as scheduler:
        with pytest.raises(SchedulingUnavailable):
            scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
        assert scheduler.figures().open == 0
    assert holders(mock.client(), hosts) == {}


def test_reservations_never_come_from_the_seed(mock):
    """Two schedulers with one seed decide alike; their reservations have ids that no seed tells."""
    add_hosts(mock.client(), 5)
    schedulers = [scheduler_on(mock, random_source=SeededRandomSource(b"key")) for _ in range(2)]
    ids = [scheduler.claimer.new_id() for scheduler in schedulers for _ in range(100)]
    assert len(set(ids)) == 200
    assert {(one.version, one.variant) for one in ids} == {(4, "specified in RFC 4122")}
    for scheduler in schedulers:
        scheduler.close()


def conf_of(tmp_path, text: str):
    file = tmp_path / "scheduler.ini"
    file.write_text(text)
    return load_config(str(file))


def test_the_system_is_the_default(tmp_path):
    conf = conf_of(tmp_path, "")
    assert isinstance(random_source_of(conf), SystemRandomSource)
    assert not [warning for warning in warnings_of(conf) if "seeded" in warning]


def test_a_seeded_source_has_to_be_allowed(tmp_path):
    with pytest.raises(InvalidSettings, match=r"\[randomness\] source: .* set allow_seeded = true"):
        conf_of(tmp_path, SEEDED)


def test_a_seeded_source_is_warned_of_at_every_start(tmp_path, caplog):
    mock = MockPlacement()
    conf = conf_of(tmp_path, f"{mock.ini()}\n{FAST_CLAIMS}{SEEDED}allow_seeded = true\n")
    assert isinstance(random_source_of(conf), SeededRandomSource)
    for starts in (1, 2):
        build(conf, http_adapter=mock.faults).close()
        warned = [one for one in caplog.records if one.levelno == logging.WARNING and "seeded" in one.getMessage()]
        assert len(warned) == starts
