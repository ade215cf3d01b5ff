"""``explain`` says in words what happened, as long as there is a record of it."""

import json
from collections.abc import Callable

from tests.cli.conftest import Console
from tests.cli.test_schedule import REQUEST, TOO_BIG


def test_the_latest_request_is_explained(console: Console) -> None:
    console.schedule(REQUEST)
    request_id = json.loads(console.schedule(TOO_BIG, "--json").stdout)["request_id"]
    done = console("explain")
    assert (done.returncode, done.stderr) == (0, "")
    assert request_id in done.stdout


def test_a_request_is_explained_by_its_id(console: Console) -> None:
    request_id = json.loads(console.schedule(REQUEST, "--json").stdout)["request_id"]
    console.schedule(TOO_BIG)
    done = console("explain", request_id)
    assert done.returncode == 0
    assert request_id in done.stdout


def test_a_refusal_names_the_constraint_that_rules_the_fleet_out(console: Console) -> None:
    console.schedule(TOO_BIG)
    assert "without VCPU 2000: 3 hosts" in console("explain").stdout


def test_a_record_for_machines(console: Console) -> None:
    request_id = json.loads(console.schedule(TOO_BIG, "--json").stdout)["request_id"]
    record = json.loads(console("explain", request_id, "--json").stdout)
    assert (record["request_id"], record["outcome"]) == (request_id, "no_valid_host")


def test_an_unknown_request_is_1(console: Console) -> None:
    done = console("explain", "req-00000000-0000-0000-0000-000000000000")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no record of req-0000" in done.stderr


def test_no_request_at_all_is_1(console: Console) -> None:
    done = console("explain")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no record of any request" in done.stderr


def test_without_a_directory_the_option_to_set_is_named(configured: Callable[..., Console]) -> None:
    done = configured().__call__("explain")
    assert (done.returncode, done.stdout) == (3, "")
    assert "[explain] record_dir" in done.stderr
