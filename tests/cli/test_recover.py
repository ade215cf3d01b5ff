"""``recover`` settles what a killed process left in the journal, and says when something is still left."""

import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from placement_client.testing import PlacementServer
from tests.audit.leaks import ROOMY
from tests.cli.conftest import ENVIRONMENT, Console

PROJECT = "reservations-of-recover"
ROOM = """
[claims]
reservation_project_id = {project}
quarantine = 0.5
recovery_timeout = 0.2
backoff_cap = 0.1
drain_timeout = 0
[journal]
connection = sqlite:///{journal}
"""
# Is killed when the answer to the reservation is there but not seen, when it is written down, or when the commit intent
# is, and nothing has been sent.
DIES = """
import os, signal, sys, uuid
from placement_client.client import PlacementClient
from scheduler import build, load_config
from scheduler.claims.settle import Confirmation
from tests.flow.fleet import CONTEXT, SPEC

post = PlacementClient.post_allocations
ini, when, instance = sys.argv[1:]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if when == "before the answer":
    PlacementClient.post_allocations = lambda *what: die(post(*what))
if when == "after the commit intent":
    Confirmation.drive = die

with build(load_config(ini)) as scheduler:
    reservation = scheduler.reserve(CONTEXT, SPEC, [uuid.UUID(instance)])
    if when == "after the commit intent":
        reservation.confirm()
    die()
"""
NOTHING = {"open": 0, "in_doubt": 0, "releasing": 0}


@pytest.fixture
def console(placement_server: PlacementServer, tmp_path: Path) -> Console:
    """The command with a journal of its own, and a provider that everything fits."""
    client, host = placement_server.client(), uuid4()
    client.create_resource_provider(f"recover-{host}", host)
    client.set_inventories(host, 0, ROOMY)
    ini = tmp_path / "scheduler.ini"
    room = ROOM.format(project=PROJECT, journal=tmp_path / "journal" / "journal.sqlite")
    ini.write_text(placement_server.ini() + room)
    return Console(ini, client)


def killed(console: Console, when: str) -> UUID:
    """Let a scheduler be killed at this moment; return the instance it was placing."""
    instance = uuid4()
    command = [sys.executable, "-c", DIES, str(console.ini), when, str(instance)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -9, done.stderr
    return instance


def reservations(console: Console) -> int:
    return console.placement.get_project_usages(PROJECT, consumer_type="all").consumers("all")


def recovered(console: Console, *arguments: str) -> tuple[int, dict]:
    done = console("recover", "--json", *arguments)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_with_an_empty_journal_nothing_is_left(console: Console) -> None:
    done = console("recover")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Nothing is left to settle.\n", "")


@pytest.mark.parametrize("when", ["before the answer", "reserved"])
def test_what_was_reserved_is_released(console: Console, when: str) -> None:
    instance = killed(console, when)
    assert reservations(console) == 1
    assert recovered(console) == (0, NOTHING)
    assert reservations(console) == 0
    assert console.placement.get_allocations(instance).allocations == {}


def test_what_was_being_confirmed_is_driven_forward(console: Console) -> None:
    instance = killed(console, "after the commit intent")
    assert reservations(console) == 1
    assert recovered(console) == (0, NOTHING)
    assert reservations(console) == 0
    assert console.placement.get_allocations(instance).allocations != {}


def test_what_cannot_be_settled_by_the_deadline_is_5_and_the_next_time_settles_it(console: Console) -> None:
    killed(console, "reserved")
    text = console.ini.read_text()
    endpoint = next(line for line in text.splitlines() if line.startswith("endpoint ="))
    console.ini.write_text(text.replace(endpoint, "endpoint = https://127.0.0.1:1"))
    assert recovered(console, "--deadline", "1") == (5, NOTHING | {"releasing": 1})
    assert "1 being released" in console("recover", "--deadline", "1").stdout
    assert reservations(console) == 1
    console.ini.write_text(text)
    assert recovered(console) == (0, NOTHING)
    assert reservations(console) == 0


def test_a_journal_of_another_kind_is_wrong_configuration(console: Console) -> None:
    console.ini.write_text(console.ini.read_text().replace("sqlite:///", "mysql:///"))
    assert console("recover").returncode == 3


@pytest.mark.parametrize("deadline", ["-1", "later", "inf"])
def test_a_deadline_that_is_no_time_is_2(console: Console, deadline: str) -> None:
    assert console("recover", f"--deadline={deadline}").returncode == 2
