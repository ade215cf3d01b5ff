"""SIGTERM: open requests finish, what stays open is aborted, a second signal ends at once."""

import signal
import subprocess
import sys
from uuid import uuid4

import pytest

from placement_client.clock import SYSTEM_CLOCK
from scheduler import build, load_config
from tests.architecture.source import ROOT
from tests.flow.fleet import FAST_CLAIMS, holders, reservations

CHILD = """
import sys, threading, time
from uuid import UUID
from scheduler import build, load_config
from tests.flow.fleet import CONTEXT, SPEC

scheduler = build(load_config(sys.argv[1]))
scheduler.close_on_signal()
open_request = scheduler.reserve(CONTEXT, SPEC, [UUID(sys.argv[2])])
left_open = scheduler.reserve(CONTEXT, SPEC, [UUID(sys.argv[3])])
print("reserved", flush=True)
time.sleep(float(sys.argv[4]))
open_request.confirm()
print("confirmed", flush=True)
time.sleep(60)
"""


@pytest.fixture
def ini(placement_server, tmp_path):
    file = tmp_path / "scheduler.ini"
    claims = FAST_CLAIMS.replace("drain_timeout = 20", "drain_timeout = 3")
    file.write_text(placement_server.ini() + claims.replace("memory://", f"sqlite:///{tmp_path}/journal/claims.sqlite"))
    return file


def started(ini, *arguments):
    command = [sys.executable, "-c", CHILD, str(ini), *map(str, arguments)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "reserved\n"
    return child


def test_sigterm_lets_open_requests_finish_and_aborts_what_stays_open(ini):
    with build(load_config(str(ini))) as scheduler:
        hosts = add_hosts_of_this_test(scheduler.placement)
        finishing, staying = uuid4(), uuid4()
        child = started(ini, finishing, staying, 0.5)
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == -signal.SIGTERM
        assert child.stdout.read() == "confirmed\n"
        assert holders(scheduler.placement, hosts) == {str(finishing): 1}
        assert reservations(scheduler.placement) == 0


def test_a_second_sigterm_ends_at_once_and_the_next_start_recovers(ini):
    with build(load_config(str(ini))) as scheduler:
        hosts = add_hosts_of_this_test(scheduler.placement)
    child = started(ini, uuid4(), uuid4(), 30)
    child.send_signal(signal.SIGTERM)
    SYSTEM_CLOCK.sleep(0.3)
    child.send_signal(signal.SIGTERM)
    assert child.wait(2) == -signal.SIGTERM
    with build(load_config(str(ini))) as scheduler:
        assert reservations(scheduler.placement) == 0
        assert not holders(scheduler.placement, hosts)


def add_hosts_of_this_test(client):
    """Add hosts to the server that other tests share; their names must not clash."""
    from placement_client.models import Inventory

    hosts = [uuid4(), uuid4()]
    for host in hosts:
        client.create_resource_provider(f"shutdown-{host}", host)
        room = {"VCPU": Inventory(total=10**6), "MEMORY_MB": Inventory(total=10**8)}
        client.set_inventories(host, 0, room)
    return hosts
