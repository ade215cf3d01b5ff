"""``replay`` says whether a decision comes out the same, offline, and puts down who asked."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from scheduler import DecisionRecord, Flavor
from scheduler.records import DirectoryRecords
from scheduler.settings import FilterSettings
from tests.cli.conftest import Console
from tests.cli.test_schedule import REQUEST, TOO_BIG
from tests.flow.deciding import decided, plugins
from tests.hosts.fleets import Node, spec

FLEET = [Node(name, {"VCPU": (9, 0), "MEMORY_MB": (9, 0), "DISK_GB": (9, 0)}) for name in ("h0", "h1", "h2")]


def directory(console: Console) -> Path:
    return console.ini.parent / "records"


def keep(console: Console, record: DecisionRecord) -> None:
    DirectoryRecords(str(directory(console)), 10)(record)


@pytest.fixture
def record(console: Console) -> DecisionRecord:
    """Keep the record of a decision where the command looks for it, as a scheduler would."""
    made = decided(FLEET, spec(flavor=Flavor(vcpus=1, memory_mb=1, root_gb=1)), plugins(), instances=2)
    keep(console, made)
    return made


def test_a_decision_comes_out_the_same(console: Console) -> None:
    request_id = json.loads(console.schedule(REQUEST, "--json").stdout)["request_id"]
    console.schedule(TOO_BIG)
    done = console("replay", request_id)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Request {request_id}: identical (1 rounds, ")


def test_the_latest_decision_is_replayed_without_any_placement(console: Console, record: DecisionRecord) -> None:
    ini = console.ini.read_text()
    assert "https://127.0.0.1" in ini
    console.ini.write_text(ini.replace("https://127.0.0.1", "https://gone.invalid"))
    done = console("replay", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "request_id": record.request_id,
        "verdict": "identical",
        "rounds": 1,
        "instances": 2,
        "difference": None,
        "problem": "",
        "changes": [],
    }


def test_a_seed_that_is_not_the_one_is_6(console: Console, record: DecisionRecord) -> None:
    keep(console, structs.replace(record, seed="00" * 32))
    done = console("replay")
    assert done.returncode == 6
    assert "different at rounds[0].instances[0]." in done.stdout


def test_a_version_that_is_not_the_one_is_told(console: Console, record: DecisionRecord) -> None:
    record.inputs.rules.versions["numpy"] = "0.9"
    keep(console, structs.replace(record, seed="00" * 32))
    done = console("replay")
    assert done.returncode == 6
    assert ", perhaps because not all is as it was then" in done.stdout
    assert "Not as it was then: rules.versions.numpy was '0.9', is " in done.stdout


def test_the_rules_are_those_of_the_record_whatever_the_ini_says_now(console: Console, record: DecisionRecord) -> None:
    changed = "[filter_scheduler]\nram_weight_multiplier = -1\nenabled_filters =\n"
    console.ini.write_text(f"{console.ini.read_text()}\n{changed}")
    assert console("replay").returncode == 0


def test_a_record_gets_no_code_loaded_that_the_ini_does_not_name(console: Console, record: DecisionRecord) -> None:
    rules = structs.replace(record.inputs.rules, filters=FilterSettings(enabled_filters=("Evil",)))
    keep(console, structs.replace(record, inputs=structs.replace(record.inputs, rules=rules)))
    done = console("replay")
    assert (done.returncode, done.stdout) == (3, "")
    assert "Evil took part in the decision and must be enabled" in done.stderr


def test_a_record_without_inputs_is_1_and_says_why(console: Console, record: DecisionRecord) -> None:
    keep(console, structs.replace(record, inputs=None, left_out="inputs"))
    done = console("replay")
    assert done.returncode == 1
    assert "cannot be replayed. The record was kept without its inputs, as it would have been too large." in done.stdout


def test_no_record_is_1(console: Console) -> None:
    done = console("replay", "req-00000000-0000-0000-0000-000000000000")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no record of req-0000" in done.stderr


def test_without_a_directory_it_is_3_and_says_what_to_do(configured: Callable[..., Console]) -> None:
    done = configured()("replay")
    assert done.returncode == 3
    assert "[explain] record_dir: not set" in done.stderr


def test_who_explains_or_replays_is_put_down(console: Console, record: DecisionRecord) -> None:
    console("explain")
    console("replay", record.request_id)
    lines = [json.loads(line) for line in (directory(console) / "access.log").read_text().splitlines()]
    put_down = [(line["command"], line["request_id"]) for line in lines]
    assert put_down == [("explain", record.request_id), ("replay", record.request_id)]
    assert all(line["who"] for line in lines)


@pytest.mark.parametrize("command", ["explain", "replay"])
def test_what_cannot_be_put_down_is_not_shown(console: Console, record: DecisionRecord, command: str) -> None:
    (directory(console) / "access.log").mkdir()
    done = console(command)
    assert (done.returncode, done.stdout) == (4, "")
    assert "the reading could not be put down" in done.stderr
