"""``schedule`` claims what it prints, and says in its exit status how it ended."""

import json
import os
import signal
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.cli.conftest import COMMAND, ENVIRONMENT, HOSTS, Console

REQUEST = {"flavor": {"vcpus": 2, "memory_mb": 64}, "project_id": "p", "user_id": "u"}
TOO_BIG = REQUEST | {"flavor": {"vcpus": 2000, "memory_mb": 64}}


def test_a_placed_request_is_printed_and_holds_what_is_printed(console: Console) -> None:
    instance = str(uuid.uuid4())
    done = console.schedule(REQUEST | {"instance_uuids": [instance]})
    assert (done.returncode, done.stderr) == (0, "")
    header, row, request = done.stdout.splitlines()
    assert header.split() == ["instance", "host", "node", "provider", "resources"]
    shown, host, node, provider, *resources = row.split()
    assert (shown, host, provider) == (instance, node, str(HOSTS[host]))
    assert " ".join(resources) == "MEMORY_MB 64, VCPU 2"
    assert request.startswith("Request req-")
    assert console.placement.get_allocations(UUID(instance)).amounts() == {HOSTS[host]: {"VCPU": 2, "MEMORY_MB": 64}}


def test_instances_are_minted_where_none_are_named(console: Console) -> None:
    done = console.schedule(REQUEST | {"num_instances": 3}, "--json")
    answer = json.loads(done.stdout)
    instances = {UUID(selection["instance_uuid"]) for selection in answer["selections"]}
    assert done.returncode == 0
    assert len(instances) == 3
    assert all(console.placement.get_allocations(instance).project_id == "p" for instance in instances)


def test_more_instances_than_a_request_may_have_are_not_minted(console: Console) -> None:
    done = console.schedule(REQUEST | {"num_instances": 2**31 - 1})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "num_instances: expected 1 to 100 instances, got 2147483647\n"


def test_json_holds_the_request_and_the_claimed_selections(console: Console) -> None:
    answer = json.loads(console.schedule(REQUEST, "--json").stdout)
    (selection,) = answer["selections"]
    assert answer["request_id"].startswith("req-")
    assert selection["claimed"] is True
    assert selection["allocation_request_version"] == console.placement.negotiate()
    assert list(selection["allocation_request"]["allocations"]) == [selection["compute_node_uuid"]]


def test_a_request_comes_from_a_file_too(console: Console) -> None:
    file = console.ini.with_name("request.json")
    file.write_text(json.dumps(REQUEST))
    assert console("schedule", str(file)).returncode == 0


def test_the_operator_may_force_a_host(console: Console) -> None:
    done = console.schedule(REQUEST | {"force_hosts": ["h2"]}, "--json")
    assert [selection["service_host"] for selection in json.loads(done.stdout)["selections"]] == ["h2"]


def test_no_valid_host_is_1_with_the_constant_text_and_a_hint(console: Console) -> None:
    done = console.schedule(TOO_BIG)
    assert (done.returncode, done.stdout) == (1, "")
    text, request, why = done.stderr.splitlines()
    request_id = request.removeprefix("Request ")
    assert text == "No valid host was found."
    assert why.endswith(f"--config-file {console.ini} explain {request_id}")


def test_no_valid_host_for_machines(console: Console) -> None:
    answer = json.loads(console.schedule(TOO_BIG, "--json").stdout)
    assert answer.pop("request_id").startswith("req-")
    assert answer == {"error": "no_valid_host", "message": "No valid host was found."}


@pytest.mark.parametrize(
    ("request_document", "named"),
    [
        ({"flavor": {"vcpus": "2", "memory_mb": 64}, "project_id": "p", "user_id": "u"}, "flavor.vcpus"),
        (REQUEST | {"colour": "blue"}, "colour"),
        (REQUEST | {"instance_uuids": ["x"]}, "instance_uuids"),
        (REQUEST | {"instance_uuids": [str(UUID(int=1)), str(UUID(int=2))]}, "instance_uuids"),
        ([], "JSON object"),
    ],
)
def test_an_invalid_request_is_2_and_names_the_field(console: Console, request_document, named: str) -> None:
    done = console.schedule(request_document)
    assert (done.returncode, done.stdout) == (2, "")
    assert named in done.stderr


def test_a_field_given_twice_is_2(console: Console) -> None:
    file = console.ini.with_name("request.json")
    file.write_text('{"project_id": "p", "user_id": "u", "project_id": "q", "flavor": {"vcpus": 1, "memory_mb": 1}}')
    done = console("schedule", str(file))
    assert (done.returncode, done.stderr) == (2, "request: field 'project_id' is given more than once\n")


@pytest.mark.parametrize("text", ["", "{", '{"a": NaN}', "\udcff"])
def test_what_is_not_json_is_2(console: Console, text: str) -> None:
    file = console.ini.with_name("request.json")
    file.write_bytes(text.encode(errors="surrogateescape"))
    done = console("schedule", str(file))
    assert (done.returncode, done.stderr) == (2, "request: is not a JSON object\n")


def test_a_missing_file_is_2_and_named(console: Console) -> None:
    done = console("schedule", "nowhere.json")
    assert (done.returncode, done.stderr) == (2, "nowhere.json cannot be read: No such file or directory\n")


def test_an_instance_with_allocations_is_2_and_left_alone(console: Console) -> None:
    request = REQUEST | {"instance_uuids": [str(uuid.uuid4())]}
    assert console.schedule(request).returncode == 0
    held = console.placement.get_allocations(UUID(request["instance_uuids"][0]))
    assert held.consumer_generation == 1
    done = console.schedule(request)
    assert done.returncode == 2
    assert "already holds allocations" in done.stderr
    now = console.placement.get_allocations(UUID(request["instance_uuids"][0]))
    assert (now.amounts(), now.consumer_generation, now.user_id) == (held.amounts(), 1, held.user_id)


def test_wrong_settings_are_3_and_name_section_and_option(configured: Callable[..., Console]) -> None:
    done = configured("[scheduler]\nmax_atempts = 3\n").schedule(REQUEST)
    assert done.returncode == 3
    assert "[scheduler] max_atempts: unknown option, did you mean max_attempts?" in done.stderr


def test_a_plain_http_endpoint_is_3(configured: Callable[..., Console]) -> None:
    done = configured(endpoint="http://127.0.0.1:1").schedule(REQUEST)
    assert done.returncode == 3
    assert "https" in done.stderr


def test_an_outage_is_4_and_never_no_valid_host(configured: Callable[..., Console]) -> None:
    done = configured(endpoint="https://127.0.0.1:1").schedule(REQUEST)
    assert (done.returncode, done.stdout) == (4, "")
    assert "No valid host" not in done.stderr
    assert "reason not_sent" in done.stderr


def test_the_log_goes_to_the_file_of_the_configuration(configured: Callable[..., Console], tmp_path: Path) -> None:
    done = configured(f"[DEFAULT]\nlog_file = {tmp_path / 'scheduler.log'}\n").schedule(REQUEST)
    assert done.returncode == 0
    assert "outcome=selected" in (tmp_path / "scheduler.log").read_text()


def test_no_message_holds_the_token_or_the_url(configured: Callable[..., Console]) -> None:
    done = configured(endpoint="https://127.0.0.1:1/canary", token="secret-canary").schedule(REQUEST)
    assert done.returncode == 4
    assert "canary" not in done.stdout + done.stderr


@pytest.fixture
def listening() -> Iterator[None]:
    """Let the processes that are started listen to SIGINT, which those of a job in the background ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_is_130(configured: Callable[..., Console], number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        console = configured(endpoint=f"https://127.0.0.1:{silent.getsockname()[1]}")
        process = subprocess.Popen(
            [*COMMAND, "--config-file", str(console.ini), "schedule", "-"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
        )
        process.stdin.write(json.dumps(REQUEST).encode())
        process.stdin.close()
        silent.accept()  # the command is waiting for Placement now
        os.kill(process.pid, number)
        error = process.stderr.read().decode()
        ended = (process.wait(20), error)
    assert ended == (130, "Interrupted; what was not confirmed has been released.\n")


def test_a_placed_instance_is_migrated_and_the_migration_keeps_what_it_held(console: Console) -> None:
    instance, migration = str(uuid.uuid4()), str(uuid.uuid4())
    named = REQUEST | {"instance_uuids": [instance]}
    here = json.loads(console.schedule(named, "--json").stdout)["selections"][0]
    done = console.schedule(named, "--json", "--operation", "migrate", "--migration-uuid", migration)
    there = json.loads(done.stdout)["selections"][0]
    assert there["service_host"] != here["service_host"]
    for consumer, selection in ((instance, there), (migration, here)):
        assert list(console.placement.get_allocations(UUID(consumer)).allocations) == [
            UUID(selection["compute_node_uuid"])
        ]


def test_an_option_that_an_operation_does_not_have_is_refused(console: Console) -> None:
    done = console.schedule(REQUEST, "--migration-uuid", str(uuid.uuid4()))
    assert done.returncode != 0
    assert done.stderr.startswith("build: options: unknown field 'migration_uuid'")
    done = console.schedule(REQUEST, "--operation", "evacuate", "--migration-uuid", "x")
    assert done.stderr == "evacuate: migration_uuid: must be a UUID\n"
